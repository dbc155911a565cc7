package logging

import (
	"errors"
	"log/slog"
	"strings"
	"testing"
)

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
