package api

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"hash"
	"net/http"
	"strings"
)

// tagBuffer is how much of a file is held to tell its ETag in the header.
const tagBuffer = 4 << 20

// Tag gives files ETags, and those who have a file already (If-None-Match) 304 in its place. A
// file that is larger than what is held has its ETag in the trailer; a client that tells one has it
// read once to compare, and once more where it changed.
func Tag(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		t := &tagged{w: w, hash: sha256.New(), known: r.Header.Get("If-None-Match")}
		h.ServeHTTP(t, r)
		if t.end() {
			t = &tagged{w: w, hash: sha256.New()}
			h.ServeHTTP(t, r)
			t.end()
		}
	})
}

// tagged is a response whose ETag is found while it is written.
type tagged struct {
	w     http.ResponseWriter
	hash  hash.Hash
	known string // ETags that the client has
	held  bytes.Buffer
	large bool // it was not held
	other bool // it is no file but says what went wrong
}

func (t *tagged) Header() http.Header { return t.w.Header() }

// Unwrap lets a controller set deadlines.
func (t *tagged) Unwrap() http.ResponseWriter { return t.w }

// FlushError keeps what is held.
func (t *tagged) FlushError() error {
	if t.other || t.large && t.known == "" {
		return http.NewResponseController(t.w).Flush()
	}
	return nil
}

func (t *tagged) WriteHeader(status int) {
	if status != http.StatusOK {
		t.other = true
		t.w.WriteHeader(status)
	}
}

func (t *tagged) Write(b []byte) (int, error) {
	switch {
	case t.other:
		return t.w.Write(b)
	case t.large && t.known != "":
		return t.hash.Write(b) // for comparing only
	case t.large:
		t.hash.Write(b)
		return t.w.Write(b)
	case t.held.Len()+len(b) <= tagBuffer:
		t.hash.Write(b)
		return t.held.Write(b)
	}
	t.large = true
	if t.known == "" {
		t.Header().Set("Trailer", "ETag")
		if _, err := t.held.WriteTo(t.w); err != nil {
			return 0, err
		}
	}
	t.held = bytes.Buffer{}
	return t.Write(b)
}

// end answers, and says whether the file has to be made once more.
func (t *tagged) end() (again bool) {
	if t.other {
		return false
	}
	tag := `"` + base64.RawURLEncoding.EncodeToString(t.hash.Sum(nil)[:16]) + `"`
	h := t.Header()
	switch has := hasTag(t.known, tag); {
	case t.large && t.known != "" && !has:
		return true
	case has:
		h.Set("ETag", tag)
		h.Del("Content-Disposition")
		t.w.WriteHeader(http.StatusNotModified)
	case t.large:
		h.Set("ETag", tag) // declared as a trailer
	default:
		h.Set("ETag", tag)
		_, _ = t.held.WriteTo(t.w) // who asked may have left
	}
	return false
}

// hasTag says whether If-None-Match names a tag.
func hasTag(known, tag string) bool {
	for k := range strings.SplitSeq(known, ",") {
		if k = strings.TrimPrefix(strings.TrimSpace(k), "W/"); k == tag || k == "*" {
			return true
		}
	}
	return false
}
