package knowledge

import (
	"bytes"
	"compress/flate"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"strings"
)

// A sealed pack is magic, digest, the sizes of its text and of its numbers (4 bytes each, the low one
// first), and both as one DEFLATE stream (RFC 1951). The last byte of magic is the version of the layout.
const (
	magic      = "RCPACK\x00\x03"
	digestSize = 8
	headSize   = len(magic) + digestSize + 4 + 4
	// maxPart is far beyond any pack, so that a damaged size can't ask for all memory.
	maxPart = 16 << 20
)

// ErrPack says that bytes are no pack of this version.
var ErrPack = errors.New("not a pack of fingerprint knowledge of this version; run go generate ./fingerprint")

// seal compresses: a gateway's flash is small, and loading takes few milliseconds either way.
func seal(digest string, text, numbers []byte) []byte {
	var out bytes.Buffer
	out.WriteString(magic + digest)
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(text))))
	out.Write(binary.LittleEndian.AppendUint32(nil, uint32(len(numbers))))
	w, _ := flate.NewWriter(&out, flate.BestCompression) // fails for unknown levels only
	for _, part := range [][]byte{text, numbers} {
		_, _ = w.Write(part) // a bytes.Buffer takes everything
	}
	_ = w.Close()
	return out.Bytes()
}

// unseal gives text and numbers apart: the numbers are not needed any more once they are read.
func unseal(data string) (digest, text, numbers string, err error) {
	if len(data) < headSize || data[:len(magic)] != magic {
		return "", "", "", ErrPack
	}
	digest = data[len(magic):][:digestSize]
	sizes := []byte(data[len(magic)+digestSize : headSize])
	in := strings.NewReader(data[headSize:])
	r := flate.NewReader(in)
	text, err = inflate(r, binary.LittleEndian.Uint32(sizes))
	if err == nil {
		numbers, err = inflate(r, binary.LittleEndian.Uint32(sizes[4:]))
	}
	if err != nil {
		return "", "", "", fmt.Errorf("%w: it is cut or damaged: %w", ErrPack, err)
	}
	if _, err := io.CopyN(io.Discard, r, 1); err != io.EOF || in.Len() > 0 {
		return "", "", "", fmt.Errorf("%w: its end is missing, or something stands behind it", ErrPack)
	}
	return digest, text, numbers, nil
}

func inflate(r io.Reader, size uint32) (string, error) {
	if size > maxPart {
		return "", fmt.Errorf("a part of %d bytes", size)
	}
	var out strings.Builder
	out.Grow(int(size))
	_, err := io.CopyN(&out, r, int64(size))
	return out.String(), err
}
