package hbom

import (
	"crypto/sha1" //nolint:gosec // what RFC 9562 prescribes for version 5; nothing rests on its strength
	"crypto/sha256"
	"fmt"
	"hash"
	"io"
	"maps"
	"slices"
)

// namespace is that of our serial numbers (RFC 9562, 5.5): itself the version 5 UUID of
// "rollcall hbom" in the namespace of the nil UUID.
func namespace() [16]byte { return uuid5([16]byte{}, []byte("rollcall hbom")) }

func uuid5(space [16]byte, name []byte) [16]byte {
	sum := sha1.Sum(append(space[:], name...))
	var u [16]byte
	copy(u[:], sum[:])
	u[6] = u[6]&0x0f | 0x50
	u[8] = u[8]&0x3f | 0x80
	return u
}

func urn(digest []byte) string {
	u := uuid5(namespace(), digest)
	return fmt.Sprintf("urn:uuid:%x-%x-%x-%x-%x", u[0:4], u[4:6], u[6:8], u[8:10], u[10:16])
}

// serial gives the serial number of a document's bytes.
func serial(doc []byte) string {
	sum := sha256.Sum256(doc)
	return urn(sum[:])
}

// summer passes bytes on and knows the serial number of all of them.
type summer struct {
	w io.Writer
	h hash.Hash
}

func newSummer(w io.Writer) *summer { return &summer{w, sha256.New()} }

func (s *summer) Write(b []byte) (int, error) {
	s.h.Write(b)
	return s.w.Write(b)
}

func (s *summer) serial() string { return urn(s.h.Sum(nil)) }

func sortedKeys(m map[string]string) []string { return slices.Sorted(maps.Keys(m)) }
