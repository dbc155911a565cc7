package fleet

import (
	"cmp"
	"context"
	"errors"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// Policy is the one in force, or nil.
func (f *Fleet) Policy() *policy.Policy {
	if f.Knowledge == nil {
		return nil
	}
	return f.Knowledge.Policy()
}

// Progress says how far the fleet has been judged again by newer knowledge.
func (f *Fleet) Progress() judge.Progress {
	if f.Knowledge == nil {
		return judge.Progress{}
	}
	return f.Knowledge.Progress()
}

// Warnings says what is wrong with the policy itself: lists not read for too long, exceptions
// that ended or soon will.
func (f *Fleet) Warnings() []inventory.Warning {
	if p := f.Policy(); p != nil {
		return p.Warnings(f.Time(), 0)
	}
	return nil
}

// Severity is how many findings there are of one severity, for the fleet at a glance.
type Severity struct {
	Severity string `json:"severity"`
	// Findings are open and no exception covers them; Covered are the others. One module may
	// have several.
	Findings int `json:"findings"`
	Covered  int `json:"covered"`
}

func severities(counts []store.FindingCount) []Severity {
	var out []Severity
	for _, name := range slices.Backward(store.Severities()) {
		s := Severity{Severity: name}
		for _, c := range counts {
			n := c.Modules
			if n == 0 {
				n = c.Gateways // a rule about gateways
			}
			switch {
			case c.Severity != name:
			case c.Covered:
				s.Covered += n
			default:
				s.Findings += n
			}
		}
		out = append(out, s)
	}
	return out
}

// Effect is what another policy would change in the fleet.
type Effect struct {
	// Before and After are the versions of both.
	Before string `json:"before"`
	After  string `json:"after"`
	// Modules and Gateways are how many would be touched.
	Modules  int `json:"modules"`
	Gateways int `json:"gateways"`
	// Counts are by rule and list, most first.
	Counts []EffectCount `json:"counts"`
	// Changes are the first of them, by gateway and module.
	Changes []policy.Change `json:"changes"`
	// Looked is how many modules were judged, and Partial says that the time ran out before all.
	Looked  int  `json:"looked"`
	Partial bool `json:"partial,omitempty"`
}

// EffectCount is how many findings of one rule and list would open, close, or stay in another form.
type EffectCount struct {
	Rule    string `json:"rule"`
	List    string `json:"list,omitempty"`
	Opened  int    `json:"opened"`
	Closed  int    `json:"closed"`
	Changed int    `json:"changed"`
}

// ErrNoPolicy: nothing is judged here, so there is nothing to compare with.
var ErrNoPolicy = errors.New("this collector judges by no policy")

// whatIfTime bounds one question.
const whatIfTime = 45 * time.Second

// WhatIf compares the policy in force with another over the whole fleet as it is stored: counts
// of all, and the first limit changes. It reads rows, not transcripts; a policy that needs the
// ports, devices or evidence of modules is judged without them.
func (f *Fleet) WhatIf(ctx context.Context, after *policy.Policy, limit int) (Effect, error) {
	before := f.Policy()
	if before == nil {
		return Effect{}, ErrNoPolicy
	}
	w := &whatIf{before: judge.NewKnown(f.Base, before), after: judge.NewKnown(f.Base, after), now: f.Time(), limit: limit,
		counts: map[EffectCount]*EffectCount{}}
	w.effect = Effect{Before: before.Version(), After: after.Version()}
	ctx, cancel := context.WithTimeout(ctx, whatIfTime)
	defer cancel()
	err := f.walk(ctx, w.gateway)
	if errors.Is(err, context.DeadlineExceeded) && w.effect.Looked > 0 {
		w.effect.Partial, err = true, nil
	}
	for _, c := range w.counts {
		w.effect.Counts = append(w.effect.Counts, *c)
	}
	slices.SortFunc(w.effect.Counts, func(a, b EffectCount) int {
		return cmp.Or(cmp.Compare(b.Opened+b.Closed+b.Changed, a.Opened+a.Closed+a.Changed), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.List, b.List))
	})
	return w.effect, err
}

// ClearConflict notes that a person, by, has looked at a gateway's conflict. It becomes an event.
func (f *Fleet) ClearConflict(ctx context.Context, gateway, by string) error {
	if f.Clear == nil {
		return errors.New("conflicts cannot be cleared here")
	}
	return f.Clear(ctx, gateway, by)
}
