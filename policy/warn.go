package policy

import (
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// soon is how long before its end an exception is announced.
const soon = 14 * 24 * time.Hour

// Warnings says what is wrong with the policy itself: lists not read for longer than maxAge
// (0: [lists.DefaultMaxAge]), exceptions that ended or soon will.
func (p *Policy) Warnings(now time.Time, maxAge time.Duration) []inventory.Warning {
	out := p.lists.Warnings(now, maxAge)
	for i := range p.spec.exceptions {
		e := &p.spec.exceptions[i]
		switch left := e.Until.Sub(now); {
		case left <= 0:
			out = append(out, inventory.Warning{Code: "exception-ended", Severity: inventory.SeverityWarning, Since: e.Until,
				Text: fmt.Sprintf("exception %q from rule %s ended on %s; ask %q to renew or remove it (%s:%d)",
					e.ID, e.Rule, e.Until.Format(time.DateOnly), e.Owner, e.File, e.Line)})
		case left <= soon:
			out = append(out, inventory.Warning{Code: "exception-ends", Severity: inventory.SeverityInfo, Since: e.Until.Add(-soon),
				Text: fmt.Sprintf("exception %q from rule %s ends on %s; ask %q whether it is still needed (%s:%d)",
					e.ID, e.Rule, e.Until.Format(time.DateOnly), e.Owner, e.File, e.Line)})
		}
	}
	return out
}
