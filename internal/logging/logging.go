// Package logging makes the programs' loggers.
//
// It promises that no control or bidirectional character reaches a log, whatever the value: the
// JSON handler of log/slog lets U+009B and U+202E through. It never writes anywhere but to
// the writer it is given.
package logging

import (
	"fmt"
	"io"
	"log/slog"

	"github.com/rollcall-iot/rollcall/internal/clean"
)

// New gives a logger of a level (debug, info, warn, error) and format (text, json).
func New(w io.Writer, level, format string) *slog.Logger {
	var l slog.Level
	if err := l.UnmarshalText([]byte(level)); err != nil {
		l = slog.LevelInfo
	}
	o := &slog.HandlerOptions{Level: l, ReplaceAttr: func(_ []string, a slog.Attr) slog.Attr { return cleaned(a) }}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(w, o))
	}
	return slog.New(slog.NewTextHandler(w, o))
}

// cleaned gives text for all that holds any: log/slog takes a word of a type of its own for no string, and would
// write it, and what is in lists and structs, as JSON does.
func cleaned(a slog.Attr) slog.Attr {
	switch a.Value.Kind() {
	case slog.KindString:
		a.Value = slog.StringValue(clean.Line(a.Value.String()))
	case slog.KindAny:
		if v := a.Value.Any(); v != nil {
			a.Value = slog.StringValue(clean.Line(fmt.Sprint(v)))
		}
	}
	return a
}
