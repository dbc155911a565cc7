package atcmd

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"testing"
	"time"
)

// wire is a port that keeps what is written and answers nothing.
type wire struct{ bytes.Buffer }

func (*wire) Read([]byte) (int, error)         { return 0, io.EOF }
func (*wire) Close() error                     { return nil }
func (*wire) SetWriteDeadline(time.Time) error { return nil }

// The guard passes what it was armed with, once, with CR alone.
func TestGuardPassesOnce(t *testing.T) {
	w := &wire{}
	g := newGuard(w, "test")
	c, _ := Parse("AT+CGMI")
	g.arm(c)
	if n, err := g.Write([]byte("AT+CGMI\r\n")); n != 9 || err != nil {
		t.Fatal(n, err)
	}
	for _, again := range []string{"AT+CGMI\r\n", "ATI\r\n", "\x1b\r\n\r\n", "ATZ\r\n", "ATE0\r\n"} {
		if _, err := g.Write([]byte(again)); !errors.Is(err, Refused) || !errors.Is(err, ErrNotCatalogued) {
			t.Errorf("%q: %v", again, err)
		}
	}
	if got := w.String(); got != "AT+CGMI\r" {
		t.Errorf("wrote %q", got)
	}
}

// Something else than what it was armed with does not pass, catalogued or not, and disarms.
func TestGuardRefusesAnother(t *testing.T) {
	w := &wire{}
	g := newGuard(w, "test")
	c, _ := Parse("AT+CGMI")
	g.arm(c)
	if _, err := g.Write([]byte("ATI\r\n")); !errors.Is(err, Refused) {
		t.Error(err)
	}
	if _, err := g.Write([]byte("AT+CGMI\r\n")); !errors.Is(err, Refused) {
		t.Error(err)
	}
	if w.Len() > 0 {
		t.Errorf("wrote %q", w.String())
	}
}

// FuzzGuard: whatever at or anybody writes, and whatever the guard is armed with, only
// catalogued bytes reach the port, and never two commands for one arming.
func FuzzGuard(f *testing.F) {
	for i, text := range dangerous {
		f.Add(uint8(i), []byte(text), []byte(text+"\r\n"))
	}
	for i, q := range Catalogue() {
		f.Add(uint8(i), []byte(q.Command.text+"\r\n"), []byte(q.Command.text))
	}
	all := Catalogue()
	f.Fuzz(func(t *testing.T, n uint8, first, second []byte) {
		w := &wire{}
		g := newGuard(w, "test")
		armed := all[int(n)%len(all)].Command
		g.arm(armed)
		_, _ = g.Write(first)
		_, _ = g.Write(second)
		_, _ = g.Write([]byte(armed.text + "\r\n"))
		if got := w.String(); got != "" && got != armed.text+"\r" {
			t.Fatalf("armed with %s, %q and %q wrote %q", armed, first, second, got)
		}
		if w.Len() > 0 && string(first) != armed.text+"\r\n" {
			t.Fatalf("%q passed first and the guard stayed armed", first)
		}
	})
}

func BenchmarkGuard(b *testing.B) {
	w := &wire{}
	g := newGuard(w, "test")
	c, _ := Parse("AT+CGMR")
	p := []byte("AT+CGMR\r\n")
	b.ReportAllocs()
	for b.Loop() {
		w.Reset()
		g.record, g.size = g.record[:0], 0
		g.arm(c)
		if _, err := g.Write(p); err != nil {
			b.Fatal(err)
		}
	}
}

func BenchmarkGuardRefuses(b *testing.B) {
	g := newGuard(&wire{}, "test")
	p := []byte("AT+CFUN=1,1\r\n")
	b.ReportAllocs()
	for b.Loop() {
		if _, err := g.Write(p); err == nil {
			b.Fatal("passed")
		}
	}
}

// BenchmarkListen is the way of bytes from the port through record, lexer and answer.
func BenchmarkListen(b *testing.B) {
	text := []byte(strings.Repeat("\r\nMaker\r\nModel-7\r\nRevision: MODEL7R01A08M4G\r\n", 20))
	b.SetBytes(int64(len(text)))
	b.ReportAllocs()
	for b.Loop() {
		a := &answer{cmd: basic}
		var l lexer
		l.feed(text, func(line line) { a.take(line) })
	}
}
