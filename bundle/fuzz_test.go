package bundle_test

import (
	"bytes"
	"testing"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/bundle/bundletest"
)

// FuzzOpen: what a trusted key did not sign is never believed, and what can be read at all has
// exactly one way to be written, with names and sizes within their bounds.
func FuzzOpen(f *testing.F) {
	good := bundletest.Make(f, 7, 1, bundletest.Good(7)...)
	f.Add(good)
	f.Add(bundletest.Make(f, 8, 2, bundletest.Good(8)...))
	f.Add(good[:1024])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, data []byte) {
		if _, err := bundle.Open(data, bundletest.Public(1)); (err == nil) != bytes.Equal(data, good) {
			t.Fatalf("%d bytes: %v; the trusted key signed one bundle", len(data), err)
		}
		b, err := bundle.Read(data)
		if err != nil {
			return
		}
		var contents []bundle.Content
		rest := data
		for _, file := range b.Files {
			i := bytes.Index(rest, []byte(file.Path+"\x00"))
			if i < 0 || file.Size > bundle.MaxFile {
				t.Fatalf("file %q of %d bytes is not in it", file.Path, file.Size)
			}
			rest = rest[i:]
			if len(rest) < 512+file.Size {
				t.Fatalf("file %q is longer than the bundle", file.Path)
			}
			contents = append(contents, bundle.Content{Path: file.Path, Data: rest[512 : 512+file.Size]})
		}
		again, err := bundle.Make(b.Manifest, contents, bundletest.Key(1))
		if err != nil {
			t.Fatalf("read, but cannot be made: %v", err)
		}
		// All but the signature is the same.
		from := 512 + bytes.IndexByte(data[512:], 0)
		if !bytes.Equal(again[:from], data[:from]) || !bytes.Equal(again[len(again)-len(rest):], rest) {
			t.Fatal("two ways to write one bundle")
		}
	})
}
