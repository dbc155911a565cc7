package inventory

import (
	"crypto/ed25519"
	"encoding/base64"
	"errors"
	"fmt"
)

// Kind says what an envelope carries.
type Kind string

// The kinds of envelope. Each is also the token of the subject that it goes out on.
const (
	KindReport    Kind = "report"
	KindHeartbeat Kind = "heartbeat"
)

// ErrSignature: the signature does not fit the bytes and the key.
var ErrSignature = errors.New("signature does not match")

// Envelope is a report or heartbeat as exact signed bytes.
type Envelope struct {
	Kind    Kind
	ID      string // of the report or heartbeat; the Nats-Msg-Id
	Gateway string
	Order
	Body []byte // the canonical bytes
	// Key is the public Ed25519 report key. It is never the key that logs in to NATS:
	// a hostile server may have that one sign text of its choosing.
	Key       ed25519.PublicKey
	Signature []byte
}

// SealReport encodes and signs r.
func SealReport(r *Report, key ed25519.PrivateKey) (*Envelope, error) {
	body, err := r.Encode()
	if err != nil {
		return nil, err
	}
	return seal(Envelope{Kind: KindReport, ID: r.ID, Gateway: r.Gateway.ID, Order: r.Order, Body: body}, key), nil
}

// SealHeartbeat encodes and signs h.
func SealHeartbeat(h *Heartbeat, key ed25519.PrivateKey) (*Envelope, error) {
	body, err := h.Encode()
	if err != nil {
		return nil, err
	}
	return seal(Envelope{Kind: KindHeartbeat, ID: h.ID, Gateway: h.Gateway, Order: h.Order, Body: body}, key), nil
}

func seal(e Envelope, key ed25519.PrivateKey) *Envelope {
	e.Key = key.Public().(ed25519.PublicKey)
	e.Signature = ed25519.Sign(key, e.signed())
	return &e
}

// Verify says whether Signature is Key's over Body. Whether Key may speak for the
// gateway is for the caller to decide. The collector, which verifies many at once, takes all
// that Verify takes, keys that no key generator makes aside.
func (e *Envelope) Verify() error {
	if len(e.Key) != ed25519.PublicKeySize {
		return fmt.Errorf("cannot verify %s %q: key of %d bytes: %w", e.Kind, e.ID, len(e.Key), ErrSignature)
	}
	if !ed25519.Verify(e.Key, e.signed(), e.Signature) {
		return fmt.Errorf("cannot verify %s %q: %w", e.Kind, e.ID, ErrSignature)
	}
	return nil
}

// Purpose is signed before the body, so that a signature for one kind, or one made for
// something else with the same key, never passes for another.
func (k Kind) Purpose() []byte { return []byte("rollcall " + string(k) + " v1\x00") }

func (e *Envelope) signed() []byte { return append(e.Kind.Purpose(), e.Body...) }

// EncodeKey gives the text form of a public report key.
func EncodeKey(k ed25519.PublicKey) string { return base64.RawURLEncoding.EncodeToString(k) }

// DecodeKey reads the text form of a public report key.
func DecodeKey(s string) (ed25519.PublicKey, error) {
	b, err := base64.RawURLEncoding.DecodeString(s)
	if err != nil || len(b) != ed25519.PublicKeySize {
		return nil, fmt.Errorf("cannot read report key %q: want %d bytes in unpadded URL base64", s, ed25519.PublicKeySize)
	}
	return b, nil
}
