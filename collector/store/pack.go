package store

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Packer compresses evidence as it is stored. It may be used from many goroutines at once,
// which is worth it: packing costs as much as storing.
type Packer struct{ pool sync.Pool }

// NewPacker makes a Packer.
func NewPacker() *Packer {
	return &Packer{sync.Pool{New: func() any {
		w, _ := flate.NewWriter(io.Discard, flate.BestSpeed) // the level is valid
		return w
	}}}
}

// Pack compresses the bytes of a report.
func (p *Packer) Pack(body []byte) []byte {
	w := p.pool.Get().(*flate.Writer)
	defer p.pool.Put(w)
	var buf bytes.Buffer
	buf.Grow(len(body)/3 + 64)
	w.Reset(&buf)
	_, _ = w.Write(body) // a bytes.Buffer takes all
	_ = w.Close()
	return buf.Bytes()
}

// Unpack gives the bytes of a report back, within the bounds of reports.
func Unpack(packed []byte) ([]byte, error) {
	var buf bytes.Buffer
	buf.Grow(min(4*len(packed)+512, inventory.MaxReportBytes)) // most are of one growth
	_, err := buf.ReadFrom(io.LimitReader(flate.NewReader(bytes.NewReader(packed)), inventory.MaxReportBytes+1))
	out := buf.Bytes()
	if err != nil {
		return nil, fmt.Errorf("cannot unpack stored evidence: %w", err)
	}
	if len(out) > inventory.MaxReportBytes {
		return nil, errors.New("stored evidence is larger than any report")
	}
	return out, nil
}
