package collector

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// judge identifies the report's modules anew.
func (r *received) judge(by *judge.Known) {
	modules := judge.Report(by.Base, r.Report)
	r.judged = make([]store.Module, len(modules))
	r.by, r.full = by, nil
	if by.Policy != nil && by.Policy.NeedsEvidence() {
		r.full = map[string]*inventory.Module{}
	}
	for i := range modules {
		r.judged[i] = judge.Row(r.Gateway.ID, &modules[i])
		if r.full != nil {
			r.full[r.judged[i].ID] = &modules[i]
		}
	}
}

// judged makes sure that r is judged by the knowledge of this batch.
func (s *settler) judged(r *received) {
	if r.judged == nil || r.by != s.by {
		r.judge(s.by)
	}
}

// cause is what opens and closes findings: a report, or without one time, newer knowledge or
// another policy, in words.
type cause struct {
	at     time.Time
	order  inventory.Order
	report string
	text   string
}

func byReport(r *store.Report) cause {
	return cause{at: r.Received, order: r.Order, report: r.ID}
}

// follow carries on since when what is found has been found, and tells what opened and what
// closed. A finding that an exception begins to cover closes for those who are told, one that
// it ceases to cover opens; one that is more severe than it was opens again.
func follow(gateway string, was, is []store.Finding, c cause) (now []store.Finding, events []store.Event) {
	type place struct{ module, key string }
	before := map[place]*store.Finding{}
	for i := range was {
		before[place{was[i].Module, was[i].Key}] = &was[i]
	}
	tell := func(kind store.EventKind, f *store.Finding, text string) {
		events = append(events, store.Event{Kind: kind, Gateway: gateway, Module: f.Module, At: c.at, Order: c.order, Report: c.report,
			Finding: f.Brief(), Text: cmp.Or(text, c.text)})
	}
	for _, f := range is {
		k := place{f.Module, f.Key}
		old := before[k]
		delete(before, k)
		if old == nil {
			f.Opened, f.Report = c.at, c.report
			tell(store.FindingOpened, &f, "")
			now = append(now, f)
			continue
		}
		f.Opened, f.Report = old.Opened, old.Report
		switch {
		case old.Covered() && !f.Covered():
			tell(store.FindingOpened, &f, fmt.Sprintf("exception %q covers it no more", old.Exception))
		case !old.Covered() && f.Covered():
			tell(store.FindingClosed, &f, fmt.Sprintf("exception %q of %s covers it until %s", f.Exception, f.Owner, f.Until.Format(time.DateOnly)))
		case !f.Covered() && store.SeverityRank(f.Severity) > store.SeverityRank(old.Severity):
			tell(store.FindingOpened, &f, "its severity was "+old.Severity)
		}
		now = append(now, f)
	}
	for i := range was { // in order
		if f := before[place{was[i].Module, was[i].Key}]; f != nil {
			tell(store.FindingClosed, f, "")
		}
	}
	return now, events
}

// rehome lets findings follow modules that moved to another place of their gateway.
func rehome(found []store.Finding, events []store.Event) []store.Finding {
	moved := map[string]string{}
	for i := range events {
		if e := &events[i]; e.Kind == store.ModuleMoved && e.From != nil {
			moved[e.From.ID] = e.Module
		}
	}
	if len(moved) == 0 {
		return found
	}
	found = slices.Clone(found)
	for i := range found {
		if to, ok := moved[found[i].Module]; ok {
			found[i].Module = to
		}
	}
	slices.SortFunc(found, store.CompareFindings)
	return found
}

// grade gives each module the severity of the worst that is found of it.
func grade(modules []store.Module, found []store.Finding) {
	for i := range modules {
		m := &modules[i]
		var own []store.Finding
		for j := range found {
			if found[j].Module == m.ID {
				own = append(own, found[j])
			}
		}
		m.Worst = ""
		if w := store.Worst(own); w != nil {
			m.Worst = w.Severity
		}
	}
}

// sameGateway says whether rules see the same of a gateway.
func sameGateway(a, b *inventory.Gateway) bool {
	return a.Hostname == b.Hostname && a.Agent == b.Agent && a.OS == b.OS && a.Arch == b.Arch && maps.Equal(a.Labels, b.Labels)
}

// found gives the stored findings of a gateway.
func (s *settler) found(id string) ([]store.Finding, error) {
	g := s.known[id]
	if g == nil || g.Found == 0 {
		return nil, nil
	}
	if fs, ok := s.findings[id]; ok {
		return fs, nil
	}
	loaded, err := s.tx.Findings([]string{id})
	return loaded[id], err
}

// keep stores findings and grades, and names them in the gateway's row.
func (s *settler) keep(next *store.Gateway, modules []store.Module, found []store.Finding, at time.Time) {
	grade(modules, found)
	was := int64(0)
	if g := s.known[next.ID]; g != nil {
		was = g.Found
	}
	next.Found, next.Policy = store.FoundNumber(found), s.by.Stamp(at)
	if next.Found == was && s.unmoved(next.ID, found) {
		return // as most reports leave it
	}
	if was != 0 || next.Found != 0 {
		s.out.Findings = append(s.out.Findings, store.Found{Gateway: next.ID, Findings: found})
	}
}

// unmoved says whether findings that are the same as those stored are open since the same time.
func (s *settler) unmoved(id string, found []store.Finding) bool {
	was, ok := s.findings[id]
	if !ok && len(found) > 0 || len(was) != len(found) {
		return false
	}
	for i := range was {
		if !was[i].Opened.Equal(found[i].Opened) || was[i].Report != found[i].Report {
			return false
		}
	}
	return true
}

// present judges a gateway, whose reports were judged as of their time, as of now.
func (s *settler) present(next *store.Gateway, modules []store.Module, full map[string]*inventory.Module, found []store.Finding, at time.Time) ([]store.Finding, time.Time) {
	if s.by.Policy == nil || !s.at.After(at) || s.by.Stamp(at) == s.by.Stamp(s.at) {
		return found, at
	}
	found, events := follow(next.ID, found, s.by.Find(next, modules, full, s.at), s.byPolicy())
	s.out.Events = append(s.out.Events, events...)
	return found, s.at
}

func (s *settler) byPolicy() cause {
	c := cause{at: s.at}
	if s.by.Policy != nil {
		c.text = "by policy " + s.by.Policy.Version()
	}
	return c
}

// tellWorst adds the worst that was found to the event of a gateway's first report.
func tellWorst(e *store.Event, found []store.Finding) {
	if len(found) == 0 {
		return
	}
	e.Text += fmt.Sprintf("; findings: %d", len(found))
	if w := store.Worst(found); w != nil {
		e.Finding = w.Brief()
	}
}
