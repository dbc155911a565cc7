package spool

import (
	"bytes"
	"crypto/ed25519"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"hash/crc32"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// A record is
//
//	magic "ROLLCALL" | version u32 | length u32 | CRC-32C u32 | meta, one line of JSON | '\n' | body
//
// in big-endian order. The CRC covers version, length and all that follows it, in every
// version, so that a flipped bit is never taken for a newer format.
const (
	magic     = "ROLLCALL"
	version   = 1
	headerLen = len(magic) + 12
	// maxRecord bounds what is read back: the largest body with room for header and meta.
	maxRecord = inventory.MaxReportBytes + 4096
)

var errNewer = errors.New("record of a newer format")

// meta is what an envelope says beside its body.
type meta struct {
	Kind      inventory.Kind `json:"kind"`
	ID        string         `json:"id"`
	Gateway   string         `json:"gateway"`
	Boot      uint64         `json:"boot"`
	Seq       uint64         `json:"seq"`
	Key       []byte         `json:"key"`
	Signature []byte         `json:"signature"`
}

func encodeRecord(e *inventory.Envelope) ([]byte, error) {
	m, err := json.Marshal(meta{e.Kind, e.ID, e.Gateway, e.Boot, e.Seq, e.Key, e.Signature})
	if err != nil {
		return nil, err
	}
	n := len(m) + 1 + len(e.Body)
	b := make([]byte, 0, headerLen+n)
	b = append(b, magic...)
	b = binary.BigEndian.AppendUint32(b, version)
	b = binary.BigEndian.AppendUint32(b, uint32(n))
	b = append(b, 0, 0, 0, 0)
	b = append(append(append(b, m...), '\n'), e.Body...)
	binary.BigEndian.PutUint32(b[len(magic)+8:], checksum(b))
	return b, nil
}

// checksum leaves out the magic and itself.
func checksum(b []byte) uint32 {
	table := crc32.MakeTable(crc32.Castagnoli)
	sum := crc32.Update(0, table, b[len(magic):len(magic)+8])
	return crc32.Update(sum, table, b[headerLen:])
}

// decodeRecord reads the record of the file called name. The signature is not looked at.
func decodeRecord(name string, b []byte) (*inventory.Envelope, error) {
	if len(b) < headerLen || string(b[:len(magic)]) != magic {
		return nil, errors.New("no record header")
	}
	if checksum(b) != binary.BigEndian.Uint32(b[len(magic)+8:]) {
		return nil, errors.New("checksum does not match")
	}
	if v := binary.BigEndian.Uint32(b[len(magic):]); v != version {
		return nil, fmt.Errorf("%w (%d)", errNewer, v)
	}
	if n := binary.BigEndian.Uint32(b[len(magic)+4:]); int64(n) != int64(len(b)-headerLen) {
		return nil, fmt.Errorf("length is %d, header says %d", len(b)-headerLen, n)
	}
	return decodePayload(name, b[headerLen:])
}

func decodePayload(name string, b []byte) (*inventory.Envelope, error) {
	head, body, ok := bytes.Cut(b, []byte{'\n'})
	if !ok {
		return nil, errors.New("no body")
	}
	var m meta
	if err := json.Unmarshal(head, &m); err != nil {
		return nil, fmt.Errorf("cannot read what the record says of itself: %w", err)
	}
	e := &inventory.Envelope{Kind: m.Kind, ID: m.ID, Gateway: m.Gateway, Order: inventory.Order{Boot: m.Boot, Seq: m.Seq},
		Body: body, Key: ed25519.PublicKey(m.Key), Signature: m.Signature}
	if fileName(e) != name {
		return nil, fmt.Errorf("record belongs to the name %s", fileName(e))
	}
	return e, nil
}

// The name of a record: two numbers of 20 digits, which hold every uint64, and a piece
// of the id.
const (
	suffix  = ".rcl"
	tmpMark = ".tmp"
	shortID = 8
	nameLen = 20 + 1 + 20 + 1 + shortID + len(suffix)
)

func fileName(e *inventory.Envelope) string {
	return fmt.Sprintf("%020d-%020d-%s%s", e.Boot, e.Seq, shorten(e.ID), suffix)
}

// shorten gives hex digits whatever the id is: nothing foreign becomes part of a name.
func shorten(id string) string {
	if len(id) < shortID || strings.Trim(id[:shortID], "0123456789abcdef") != "" {
		return fmt.Sprintf("%08x", crc32.Checksum([]byte(id), crc32.MakeTable(crc32.Castagnoli)))
	}
	return id[:shortID]
}

// ours says whether a file of that name is a record.
func ours(name string) bool {
	if len(name) != nameLen || !strings.HasSuffix(name, suffix) || name[20] != '-' || name[41] != '-' {
		return false
	}
	for _, digits := range []string{name[:20], name[21:41]} {
		if _, err := strconv.ParseUint(digits, 10, 64); err != nil || digits[0] == '+' {
			return false
		}
	}
	return strings.Trim(name[42:42+shortID], "0123456789abcdef") == ""
}
