package store

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"

	stateless "github.com/klauspost/compress/flate"

	"github.com/rollcall-iot/rollcall/inventory"
)

// words is what reports have in common. It must never change: what was packed with it could not be read
// again. Another one would get a mark of its own.
//
//go:embed pack.dict
var words []byte

// withWords stands before what was packed with words. No DEFLATE stream begins with it: it names a kind of
// block that there is not (RFC 1951, section 3.2.3).
const withWords = 0x07

// small bounds what is packed with words, and without making codes for a long text: for a few
// kilobytes that takes a third of the time of compress/flate, and half the space.
const small = 24 << 10

// Packer compresses evidence as it is stored. It may be used from many goroutines at once,
// which is worth it: packing costs as much as storing.
type Packer struct {
	large   sync.Pool
	readers sync.Pool
}

// NewPacker makes a Packer.
func NewPacker() *Packer {
	return &Packer{
		large: sync.Pool{New: func() any {
			w, _ := flate.NewWriter(io.Discard, flate.BestSpeed) // the level is valid
			return w
		}},
		readers: sync.Pool{New: func() any { return flate.NewReader(nil) }},
	}
}

// Pack compresses the bytes of a report.
func (p *Packer) Pack(body []byte) []byte {
	var buf bytes.Buffer
	buf.Grow(len(body)/3 + 64)
	if len(body) <= small {
		buf.WriteByte(withWords)
		_ = stateless.StatelessDeflate(&buf, body, true, words) // a bytes.Buffer takes all
		return buf.Bytes()
	}
	w := p.large.Get().(*flate.Writer)
	defer p.large.Put(w)
	w.Reset(&buf)
	_, _ = w.Write(body) // a bytes.Buffer takes all
	_ = w.Close()
	return buf.Bytes()
}

// Unpack does what the function of that name does, for many reports.
func (p *Packer) Unpack(packed []byte) ([]byte, error) {
	r := p.readers.Get().(io.Reader)
	defer p.readers.Put(r)
	return unpack(r, packed)
}

// Unpack gives the bytes of a report back, within the bounds of reports.
func Unpack(packed []byte) ([]byte, error) { return unpack(flate.NewReader(nil), packed) }

// unpack reads with r, which flate made.
func unpack(r io.Reader, packed []byte) ([]byte, error) {
	var dict []byte
	if len(packed) > 0 && packed[0] == withWords {
		packed, dict = packed[1:], words
	}
	if err := r.(flate.Resetter).Reset(bytes.NewReader(packed), dict); err != nil {
		return nil, fmt.Errorf("cannot unpack stored evidence: %w", err)
	}
	var buf bytes.Buffer
	buf.Grow(min(6*len(packed)+512, inventory.MaxReportBytes)) // most are of one growth
	_, err := buf.ReadFrom(io.LimitReader(r, inventory.MaxReportBytes+1))
	out := buf.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cannot unpack stored evidence: %w", err)
	}
	if len(out) > inventory.MaxReportBytes {
		return nil, errors.New("stored evidence is larger than any report")
	}
	return out, nil
}
