package inventory

import (
	"slices"
	"strings"
	"time"
)

// Warnings is the set of warnings in force, at most one of a code. The zero value is
// empty. It is not safe for concurrent use.
type Warnings struct{ list []Warning }

// Raise sets a warning. One that is in force already keeps its Since.
func (w *Warnings) Raise(now time.Time, code string, severity Severity, text string) {
	i := slices.IndexFunc(w.list, func(x Warning) bool { return x.Code == code })
	if i < 0 {
		w.list = append(w.list, Warning{Code: code, Since: now.UTC()})
		i = len(w.list) - 1
	}
	w.list[i].Severity, w.list[i].Text = severity, text
}

// Clear takes warnings back.
func (w *Warnings) Clear(codes ...string) {
	w.list = slices.DeleteFunc(w.list, func(x Warning) bool { return slices.Contains(codes, x.Code) })
}

// List gives a copy, sorted by code.
func (w *Warnings) List() []Warning {
	l := slices.Clone(w.list)
	slices.SortFunc(l, func(a, b Warning) int { return strings.Compare(a.Code, b.Code) })
	return l
}
