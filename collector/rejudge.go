package collector

import (
	"errors"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// current gives a gateway's modules and findings as present knowledge and policy have them, so
// that a comparison with a new report shows what changed in the field and nothing else. What
// newer knowledge changed becomes events without a report. full is given where the policy
// needs it.
func (s *settler) current(g *store.Gateway) (modules []store.Module, found []store.Finding, full map[string]*inventory.Module, err error) {
	if modules, err = s.modules(g.ID); err != nil {
		return nil, nil, nil, err
	}
	if found, err = s.found(g.ID); err != nil {
		return nil, nil, nil, err
	}
	modules, newData := orEmpty(modules), g.Data != s.by.Base.Version()
	if newData || s.by.Policy != nil && s.by.Policy.NeedsEvidence() {
		row := store.Report{Gateway: g.ID, ID: g.Report, Order: g.Order, Digest: g.Digest}
		r, err := s.body(&row, s.bodies(g))
		switch {
		case errors.Is(err, store.ErrNotFound): // nothing to judge by
		case err != nil:
			return nil, nil, nil, err
		default:
			full = r.full
			if newData {
				modules = s.rejudge(modules, r)
			}
		}
	}
	if newData || g.Policy != s.by.Stamp(s.at) {
		var events []store.Event
		found, events = follow(g.ID, found, s.by.Find(g, modules, full, s.at), s.byKnowledge(g))
		s.out.Events = append(s.out.Events, events...)
	}
	return modules, found, full, nil
}

// bodies are the reports of g that were read already.
func (s *settler) bodies(g *store.Gateway) map[string]*received {
	if r := s.ready[g.ID]; r != nil && (r.Report != nil || r.by == s.by) { // without the report it cannot be judged once more
		return map[string]*received{r.digest: r}
	}
	return map[string]*received{}
}

// byKnowledge names what made the difference: the policy, where it is another one.
func (s *settler) byKnowledge(g *store.Gateway) cause {
	c := s.byPolicy()
	version, _, _ := strings.Cut(g.Policy, "@")
	switch {
	case s.by.Policy == nil, version != s.by.Policy.Version():
	case g.Data != s.by.Base.Version():
		c.text = "by data " + s.by.Base.Version()
	default:
		c.text = "as time passed, by policy " + version
	}
	return c
}

// again judges a gateway of which something other than a report changed: g is as it is stored,
// next as it will be, which is stored.
func (s *settler) again(g, next *store.Gateway) error {
	if s.by.Policy == nil && g.Found == 0 && g.Data == s.by.Base.Version() { // nobody judges
		s.out.Gateways = append(s.out.Gateways, *next)
		return nil
	}
	return s.againWith(g, next, nil)
}

// againWith judges with other marks on the modules than are stored; nil: those.
func (s *settler) againWith(g, next *store.Gateway, marked []store.Module) error {
	modules, found, full, err := s.current(g)
	if err != nil {
		return err
	}
	if marked != nil {
		modules = slices.Clone(modules)
		for i := range modules {
			modules[i].Duplicate = marked[i].Duplicate
		}
	}
	found, events := follow(g.ID, found, s.by.Find(next, modules, full, s.at), cause{at: s.at})
	s.out.Events = append(s.out.Events, events...)
	next.Data = s.by.Base.Version()
	s.keep(next, modules, found, s.at)
	s.out.Gateways = append(s.out.Gateways, *next)
	return s.store(g.ID, modules)
}

// rejudge lays the new verdicts over the stored modules, and tells what they changed.
func (s *settler) rejudge(stored []store.Module, r *received) []store.Module {
	out := overlay(stored, r.judged)
	for i := range out {
		m, n := &stored[i], &out[i]
		if m.Facets() != n.Facets() {
			s.out.Events = append(s.out.Events, store.Event{Kind: store.JudgedAnew, Gateway: m.Gateway, Module: m.ID, At: s.at,
				From: m.Brief(), To: n.Brief(), Text: "by data " + s.by.Base.Version()})
		}
	}
	return out
}

// overlay lays new verdicts over stored modules, which stay the same modules.
func overlay(stored, judged []store.Module) []store.Module {
	out := make([]store.Module, len(stored))
	for i, m := range stored {
		j := slices.IndexFunc(judged, func(v store.Module) bool { return v.ID == m.ID })
		if j < 0 {
			out[i] = m
			continue
		}
		n := judged[j]
		n.First, n.Changed, n.Worst = m.First, m.Changed, m.Worst
		n.Duplicate = m.Duplicate && n.Identity.IMEI == m.Identity.IMEI
		if m.Last != nil {
			if full := merge(n.Identity, m.Last.Identity); full != n.Identity {
				n.Last = &store.Last{Identity: full, Origin: m.Last.Origin, Until: m.Last.Until}
			}
		}
		out[i] = n
	}
	return out
}

func orEmpty(ms []store.Module) []store.Module {
	if ms == nil {
		return []store.Module{}
	}
	return ms
}
