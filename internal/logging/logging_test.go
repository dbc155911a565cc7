package logging

import (
	"errors"
	"log/slog"
	"net"
	"strings"
	"testing"
)

// A15 of the faults, for what is no string to log/slog: words of a type of their own, lists, structs.
func TestA15WhateverTheType(t *testing.T) {
	type word string
	type part struct{ Name *word }
	bad := word("EC25\n\u009b2J\u202e\ufe0f")
	for _, format := range []string{"text", "json"} {
		for _, v := range []any{bad, []word{bad}, map[word]word{bad: bad}, part{&bad}, struct{ W word }{bad}, &net.UnixAddr{Name: string(bad)}, []error{errors.New(string(bad))}} {
			var b strings.Builder
			New(&b, "info", format).Info("said", "value", v, slog.Group("g", "x", v))
			if out := b.String(); strings.Count(out, "\n") != 1 || strings.ContainsAny(out, "\u009b\u202e\ufe0f") {
				t.Errorf("%s, %T: %q", format, v, out)
			}
		}
		var b strings.Builder
		New(&b, "info", format).Info("said", "error", nil, "word", word("joined"), "address", &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 80})
		for _, want := range map[string][]string{"text": {"error=<nil>", "word=joined", "address=127.0.0.1:80"},
			"json": {`"error":null`, `"word":"joined"`, `"address":"127.0.0.1:80"`}}[format] {
			if !strings.Contains(b.String(), want) {
				t.Errorf("%s: no %s in %s", format, want, b.String())
			}
		}
	}
}

// A15 of the faults: what a module says is one record, escaped, in text and in JSON.
func TestA15ForgedRecordsAndMarks(t *testing.T) {
	for _, format := range []string{"text", "json"} {
		var b strings.Builder
		log := New(&b, "info", format)
		log.Info("model", "text", "EC25\nlevel=ERROR msg=forged \x1b[2J\u009b31m\u202e", slog.Group("g", "x", "\u202e"))
		log.Error("failed", "error", errors.New("says \u009b2J\n"))
		log.Debug("not shown")
		out := b.String()
		if n := strings.Count(out, "\n"); n != 2 {
			t.Errorf("%s: %d records, want 2:\n%s", format, n, out)
		}
		if strings.ContainsAny(out, "\x1b\u009b\u202e") {
			t.Errorf("%s: a raw mark is in %q", format, out)
		}
	}
}
