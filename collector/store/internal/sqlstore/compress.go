package sqlstore

import (
	"bytes"
	"compress/flate"
	"errors"
	"fmt"
	"io"
	"sync"

	"github.com/rollcall-iot/rollcall/inventory"
)

// deflater lends out compressors: making one costs more than using it.
type deflater struct{ pool sync.Pool }

func newDeflater() *deflater {
	return &deflater{sync.Pool{New: func() any {
		w, _ := flate.NewWriter(io.Discard, flate.BestSpeed) // the level is valid
		return w
	}}}
}

func (d *deflater) deflate(b []byte) []byte {
	w := d.pool.Get().(*flate.Writer)
	defer d.pool.Put(w)
	var buf bytes.Buffer
	buf.Grow(len(b)/3 + 64)
	w.Reset(&buf)
	_, _ = w.Write(b) // a bytes.Buffer takes all
	_ = w.Close()
	return buf.Bytes()
}

func inflate(b []byte) ([]byte, error) {
	r := flate.NewReader(bytes.NewReader(b))
	out, err := io.ReadAll(io.LimitReader(r, inventory.MaxReportBytes+1))
	if err != nil {
		return nil, fmt.Errorf("cannot unpack stored evidence: %w", err)
	}
	if len(out) > inventory.MaxReportBytes {
		return nil, errors.New("stored evidence is larger than any report")
	}
	return out, nil
}
