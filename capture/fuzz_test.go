package capture_test

import (
	"bytes"
	"encoding/hex"
	"errors"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/rollcall-iot/rollcall/capture"
)

// FuzzReadSessions: whatever is read, every line that is said to be used, and every line
// of every exchange, stands in the input; reading it in pieces changes nothing.
func FuzzReadSessions(f *testing.F) {
	for _, path := range terminalLogs(f) {
		f.Add(read(f, path))
	}
	f.Add([]byte("AT+CGMI\r\r\nQuectel\r\n\r\nOK\r\n"))
	f.Add([]byte("AT\x08\x08\x08\x1b[AATI\n\x00\xff\xfe\nOK"))
	f.Add([]byte("TX: 41 54 49 0D\nRX: 4f 4b\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		cases, used, err := capture.ReadSessions(bytes.NewReader(text))
		again, usedAgain, errAgain := capture.ReadSessions(iotest.HalfReader(bytes.NewReader(text)))
		if describe(cases, used, err) != describe(again, usedAgain, errAgain) {
			t.Fatal("read in pieces, it gives something else")
		}
		if err != nil && !errors.Is(err, capture.ErrNothing) {
			t.Fatal(err)
		}
		if bytes.HasPrefix(text, []byte{0xff, 0xfe}) || bytes.HasPrefix(text, []byte{0xfe, 0xff}) {
			return // UTF-16: other bytes
		}
		lines := strings.Split(string(text), "\n")
		for _, u := range used {
			if u.Line < 1 || u.Line > len(lines) {
				t.Fatalf("line %d is used, of %d", u.Line, len(lines))
			}
			if !appears(u.Text, strings.Join(lines[u.Line-1:min(len(lines), u.Line+200)], "\n")) {
				t.Fatalf("%q is said to stand in line %d: %q", u.Text, u.Line, lines[u.Line-1])
			}
		}
		for _, c := range cases {
			checkCase(t, c, used)
		}
	})
}

// checkCase: every command, line and final result code of a case is one that a use names.
func checkCase(t *testing.T, c capture.Case, used []capture.Used) {
	t.Helper()
	named := map[string]bool{}
	for _, u := range used {
		if u.As != capture.UseNone {
			named[u.Text] = true
		}
	}
	for _, e := range c.Transcript {
		for _, s := range append([]string{e.Cmd}, e.Lines...) {
			if s == "" && e.Cmd == "" {
				continue // an answer whose question is not shown
			}
			if !named[s] {
				t.Fatalf("%q of the exchange %q is used, but no line is named for it", s, e.Cmd)
			}
		}
		if e.Final != "" && !named[e.Final] {
			t.Fatalf("final result code %q stands in no line", e.Final)
		}
	}
	for _, b := range c.Banner {
		if !named[b] {
			t.Fatalf("banner line %q stands in no line", b)
		}
	}
}

// appears says whether the bytes of s occur in text in this order, as characters or, in
// a dump, as hexadecimal digits.
func appears(s, text string) bool {
	return subsequence(s, text) || subsequence(hex.EncodeToString([]byte(s)), strings.ToLower(text))
}

func subsequence(s, text string) bool {
	i := 0
	for j := 0; i < len(s) && j < len(text); j++ {
		if s[i] == text[j] {
			i++
		}
	}
	return i == len(s)
}

func FuzzReadJSONLines(f *testing.F) {
	f.Add([]byte(`{"id":"a","exchange":[{"cmd":"ATI","lines":["x"],"final":"OK"}],"usb":null}` + "\n"))
	f.Add([]byte("{\n\n{}\nnull\n[]\n"))
	f.Fuzz(func(t *testing.T, text []byte) {
		n := 0
		for range capture.ReadJSONLines(bytes.NewReader(text)) {
			n++
		}
		want := 0
		for line := range bytes.SplitSeq(bytes.TrimPrefix(text, []byte("\ufeff")), []byte("\n")) {
			if len(bytes.TrimSpace(bytes.TrimPrefix(line, []byte("\ufeff")))) > 0 {
				want++
			}
		}
		if n != want {
			t.Fatalf("%d cases and errors of %d lines", n, want)
		}
	})
}

func BenchmarkReadSessions(b *testing.B) {
	text := bytes.Repeat(read(b, "testdata/terminal/gammu.log"), 200)
	text = append(text, bytes.Repeat(read(b, "testdata/terminal/modemmanager-old.log"), 200)...)
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		if _, _, err := capture.ReadSessions(bytes.NewReader(text)); err != nil {
			b.Fatal(err)
		}
	}
}
