package inventory_test

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"slices"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

func sealed(t *testing.T) *inventory.Envelope {
	t.Helper()
	e, err := inventory.SealReport(goldenReport(), key())
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func TestVerify(t *testing.T) {
	other := ed25519.NewKeyFromSeed(bytes.Repeat([]byte{9}, ed25519.SeedSize))
	for name, c := range map[string]struct {
		change func(*inventory.Envelope)
		want   error
	}{
		"as sealed":          {func(*inventory.Envelope) {}, nil},
		"one byte of body":   {func(e *inventory.Envelope) { e.Body = slices.Clone(e.Body); e.Body[9] ^= 1 }, inventory.ErrSignature},
		"another kind":       {func(e *inventory.Envelope) { e.Kind = inventory.KindHeartbeat }, inventory.ErrSignature},
		"another key":        {func(e *inventory.Envelope) { e.Key = other.Public().(ed25519.PublicKey) }, inventory.ErrSignature},
		"no key":             {func(e *inventory.Envelope) { e.Key = nil }, inventory.ErrSignature},
		"no signature":       {func(e *inventory.Envelope) { e.Signature = nil }, inventory.ErrSignature},
		"body signed plain":  {func(e *inventory.Envelope) { e.Signature = ed25519.Sign(key(), e.Body) }, inventory.ErrSignature},
		"body longer by one": {func(e *inventory.Envelope) { e.Body = append(slices.Clone(e.Body), ' ') }, inventory.ErrSignature},
	} {
		t.Run(name, func(t *testing.T) {
			e := sealed(t)
			c.change(e)
			if err := e.Verify(); !errors.Is(err, c.want) {
				t.Errorf("Verify: %v, want %v", err, c.want)
			}
		})
	}
}

// TestE07 is the trap of a hostile server: the client signs its nonce with the login
// key. Even were that key the report key, such a signature must not pass for a report.
func TestE07(t *testing.T) {
	e := sealed(t)
	for name, nonce := range map[string][]byte{
		"the body":              e.Body,
		"the body and its kind": append([]byte("report"), e.Body...),
	} {
		forged := *e
		forged.Signature = ed25519.Sign(key(), nonce)
		if err := forged.Verify(); !errors.Is(err, inventory.ErrSignature) {
			t.Errorf("%s, signed as a login nonce, passes for a report: %v", name, err)
		}
	}
}

func TestSealHeartbeat(t *testing.T) {
	e, err := inventory.SealHeartbeat(goldenHeartbeat(), key())
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Verify(); err != nil {
		t.Error(err)
	}
	h, err := inventory.DecodeHeartbeat(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	if h.ID != e.ID || h.Gateway != e.Gateway || h.Order != e.Order {
		t.Errorf("envelope %s %s %v, body %s %s %v", e.ID, e.Gateway, e.Order, h.ID, h.Gateway, h.Order)
	}
}

func TestKeyText(t *testing.T) {
	k := key().Public().(ed25519.PublicKey)
	got, err := inventory.DecodeKey(inventory.EncodeKey(k))
	if err != nil || !got.Equal(k) {
		t.Errorf("key changed in text form: %v, %v", got, err)
	}
	for _, bad := range []string{"", "AAAA", inventory.EncodeKey(k) + "=", inventory.EncodeKey(append(slices.Clone(k), 0)), "!!"} {
		if _, err := inventory.DecodeKey(bad); err == nil {
			t.Errorf("key %q was read", bad)
		}
	}
}

func TestGatewayID(t *testing.T) {
	for id, ok := range map[string]bool{
		"gw-7": true, "A_b-9": true, string(bytes.Repeat([]byte("a"), 64)): true,
		"": false, "a.b": false, "*": false, ">": false, "a b": false, "ä": false, "../x": false, "a\n": false,
		string(bytes.Repeat([]byte("a"), 65)): false,
	} {
		if err := inventory.CheckGatewayID(id); (err == nil) != ok {
			t.Errorf("CheckGatewayID(%q): %v", id, err)
		}
	}
}

func TestNewID(t *testing.T) {
	seen := map[string]bool{}
	for range 1000 {
		id := inventory.NewID()
		if len(id) != 32 || seen[id] {
			t.Fatalf("id %q: length %d, seen %v", id, len(id), seen[id])
		}
		seen[id] = true
	}
}
