package policy

import (
	"iter"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Change is what another policy would find differently about one module.
type Change struct {
	// Gateway and Module are the ids of what it is about.
	Gateway string    `json:"gateway"`
	Module  string    `json:"module"`
	Opened  []Finding `json:"opened"`
	Closed  []Finding `json:"closed"`
	// Changed holds the new form of findings that stay but differ in severity, edition,
	// text or exception.
	Changed []Finding `json:"changed"`
}

// Compare says what after finds about the module that before does not, and the other way
// round. It is not ok if nothing differs.
func Compare(before, after *Policy, m *inventory.Module, g *Gateway, now time.Time) (c Change, ok bool) {
	c.Module = m.ID
	if g != nil {
		c.Gateway = g.ID
	}
	return c.between(before.Evaluate(m, g, now), after.Evaluate(m, g, now))
}

// CompareGateway says the same about the rules on gateways. The change has no module.
func CompareGateway(before, after *Policy, g *Gateway, now time.Time) (c Change, ok bool) {
	c.Gateway = g.ID
	return c.between(before.EvaluateGateway(g, now), after.EvaluateGateway(g, now))
}

func (c Change) between(was, is []Finding) (Change, bool) {
	for _, f := range is {
		switch i := find(was, &f); {
		case i < 0:
			c.Opened = append(c.Opened, f)
		case !alike(&was[i], &f):
			c.Changed = append(c.Changed, f)
		}
	}
	for _, f := range was {
		if find(is, &f) < 0 {
			c.Closed = append(c.Closed, f)
		}
	}
	return c, len(c.Opened)+len(c.Closed)+len(c.Changed) > 0
}

// WhatIf compares two policies over a fleet and gives the modules that would be touched.
func WhatIf(before, after *Policy, fleet iter.Seq2[*Gateway, *inventory.Module], now time.Time) iter.Seq[Change] {
	return func(yield func(Change) bool) {
		for g, m := range fleet {
			if c, ok := Compare(before, after, m, g, now); ok && !yield(c) {
				return
			}
		}
	}
}

func find(in []Finding, f *Finding) int {
	return slices.IndexFunc(in, func(x Finding) bool { return x.Key() == f.Key() })
}

func alike(a, b *Finding) bool {
	return a.Severity == b.Severity && a.Edition == b.Edition && a.Text == b.Text && a.Source == b.Source &&
		(a.Excepted == nil) == (b.Excepted == nil) && a.Failed == b.Failed
}
