package hbom

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
	"slices"
)

// ErrSignature: the document is not what was signed, or not by a key that is trusted.
var ErrSignature = errors.New("signature does not match")

// Signature is a detached signature over the exact bytes of a document. Whatever else
// verifies Ed25519 verifies it too:
//
//	openssl pkeyutl -verify -pubin -inkey key.pem -rawin -in hbom.json -sigfile hbom.sig
//
// with the decoded signature in hbom.sig. The key must be one for documents alone, never one
// that logs in anywhere.
type Signature struct {
	Algorithm string `json:"algorithm"`
	// PublicKey and Value are in unpadded URL base64.
	PublicKey string `json:"public_key"`
	Value     string `json:"signature"`
}

const algorithm = "Ed25519"

// Sign signs the bytes of a document.
func Sign(doc []byte, key ed25519.PrivateKey) Signature {
	return Signature{
		Algorithm: algorithm,
		PublicKey: base64.RawURLEncoding.EncodeToString(key.Public().(ed25519.PublicKey)),
		Value:     base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, doc)),
	}
}

// Verify says whether one of the trusted keys signed these bytes. The key in the signature
// only chooses among them.
func Verify(doc []byte, s Signature, trusted ...ed25519.PublicKey) error {
	if s.Algorithm != algorithm {
		return fmt.Errorf("cannot verify HBOM: algorithm %q, want %s: %w", s.Algorithm, algorithm, ErrSignature)
	}
	key, err := base64.RawURLEncoding.DecodeString(s.PublicKey)
	if err != nil || !slices.ContainsFunc(trusted, func(k ed25519.PublicKey) bool { return k.Equal(ed25519.PublicKey(key)) }) {
		return fmt.Errorf("cannot verify HBOM: key %q is not trusted: %w", s.PublicKey, ErrSignature)
	}
	value, err := base64.RawURLEncoding.DecodeString(s.Value)
	if err != nil || len(key) != ed25519.PublicKeySize || !ed25519.Verify(key, doc, value) {
		return fmt.Errorf("cannot verify HBOM with key %q: %w", s.PublicKey, ErrSignature)
	}
	return nil
}
