package lists

import (
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// DefaultMaxAge is the age from which a list warns about itself.
const DefaultMaxAge = 120 * 24 * time.Hour

// Warnings says which lists have not been read for longer than maxAge (0: DefaultMaxAge).
// It is a warning for a list whose names change with its editions, and an information for
// the other texts, which change with another act only, and for those never confirmed.
func (s *Set) Warnings(now time.Time, maxAge time.Duration) []inventory.Warning {
	var out []inventory.Warning
	for i := range s.lists {
		if w, old := s.lists[i].Warning(now, maxAge); old {
			out = append(out, w)
		}
	}
	return out
}

// Warning says whether one list was not read for longer than maxAge (0: DefaultMaxAge).
func (l *List) Warning(now time.Time, maxAge time.Duration) (inventory.Warning, bool) {
	if maxAge <= 0 {
		maxAge = DefaultMaxAge
	}
	w := inventory.Warning{Code: "list-old", Severity: inventory.SeverityInfo}
	if l.AsOf.IsZero() {
		w.Text = fmt.Sprintf("list %q (%s) was never confirmed; it names nobody here", l.ID, l.Name)
		return w, true
	}
	age := now.Sub(l.AsOf.Time())
	if age <= maxAge {
		return w, false
	}
	if l.Kind == KindList && l.Confirmed {
		w.Severity = inventory.SeverityWarning
	}
	w.Since = l.AsOf.Time().Add(maxAge)
	w.Text = fmt.Sprintf("the state of list %q (%s) is that of %s, %d days ago; look for a newer edition at %s and load it",
		l.ID, l.Name, l.AsOf, int(age.Hours()/24), l.where())
	return w, true
}

func (l *List) where() string {
	if l.Source == "" {
		return "its publisher"
	}
	return l.Source
}
