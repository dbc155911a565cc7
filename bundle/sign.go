package bundle

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"slices"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Signature is in manifest.sig.
type Signature struct {
	Algorithm string `json:"algorithm"`
	// PublicKey and Value are in unpadded URL base64. The key only says which one signed: it
	// counts if the reader trusts it already.
	PublicKey string `json:"public_key"`
	Value     string `json:"signature"`
}

const algorithm = "Ed25519"

// signed prefixes a manifest with its purpose, so that no signature that the same key made
// for something else passes for one of a bundle.
func signed(manifest []byte) []byte { return append([]byte(Schema+"\n"), manifest...) }

func sign(manifest []byte, key ed25519.PrivateKey) []byte {
	return Signature{
		Algorithm: algorithm,
		PublicKey: inventory.EncodeKey(key.Public().(ed25519.PublicKey)),
		Value:     base64.RawURLEncoding.EncodeToString(ed25519.Sign(key, signed(manifest))),
	}.encode()
}

func (s Signature) encode() []byte {
	text, err := json.Marshal(s)
	if err != nil {
		panic(err) // three strings
	}
	return append(text, '\n')
}

func decodeSignature(text []byte) (Signature, error) {
	var s Signature
	if err := json.Unmarshal(text, &s); err != nil {
		return s, fmt.Errorf("%s: %w", signatureOf, err)
	}
	if !bytes.Equal(s.encode(), text) {
		return s, errors.New(signatureOf + " is not written as this version writes it")
	}
	return s, nil
}

// verify says whether one of the trusted keys signed a manifest.
func (s Signature) verify(manifest []byte, trusted []ed25519.PublicKey) error {
	strict := base64.RawURLEncoding.Strict()
	key, err := strict.DecodeString(s.PublicKey)
	known := slices.ContainsFunc(trusted, func(k ed25519.PublicKey) bool { return k.Equal(ed25519.PublicKey(key)) })
	switch {
	case s.Algorithm != algorithm:
		return fmt.Errorf("%w: algorithm %q, want %s", ErrSignature, s.Algorithm, algorithm)
	case err != nil || len(key) != ed25519.PublicKeySize || !known:
		return fmt.Errorf("%w: key %q is none of those", ErrSignature, s.PublicKey)
	}
	value, err := strict.DecodeString(s.Value)
	if err != nil || !ed25519.Verify(key, signed(manifest), value) {
		return fmt.Errorf("%w: the signature is not that of key %q over this manifest", ErrSignature, s.PublicKey)
	}
	return nil
}
