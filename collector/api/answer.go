package api

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strconv"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// answer makes a handler of a question.
func (s *server) answer(ask func(*http.Request) (any, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) { s.asked(w, r, questionTime, ask) }
}

// asked answers one question within a time.
func (s *server) asked(w http.ResponseWriter, r *http.Request, within time.Duration, ask func(*http.Request) (any, error)) {
	ctx, cancel := context.WithTimeout(r.Context(), within)
	defer cancel()
	v, err := ask(r.WithContext(ctx))
	if err != nil {
		s.problem(w, r, err)
		return
	}
	body, err := Encode(v)
	if err != nil {
		s.problem(w, r, err)
		return
	}
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		w.Header().Set("Cache-Control", "no-store")
		w.Header().Set("Content-Type", "application/json")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		_, _ = w.Write(body) // who asked may have left
		return
	}
	Send(w, r, "application/json", body)
}

// Send writes a body with its ETag, or says that the client has it.
func Send(w http.ResponseWriter, r *http.Request, mediaType string, body []byte) {
	sum := sha256.Sum256(body)
	tag := `"` + base64.RawURLEncoding.EncodeToString(sum[:16]) + `"`
	h := w.Header()
	h.Set("ETag", tag)
	h.Set("Cache-Control", "private, no-cache") // a proxy may not give it to others
	h.Set("Content-Type", mediaType)
	h.Set("X-Content-Type-Options", "nosniff")
	if hasTag(r.Header.Get("If-None-Match"), tag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	_, _ = w.Write(body) // who asked may have left
}

// problem answers with what went wrong, and keeps what is nobody's business to the log.
func (s *server) problem(w http.ResponseWriter, r *http.Request, err error) {
	if errors.Is(err, context.Canceled) && r.Context().Err() != nil {
		return // who asked has left
	}
	p, wait := Explain(err)
	if p.Status == http.StatusInternalServerError {
		s.log.Error("cannot answer", "path", r.URL.Path, "error", err)
	}
	body, _ := Encode(p) // two plain fields
	h := w.Header()
	h.Set("Content-Type", "application/json")
	h.Set("X-Content-Type-Options", "nosniff")
	if wait > 0 {
		h.Set("Retry-After", strconv.Itoa(int(wait.Seconds())+1))
	}
	w.WriteHeader(p.Status)
	_, _ = w.Write(body)
}

// methodError: an address is there, and takes other methods.
type methodError struct {
	method string
	takes  []string
}

func (e *methodError) Error() string {
	return fmt.Sprintf("this address takes %s, not %q; see /api/v1/openapi.json", strings.Join(e.takes, " and "), e.method)
}

// Explain says what an error is to the one who asked, and when it is worth asking again. What
// went wrong within is for the log alone.
func Explain(err error) (Problem, time.Duration) {
	var usage *UsageError
	var busy *fleet.BusyError
	var method *methodError
	p, wait := Problem{Error: err.Error()}, time.Duration(0)
	switch {
	case errors.As(err, &method):
		p.Status = http.StatusMethodNotAllowed
	case errors.As(err, &usage), errors.Is(err, store.ErrCursor):
		p.Status = http.StatusBadRequest
	case errors.Is(err, store.ErrNotFound):
		p.Status = http.StatusNotFound
	case errors.As(err, &busy):
		p.Status, wait = http.StatusTooManyRequests, busy.Wait
	case errors.Is(err, errTrying):
		p.Status, wait = http.StatusTooManyRequests, tryingTime
	case errors.Is(err, fleet.ErrNoPolicy):
		p.Status = http.StatusConflict
	case errors.Is(err, fleet.ErrAway):
		p.Status = http.StatusServiceUnavailable
	case errors.Is(err, context.DeadlineExceeded):
		p.Status, p.Error = http.StatusGatewayTimeout, "the question took too long; narrow it down"
	default:
		p.Status, p.Error = http.StatusInternalServerError, "the collector could not answer; its log says why"
	}
	return p, wait
}

// Encode writes v as JSON in which every rune that is not printable stands as a \u escape:
// a terminal that shows it is not led astray. The value stays the same.
func Encode(v any) ([]byte, error) {
	b, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("cannot write the answer: %w", err)
	}
	return append(escape(b), '\n'), nil
}

func escape(b []byte) []byte {
	i := 0
	for ; i < len(b); i++ {
		if b[i] >= 0x7f {
			break
		}
	}
	if i == len(b) {
		return b
	}
	var out bytes.Buffer
	out.Grow(len(b) + 64)
	out.Write(b[:i])
	for b = b[i:]; len(b) > 0; {
		r, n := utf8.DecodeRune(b)
		switch {
		case r >= 0x20 && unicode.IsGraphic(r):
			out.Write(b[:n])
		case r < 0x10000:
			fmt.Fprintf(&out, `\u%04x`, r)
		default:
			r -= 0x10000
			fmt.Fprintf(&out, `\u%04x\u%04x`, 0xd800+r>>10, 0xdc00+r&0x3ff)
		}
		b = b[n:]
	}
	return out.Bytes()
}

func (s *server) healthz(w http.ResponseWriter, _ *http.Request) {
	plain(w, http.StatusOK, "ok")
}

func (s *server) readyz(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), readyTime)
	defer cancel()
	if err := s.Ready(ctx); err != nil {
		plain(w, http.StatusServiceUnavailable, "not ready: "+err.Error())
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

func (s *server) document(w http.ResponseWriter, r *http.Request) {
	Send(w, r, "application/json", openAPI)
}
