package cli

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io"
	"strings"
	"unicode"
	"unicode/utf16"

	"github.com/rollcall-iot/rollcall/internal/render"
)

// jsonLines writes one module object a line.
type jsonLines struct{ w io.Writer }

func (j *jsonLines) module(it render.Item) error { return j.object(it.Module.Normal()) }

func (j *jsonLines) object(v any) error { return writeJSON(j.w, v, "") }

func (j *jsonLines) close() error { return nil }

// writeJSON writes v as JSON that is safe to look at on a terminal.
func writeJSON(w io.Writer, v any, indent string) error {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	e.SetIndent("", indent)
	if err := e.Encode(v); err != nil {
		return fmt.Errorf("cannot write JSON: %w", err)
	}
	_, err := w.Write(escapeJSON(b.Bytes()))
	return writing(err)
}

// escapeJSON writes runes that a terminal may act upon as \u escapes. The encoder does
// so only below U+0020; DEL, C1 controls and bidirectional marks it lets through. They
// stand inside strings only, so the value stays the same.
func escapeJSON(b []byte) []byte {
	if bytes.IndexFunc(b, unsafeOnScreen) < 0 {
		return b
	}
	out := make([]byte, 0, len(b)+64)
	for _, r := range string(b) {
		switch {
		case !unsafeOnScreen(r):
			out = append(out, string(r)...)
		case r > 0xFFFF:
			hi, lo := utf16.EncodeRune(r)
			out = fmt.Appendf(out, `\u%04x\u%04x`, hi, lo)
		default:
			out = fmt.Appendf(out, `\u%04x`, r)
		}
	}
	return out
}

// unsafeOnScreen: what is no graphic rune, but for the newlines that we write ourselves.
func unsafeOnScreen(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) }

func hasUnsafe(s string) bool { return strings.IndexFunc(s, unsafeOnScreen) >= 0 }
