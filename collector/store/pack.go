package store

import (
	"bytes"
	"compress/flate"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/klauspost/compress/s2"

	"github.com/rollcall-iot/rollcall/inventory"
)

// words is what reports have in common. It must never change: what was packed with it could not be read
// again. Another one would get a mark of its own.
//
//go:embed pack.dict
var words []byte

// A mark stands before what was packed with words. No DEFLATE stream begins with one: both name a kind of
// block that there is not (RFC 1951, section 3.2.3).
const (
	withWords = 0x06 // by S2
	deflated  = 0x07 // by DEFLATE, as earlier versions did
)

// small bounds what is packed with words, by S2: for a few kilobytes that takes a fifth of the time of
// DEFLATE, which spends most of it on codes for so short a text, and a seventh more space. Longer texts
// are their own dictionary, and worth the codes.
const small = 24 << 10

// Packer compresses evidence as it is stored. It may be used from many goroutines at once.
type Packer struct {
	words   *s2.Dict
	large   sync.Pool
	readers sync.Pool
}

// NewPacker makes a Packer.
func NewPacker() *Packer {
	return &Packer{
		words: dictionary(),
		large: sync.Pool{New: func() any {
			w, _ := flate.NewWriter(io.Discard, flate.BestSpeed) // the level is valid
			return w
		}},
		readers: sync.Pool{New: func() any { return flate.NewReader(nil) }},
	}
}

// dictionary has the words as S2 takes them, which are best from their beginning.
func dictionary() *s2.Dict { return s2.MakeDictManual(words, 0) }

// Pack compresses the bytes of a report.
func (p *Packer) Pack(body []byte) []byte {
	if len(body) <= small {
		buf := make([]byte, 1+s2.MaxEncodedLen(len(body)))
		packed := p.words.Encode(buf[1:], body)
		out := make([]byte, 1+len(packed)) // it may be kept for long
		out[0] = withWords
		copy(out[1:], packed)
		return out
	}
	var buf bytes.Buffer
	buf.Grow(len(body)/3 + 64)
	w := p.large.Get().(*flate.Writer)
	defer p.large.Put(w)
	w.Reset(&buf)
	_, _ = w.Write(body) // a bytes.Buffer takes all
	_ = w.Close()
	return buf.Bytes()
}

// Unpack does what the function of that name does, for many reports.
func (p *Packer) Unpack(packed []byte) ([]byte, error) {
	if marked(packed, withWords) {
		return unpackWords(p.words, packed[1:])
	}
	r := p.readers.Get().(io.Reader)
	defer p.readers.Put(r)
	return inflate(r, packed)
}

// Unpack gives the bytes of a report back, within the bounds of reports.
func Unpack(packed []byte) ([]byte, error) {
	if marked(packed, withWords) {
		return unpackWords(dictionary(), packed[1:])
	}
	return inflate(flate.NewReader(nil), packed)
}

func marked(packed []byte, by byte) bool { return len(packed) > 0 && packed[0] == by }

var errUnpackedSize = errors.New("stored evidence is larger than any report")

func unpackWords(words *s2.Dict, packed []byte) ([]byte, error) {
	n, err := s2.DecodedLen(packed)
	if err == nil && n > inventory.MaxReportBytes {
		return nil, errUnpackedSize
	}
	var out []byte
	if err == nil {
		out, err = words.Decode(nil, packed)
	}
	if err != nil {
		return nil, fmt.Errorf("cannot unpack stored evidence: %w", err)
	}
	return out, nil
}

// inflate reads with r, which flate made.
func inflate(r io.Reader, packed []byte) ([]byte, error) {
	var dict []byte
	if marked(packed, deflated) {
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
		return nil, errUnpackedSize
	}
	return out, nil
}
