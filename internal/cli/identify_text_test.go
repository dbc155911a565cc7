package cli

import (
	"bytes"
	"compress/gzip"
	"math/rand/v2"
	"strings"
	"testing"
	"unicode/utf16"
)

// What is no text is said to be none, with what to do; sessions of all kinds are taken.
func TestTextual(t *testing.T) {
	const session = "ATI\r\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A08M4G\r\n\r\nOK\r\n"
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	_, _ = z.Write([]byte(session))
	_ = z.Close()
	noise := make([]byte, 4096)
	r := rand.New(rand.NewPCG(1, 2))
	for i := range noise {
		noise[i] = byte(r.Uint32())
	}
	var wide bytes.Buffer
	for _, u := range utf16.Encode([]rune("\ufeff" + strings.Repeat("Журнал: "+session, 9))) {
		wide.Write([]byte{byte(u), byte(u >> 8)})
	}
	for name, x := range map[string]struct{ text, want string }{
		"gzip":          {packed.String(), "gunzip -c FILE | rollcall identify -"},
		"noise":         {string(noise), "it is no text"},
		"session":       {session, ""},
		"colours":       {strings.Repeat("\x1b[32mATI\x1b[0m\a\b"+session, 9), ""},
		"noise in part": {strings.Repeat(session, 20) + string(noise[:512]), ""},
		"UTF-16":        {wide.String(), ""},
		"Latin-1":       {strings.Repeat("\xe9\xe8\xfc\x80"+session, 20), ""},
		"nothing":       {"", ""},
	} {
		switch err := textual([]byte(x.text)); {
		case x.want == "" && err != nil:
			t.Errorf("%s: %v", name, err)
		case x.want != "" && (err == nil || !strings.Contains(err.Error(), x.want)):
			t.Errorf("%s: %v, want %q", name, err, x.want)
		}
	}
}
