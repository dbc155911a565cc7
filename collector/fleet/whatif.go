package fleet

import (
	"context"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/policy"
)

// whatIf compares two policies, gateway by gateway.
type whatIf struct {
	before, after *judge.Known
	now           time.Time
	limit         int
	effect        Effect
	counts        map[EffectCount]*EffectCount
}

// walk gives every gateway with its modules, in order, as long as ctx lasts: rules may be slow.
func (f *Fleet) walk(ctx context.Context, yield func(*store.Whole)) error {
	for after := ""; ; {
		ws, err := f.Store.Whole(ctx, after, 1000, false)
		if err != nil || len(ws) == 0 {
			return err
		}
		for i := range ws {
			if err := ctx.Err(); err != nil {
				return err
			}
			yield(&ws[i])
		}
		after = ws[len(ws)-1].Gateway.ID
	}
}

func (w *whatIf) gateway(g *store.Whole) {
	was := w.before.Find(&g.Gateway, g.Modules, nil, w.now)
	is := w.after.Find(&g.Gateway, g.Modules, nil, w.now)
	w.effect.Looked += len(g.Modules)
	if store.FoundNumber(was) == store.FoundNumber(is) {
		return
	}
	touched := map[string]*policy.Change{}
	var order []string
	change := func(f *store.Finding) *policy.Change {
		c := touched[f.Module]
		if c == nil {
			c = &policy.Change{Gateway: g.Gateway.ID, Module: f.Module}
			touched[f.Module] = c
			order = append(order, f.Module)
		}
		return c
	}
	w.between(was, is, change)
	for _, id := range order {
		if id != "" {
			w.effect.Modules++
		}
		if len(w.effect.Changes) < w.limit {
			w.effect.Changes = append(w.effect.Changes, *touched[id])
		}
	}
	w.effect.Gateways++
}

func (w *whatIf) between(was, is []store.Finding, change func(*store.Finding) *policy.Change) {
	i, j := 0, 0
	for i < len(was) || j < len(is) {
		order := 0
		switch {
		case i == len(was):
			order = 1
		case j == len(is):
			order = -1
		default:
			order = store.CompareFindings(was[i], is[j])
		}
		switch {
		case order < 0:
			c := change(&was[i])
			c.Closed = append(c.Closed, finding(&was[i]))
			w.count(&was[i]).Closed++
			i++
		case order > 0:
			c := change(&is[j])
			c.Opened = append(c.Opened, finding(&is[j]))
			w.count(&is[j]).Opened++
			j++
		default:
			if was[i].Number() != is[j].Number() {
				c := change(&is[j])
				c.Changed = append(c.Changed, finding(&is[j]))
				w.count(&is[j]).Changed++
			}
			i, j = i+1, j+1
		}
	}
}

func (w *whatIf) count(f *store.Finding) *EffectCount {
	k := EffectCount{Rule: f.Rule, List: f.List}
	if w.counts[k] == nil {
		own := k
		w.counts[k] = &own
	}
	return w.counts[k]
}

// finding gives a stored finding as the policy gave it.
func finding(f *store.Finding) policy.Finding {
	severity, _ := policy.ParseSeverity(f.Severity) // it was one
	out := policy.Finding{Rule: f.Rule, List: f.List, Edition: f.Edition, Severity: severity, Text: f.Text, Source: f.Source, Since: f.Since, Failed: f.Failed}
	if f.Covered() {
		out.Excepted = &policy.Exception{ID: f.Exception, Rule: f.Rule, List: f.List, Owner: f.Owner, Until: f.Until}
	}
	return out
}
