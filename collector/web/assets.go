package web

import (
	"bytes"
	"compress/gzip"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"io/fs"
	"mime"
	"net/http"
	"path"
	"strings"
)

//go:embed static
var static embed.FS

// assets are the embedded files, under names that change with their contents, so that
// browsers may keep them for good.
type assets struct {
	names map[string]string // plain name to served name
	files map[string]asset  // by served name
}

// asset is one file, as it is and packed. It holds nothing secret and nothing that a caller
// said, so packing it tells nobody anything.
type asset struct {
	kind          string
	plain, packed []byte
}

func loadAssets() *assets {
	a := &assets{names: map[string]string{}, files: map[string]asset{}}
	err := fs.WalkDir(static, "static", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		b, err := static.ReadFile(name)
		if err != nil {
			return err
		}
		sum := sha256.Sum256(b)
		base, ext := path.Base(name), path.Ext(name)
		served := strings.TrimSuffix(base, ext) + "-" + hex.EncodeToString(sum[:6]) + ext
		a.names[base], a.files[served] = served, asset{kind(ext), b, pack(b)}
		return nil
	})
	if err != nil {
		panic("web: the embedded files are not readable: " + err.Error()) // they were put in by the compiler
	}
	return a
}

// kind is the media type; that of a script must not depend on what the machine's registry says.
func kind(ext string) string {
	switch ext {
	case ".js":
		return "text/javascript; charset=utf-8"
	case ".LICENSE":
		return "text/plain; charset=utf-8"
	}
	return mime.TypeByExtension(ext)
}

func pack(b []byte) []byte {
	var buf bytes.Buffer
	w, _ := gzip.NewWriterLevel(&buf, gzip.BestCompression) // the level is valid
	_, _ = w.Write(b)                                       // a bytes.Buffer takes all
	_ = w.Close()
	return buf.Bytes()
}

// path is the address of a file by its plain name.
func (a *assets) path(name string) string { return "/static/" + a.names[name] }

func (a *assets) serve(w http.ResponseWriter, r *http.Request) {
	f, ok := a.files[r.PathValue("name")]
	if !ok {
		http.NotFound(w, r)
		return
	}
	h := w.Header()
	h.Set("Content-Type", f.kind)
	h.Set("Cache-Control", "public, max-age=31536000, immutable")
	h.Set("Vary", "Accept-Encoding")
	b := f.plain
	if len(f.packed) < len(b) && takesGzip(r.Header.Get("Accept-Encoding")) {
		h.Set("Content-Encoding", "gzip")
		b = f.packed
	}
	_, _ = w.Write(b) // who asked may have left
}

// takesGzip reads an Accept-Encoding header as RFC 9110, 12.5.3, has it.
func takesGzip(header string) bool {
	for part := range strings.SplitSeq(header, ",") {
		name, weight, _ := strings.Cut(strings.TrimSpace(part), ";")
		if name = strings.TrimSpace(name); name == "gzip" || name == "*" {
			q := strings.ReplaceAll(weight, " ", "")
			return q != "q=0" && !strings.HasPrefix(q, "q=0.000")
		}
	}
	return false
}
