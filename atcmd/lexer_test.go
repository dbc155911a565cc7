package atcmd

import (
	"bytes"
	"reflect"
	"strings"
	"testing"
)

func lines(chunks ...string) (out []line) {
	var l lexer
	for _, c := range chunks {
		l.feed([]byte(c), func(x line) { out = append(out, x) })
	}
	return append(out, l.take(0))
}

func TestLexer(t *testing.T) {
	got := lines("\r\nEC25\r\r\n", "a\nb", "\r\nrest")
	want := []line{{"", 0, '\r'}, {"", 0, '\n'}, {"EC25", 0, '\r'}, {"", 0, '\r'}, {"", 0, '\n'}, {"a", 0, '\n'}, {"b", 0, '\r'}, {"", 0, '\n'}, {"rest", 0, 0}}
	if !reflect.DeepEqual(got, want) {
		t.Errorf("%+v", got)
	}
	long := lines(strings.Repeat("x", MaxLine-1)+"yz!", "!\rnext\r")
	if len(long) != 3 || len(long[0].text) != MaxLine || long[0].text[MaxLine-1] != 'y' || long[0].over != 3 || long[1].text != "next" {
		t.Errorf("%d lines, %d over", len(long), long[0].over)
	}
}

// FuzzLexer: the bytes that come out, joined, are those that went in; they are the same
// lines wherever the input was split; and no line and no buffer exceeds its bound.
func FuzzLexer(f *testing.F) {
	for _, s := range []string{"", "\r\nOK\r\n", "AT\r\r\nOK\r\n", "\x00\xff\r\n> ", "0\r", strings.Repeat("x", 5000) + "\r\nOK\r\n"} {
		f.Add([]byte(s), uint16(3))
	}
	f.Fuzz(func(t *testing.T, p []byte, at uint16) {
		whole := lines(string(p))
		var joined []byte
		over := 0
		for _, l := range whole {
			if len(l.text) > MaxLine || strings.ContainsAny(l.text, "\r\n") {
				t.Fatalf("line of %d bytes: %q", len(l.text), l.text)
			}
			joined = append(joined, l.text...)
			if l.end != 0 {
				joined = append(joined, l.end)
			}
			over += l.over
		}
		if over == 0 && !bytes.Equal(joined, p) || len(joined)+over != len(p) {
			t.Fatalf("%q became %q and %d bytes dropped", p, joined, over)
		}
		i := int(at) % (len(p) + 1)
		if split := lines(string(p[:i]), string(p[i:])); !reflect.DeepEqual(split, whole) {
			t.Fatalf("split at %d: %+v, whole: %+v", i, split, whole)
		}
		var l lexer
		l.feed(p, func(line) {})
		if cap(l.buf) > 4*MaxLine {
			t.Fatalf("the buffer has grown to %d", cap(l.buf))
		}
	})
}

// FuzzAnswer: an answer takes any bytes without panic and within its bounds; no echo, no
// unasked line and no result is among its information; and it is the same however split.
func FuzzAnswer(f *testing.F) {
	for _, s := range []string{
		"AT+CGMM\r\r\nModel-7\r\n\r\nOK\r\n", "\r\nOK\r\n\r\nModel-7\r\n\r\nOK\r\n", "\r\n+CREG: 2\r\nModel-7\r\nRING\r\n\r\nOK\r\n", "\r\n+CME ERROR: 10\r\n", "Model-7\r\n0\r",
		"AT+CGMI\r\r\nMaker\r\nOK\r\nAT+CGMM\r\r\nModel-7\r\nOK\r\n", "\r\n+CGMI: Maker\r\n\r\nOK\r\n\r\nModel-7\r\n\r\nOK\r\n", "AT+CSQ\r\r\n+CSQ: 1,99\r\nOK\r\n", "\x00\xffModel\x11\r\nNO CARRIER\r\n", "CONNECT\r\n~\xff}#",
	} {
		f.Add([]byte(s), uint8(0), uint16(7))
	}
	f.Fuzz(func(t *testing.T, p []byte, how uint8, at uint16) {
		run := func(chunks ...[]byte) *answer {
			a := &answer{cmd: Command{"AT+CGMM"}, numeric: how&1 > 0, wantEcho: how&2 > 0, told: map[string]bool{"AT": true, "AT+CGMI": true, "AT+CGMM": true}}
			if how&4 > 0 {
				a.owing = []string{"AT+CGMI"}
			}
			var l lexer
			st := more
			for _, c := range chunks {
				l.feed(c, func(x line) {
					if st == more || st == early {
						st = a.take(x)
					}
				})
			}
			if a.before != nil && st != finished {
				a.settleEarly()
			}
			a.sortOut()
			return a
		}
		a := run(p)
		size := 0
		for _, l := range a.info {
			size += len(l)
			text := bare(l)
			known, _ := unasked().find(text)
			if known && len(l) < MaxLine || text == "AT+CGMM" || text == "" || strings.ContainsAny(l, "\r\n") {
				t.Fatalf("%q is taken for information in %q", l, p)
			}
		}
		if len(a.info) > MaxLines+1 || size > MaxAnswer+MaxLine || len(a.raw) > MaxAnswer+MaxLine+1 {
			t.Fatalf("%d lines, %d bytes, %d raw", len(a.info), size, len(a.raw))
		}
		i := int(at) % (len(p) + 1)
		b := run(p[:i], p[i:])
		a.owing, b.owing, a.told, b.told = nil, nil, nil, nil
		if !reflect.DeepEqual(a, b) {
			t.Fatalf("split at %d of %q: %+v, whole: %+v", i, p, b, a)
		}
	})
}

// FuzzLook: what a port seems to be can be told of any bytes.
func FuzzLook(f *testing.F) {
	f.Add([]byte("$GPGGA,1,2,3*00\r\n> "))
	f.Add([]byte("\x7e\xff\x7d\x23"))
	f.Fuzz(func(t *testing.T, p []byte) {
		seen := look(p, map[string]bool{"AT": true})
		if (seen.err == nil) != (seen.kind == 0) || seen.kind != 0 && seen.kind != InUse && seen.kind != NotModem {
			t.Fatalf("%q seems %+v", p, seen)
		}
	})
}
