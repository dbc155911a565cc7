package bundle

import (
	"bytes"
	"errors"
	"fmt"
	"strconv"
)

// The archive is written and read here and not by archive/tar: of that format's many ways to
// say the same (PAX and GNU records, links, sparse files, sizes in two bases) exactly one is
// right here, so that a bundle's bytes cannot mean two things to two readers.

const (
	block        = 512
	manifestFile = "manifest.json"
	signatureOf  = "manifest.sig"
)

// header is the header of a regular file.
func header(name string, size int) []byte {
	h := make([]byte, block)
	copy(h, name)
	copy(h[100:], "0000644\x000000000\x000000000\x00")
	copy(h[124:], fmt.Sprintf("%011o\x0000000000000\x00        0", size))
	copy(h[257:], "ustar\x0000")
	sum := 0
	for _, c := range h {
		sum += int(c)
	}
	copy(h[148:], fmt.Sprintf("%06o\x00 ", sum))
	return h
}

func padded(n int) int { return (n + block - 1) / block * block }

// archive writes manifest, signature and contents.
func archive(manifest, signature []byte, contents []Content) []byte {
	var out bytes.Buffer
	for _, c := range append([]Content{{manifestFile, manifest}, {signatureOf, signature}}, contents...) {
		out.Write(header(c.Path, len(c.Data)))
		out.Write(c.Data)
		out.Write(make([]byte, padded(len(c.Data))-len(c.Data)))
	}
	out.Write(make([]byte, 2*block))
	return out.Bytes()
}

// split takes an archive apart: manifest, signature, contents. It copies nothing.
func split(data []byte) ([]Content, error) {
	if len(data) > MaxBytes {
		return nil, fmt.Errorf("%d bytes, at most %d", len(data), MaxBytes)
	}
	var parts []Content
	for !end(data) {
		if len(parts) == MaxFiles+2 {
			return nil, fmt.Errorf("more than %d files", MaxFiles)
		}
		c, rest, err := next(data)
		if err != nil {
			return nil, fmt.Errorf("at file %d: %w", len(parts)+1, err)
		}
		if err := rightPlace(c.Path, len(parts)); err != nil {
			return nil, err
		}
		parts, data = append(parts, c), rest
	}
	if len(parts) < 2 || len(parts[0].Data) > maxManifest {
		return nil, fmt.Errorf("no %s and %s of a right size", manifestFile, signatureOf)
	}
	return parts, nil
}

// end says whether nothing but the mark of the archive's end is left.
func end(data []byte) bool { return len(data) == 2*block && zero(data) }

func zero(b []byte) bool { return bytes.Count(b, []byte{0}) == len(b) }

func rightPlace(path string, n int) error {
	want := manifestFile
	switch {
	case n == 1:
		want = signatureOf
	case n > 1 && goodPath(path):
		return nil
	case n > 1:
		want = "a file in a folder of a bundle"
	}
	if path != want {
		return fmt.Errorf("file %q, want %s", path, want)
	}
	return nil
}

// next takes one file off.
func next(data []byte) (Content, []byte, error) {
	if len(data) < 3*block {
		return Content{}, nil, errors.New("it ends too early")
	}
	h := data[:block]
	name, _, _ := bytes.Cut(h[:100], []byte{0})
	size, err := strconv.ParseUint(string(h[124:135]), 8, 32)
	if err != nil || size > MaxFile {
		return Content{}, nil, fmt.Errorf("size %q is none, or more than %d bytes", h[124:136], MaxFile)
	}
	if !bytes.Equal(h, header(string(name), int(size))) {
		return Content{}, nil, errors.New("its header is not that of a plain file as a bundle has them")
	}
	data = data[block:]
	n := padded(int(size))
	if len(data) < n || !zero(data[size:n]) {
		return Content{}, nil, errors.New("it ends too early, or is filled up with something")
	}
	return Content{Path: string(name), Data: data[:size:size]}, data[n:], nil
}
