package cli

import (
	"crypto/ed25519"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// readPrivateKey reads an Ed25519 key in PEM (PKCS #8, RFC 8410).
func readPrivateKey(path string) (ed25519.PrivateKey, error) {
	info, err := os.Stat(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o077 != 0 {
		return nil, fmt.Errorf("cannot use the key %s: others may read it (mode %04o): chmod 600 it", path, mode)
	}
	b, err := readSmall(path)
	if err != nil {
		return nil, fmt.Errorf("cannot read the key: %w", err)
	}
	block, _ := pem.Decode(b)
	if block == nil || block.Type != "PRIVATE KEY" {
		return nil, fmt.Errorf("cannot use the key %s: no private key in PEM; \"openssl genpkey -algorithm ed25519\" makes one", path)
	}
	key, err := x509.ParsePKCS8PrivateKey(block.Bytes)
	if err != nil {
		return nil, fmt.Errorf("cannot use the key %s: %w", path, err)
	}
	own, ok := key.(ed25519.PrivateKey)
	if !ok {
		return nil, fmt.Errorf("cannot use the key %s: it is a %T, not one for Ed25519", path, key)
	}
	return own, nil
}

// readPublicKey reads a public key: the path of a file that holds it, or the key itself, in PEM
// or as Rollcall writes keys.
func readPublicKey(text string) (ed25519.PublicKey, error) {
	b, err := readSmall(text)
	switch {
	case errors.Is(err, fs.ErrNotExist):
		b = []byte(text)
	case err != nil:
		return nil, fmt.Errorf("cannot read the key: %w", err)
	}
	if block, _ := pem.Decode(b); block != nil {
		key, err := x509.ParsePKIXPublicKey(block.Bytes)
		own, ok := key.(ed25519.PublicKey)
		if err != nil || !ok {
			return nil, fmt.Errorf("cannot use the key %q: not a public Ed25519 key; \"openssl pkey -in key.pem -pubout\" gives it", text)
		}
		return own, nil
	}
	key, err := inventory.DecodeKey(strings.TrimSpace(string(b)))
	if err != nil {
		return nil, fmt.Errorf("cannot use the key %q: neither a file nor a public key: %w", text, err)
	}
	return key, nil
}
