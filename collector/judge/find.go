package judge

import (
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// Find gives all findings about a gateway and its modules as they are now, sorted. They lack
// what only their history tells: Opened, Report. full, by id, are the modules as their report has them; it is read
// where the policy needs more than the rows tell, and may be nil.
//
// A module that tells less than it did, since somebody holds its port, is judged by what it
// last told: silence clears nothing.
func (k *Known) Find(g *store.Gateway, modules []store.Module, full map[string]*inventory.Module, now time.Time) []store.Finding {
	if k.Policy == nil {
		return nil
	}
	view := policy.Gateway{Gateway: g.Gateway, LastSeen: g.Seen, ClockSynced: g.ClockSynced, Silent: g.Silent, Conflict: g.Conflict}
	for i := range modules {
		if modules[i].Duplicate {
			view.Duplicates = append(view.Duplicates, modules[i].ID)
		}
	}
	var out []store.Finding
	for i := range modules {
		m := View(&modules[i], full[modules[i].ID])
		out = appendFindings(out, g.ID, m.ID, k.cache.Evaluate(&m, &view, now))
	}
	out = appendFindings(out, g.ID, "", k.Policy.EvaluateGateway(&view, now))
	slices.SortStableFunc(out, store.CompareFindings)
	return slices.CompactFunc(out, func(a, b store.Finding) bool { return store.CompareFindings(a, b) == 0 })
}

// View is what rules see of a stored module. full adds what its report alone tells.
func View(row *store.Module, full *inventory.Module) inventory.Module {
	m := inventory.Module{ID: row.ID, State: row.State, Identity: row.Identity, Origin: row.Origin, Confidence: row.Confidence,
		Possible: row.Possible, Seems: row.Seems, Reason: row.Facts.Reason, Conflicts: row.Facts.Conflicts, Parts: row.Facts.Parts}
	if row.Last != nil {
		m.Identity, m.Origin = row.Last.Identity, row.Last.Origin
	}
	if full != nil {
		m.Evidence, m.Ports, m.Device, m.Data = full.Evidence, full.Ports, full.Device, full.Data
	}
	return m
}

func appendFindings(out []store.Finding, gateway, module string, found []policy.Finding) []store.Finding {
	for i := range found {
		f := &found[i]
		row := store.Finding{Gateway: gateway, Module: module, Key: f.Key(), Rule: f.Rule, List: f.List, Edition: f.Edition,
			Severity: f.Severity.String(), Text: clean.Line(f.Text), Source: f.Source, Since: f.Since, Failed: f.Failed}
		if x := f.Excepted; x != nil {
			row.Exception, row.Owner, row.Until = x.ID, clean.Line(x.Owner), x.Until
		}
		out = append(out, row)
	}
	return out
}

// facts are what a verdict says beyond the row.
func facts(m *inventory.Module) store.Facts {
	f := store.Facts{Reason: clean.Line(m.Reason)}
	for _, c := range m.Conflicts {
		c.Claim, c.Why = clean.Line(c.Claim), clean.Line(c.Why)
		c.Values = slices.Clone(c.Values)
		for i := range c.Values {
			c.Values[i] = clean.Line(c.Values[i])
		}
		f.Conflicts = append(f.Conflicts, c)
	}
	for _, p := range m.Parts {
		f.Parts = append(f.Parts, inventory.Part{Name: clean.Line(p.Name), Value: clean.Line(p.Value)})
	}
	return f
}
