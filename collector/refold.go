package collector

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}

// refold goes through all of a gateway's reports from the first, because one came that does
// not stand behind all others. The state and the events are then what they would be had
// every report come in its order.
func (s *settler) refold(id string, g *store.Gateway, items []*item) (*store.Gateway, error) {
	rows, err := s.tx.Reports(id)
	if err != nil {
		return nil, err
	}
	base := forgotten(g, rows)
	bodies := map[string]*received{}
	inserted := false
	seen := time.Time{}
	for _, it := range items {
		r := it.report
		if it.outcome.Verdict = place(rows, r.row); it.outcome.Verdict == Same || base != nil && r.row.Before(*base) {
			continue // of what is that long past nothing is told any more
		}
		inserted = true
		seen = later(seen, r.row.Received)
		rows = append(rows, r.row)
		slices.SortFunc(rows, compareReports)
		s.out.Reports = append(s.out.Reports, r.row)
		s.out.Evidence = append(s.out.Evidence, r.evidence())
		bodies[r.digest] = r
	}
	if !inserted {
		return nil, nil
	}
	f, err := s.foldAll(rows, bodies, g)
	if err != nil {
		return nil, err
	}
	if base != nil {
		if err := s.resume(f, g); err != nil {
			return nil, err
		}
	}
	next := f.gateway(s.by.Base.Version(), items)
	next.Conflict = cmp.Or(f.conflict, s.shared[id])
	if g != nil {
		next.Conflict = cmp.Or(next.Conflict, g.Conflict)
		next.Beat, next.Cleared, next.Seen = g.Beat, g.Cleared, later(g.Seen, seen)
		if next.Order == g.Order && next.Report == g.Report { // its own last word stands
			next.Gateway = g.Gateway
			next.Health, next.Clock, next.ClockSynced, next.Truncated = g.Health, g.Clock, g.ClockSynced, g.Truncated
		}
		if g.Silent {
			s.out.Events = append(s.out.Events, store.Event{Kind: store.GatewayBack, Gateway: id, At: seen})
		}
	} else {
		next.Seen = seen
	}
	if err := s.refind(&next, f); err != nil {
		return nil, err
	}
	if base != nil {
		next.First = g.First
	}
	return &next, errors.Join(s.store(id, f.modules), s.replaceEvents(id, f.events, base))
}

// forgotten gives the first report of g that is kept where earlier ones were forgotten, or nil.
func forgotten(g *store.Gateway, rows []store.Report) *store.Report {
	if g == nil || len(rows) == 0 || g.First.Equal(rows[0].Received) {
		return nil
	}
	base := rows[0]
	return &base
}

// resume gives what was there when the first kept report came the age that is stored: that
// report was not the first.
func (s *settler) resume(f *folded, g *store.Gateway) error {
	base := &f.rows[0]
	f.events = slices.DeleteFunc(f.events, func(e store.Event) bool { return e.Order == base.Order && e.Report == base.ID })
	stored, err := s.modules(g.ID)
	if err != nil {
		return err
	}
	for i := range f.modules {
		for j := range stored {
			if m, was := &f.modules[i], &stored[j]; m.ID == was.ID && m.First.Equal(base.Received) && was.First.Before(m.First) {
				m.First = was.First
				if m.Changed.Equal(base.Received) {
					m.Changed = was.Changed
				}
			}
		}
	}
	found, err := s.found(g.ID)
	if err != nil {
		return err
	}
	for i := range f.found {
		for j := range found {
			if store.CompareFindings(f.found[i], found[j]) == 0 && f.found[i].Report == base.ID {
				f.found[i].Opened, f.found[i].Report = found[j].Opened, found[j].Report
			}
		}
	}
	return nil
}

// refind judges the gateway as it is after all reports. What it finds by reason of time or
// policy, and not of a report, has been found since it was.
func (s *settler) refind(next *store.Gateway, f *folded) error {
	stored, err := s.modules(next.ID)
	if err != nil {
		return err
	}
	for i := range f.modules { // what the fleet says of them, and no report
		m := &f.modules[i]
		for j := range stored {
			if stored[j].ID == m.ID && stored[j].Identity.IMEI == m.Identity.IMEI {
				m.Duplicate = stored[j].Duplicate
			}
		}
	}
	was, err := s.found(next.ID)
	if err != nil {
		return err
	}
	newest := f.rows[len(f.rows)-1].Received
	is := s.by.Find(next, f.modules, f.last.full, newest)
	c := s.byPolicy()
	c.at = newest
	found, events := follow(next.ID, stands(was, is, f.found), is, c)
	s.out.Events = append(s.out.Events, events...)
	found, at := s.present(next, f.modules, f.last.full, found, newest)
	s.keep(next, f.modules, found, at)
	return nil
}

// stands gives what was found before, for comparison with what is found after all reports:
// folded is what reports show, and tell of; the others opened by reason of time, policy or the
// fleet, and have been open since they were stored.
func stands(was, is, folded []store.Finding) []store.Finding {
	has := func(in []store.Finding, f *store.Finding) bool {
		return slices.ContainsFunc(in, func(x store.Finding) bool { return store.CompareFindings(x, *f) == 0 })
	}
	var out []store.Finding
	for i := range folded {
		if f := &folded[i]; has(is, f) && !slices.ContainsFunc(was, func(w store.Finding) bool { return w.Report == "" && store.CompareFindings(w, *f) == 0 }) {
			out = append(out, *f)
		}
	}
	for i := range was {
		f := &was[i]
		switch byReports, now := has(folded, f), has(is, f); {
		case byReports && now && f.Report != "": // stands there already
		case !byReports && !now && f.Report != "": // a report closes it, and tells
		default:
			out = append(out, *f)
		}
	}
	return out
}

// place says where a report stands among those that are stored.
func place(rows []store.Report, r store.Report) Verdict {
	v := New
	for _, q := range rows {
		switch {
		case q.Order == r.Order && q.ID == r.ID:
			return Same
		case q.Order == r.Order:
			v = Conflict
		case r.Order.Before(q.Order) && v == New:
			v = Older
		}
	}
	return v
}

// folded is a gateway after all of its reports.
type folded struct {
	rows     []store.Report
	last     *received // carries the newest findings
	modules  []store.Module
	found    []store.Finding
	events   []store.Event
	changed  time.Time
	conflict string
	cleared  inventory.Order
	fresh    []string // reports of this batch
	given    string   // a conflict that is none of the order
}

// foldAll goes through the reports. g, where it is known, says which conflicts a person cleared;
// those that a report of this batch raises are new.
func (s *settler) foldAll(rows []store.Report, bodies map[string]*received, g *store.Gateway) (*folded, error) {
	f := &folded{rows: rows, given: s.shared[rows[0].Gateway]}
	if g != nil {
		f.cleared = g.Cleared
		if g.Conflict != clashText {
			f.given = cmp.Or(f.given, g.Conflict)
		}
	}
	for _, r := range s.out.Reports {
		f.fresh = append(f.fresh, r.ID)
	}
	for i := range rows {
		clash := i > 0 && rows[i].Order == rows[i-1].Order
		if clash {
			f.clash(&rows[i-1], &rows[i])
		}
		if i > 0 && rows[i].Digest == rows[i-1].Digest {
			if clash {
				at := *f.last
				at.row = rows[i]
				f.find(s, &at, nil, false)
			}
			continue
		}
		r, err := s.body(&rows[i], bodies)
		if err != nil {
			return nil, err
		}
		at := *r
		at.row = rows[i]
		var events []store.Event
		if i == 0 {
			f.modules, events = first(&at)
		} else {
			f.modules, events = step(f.modules, &at)
		}
		f.find(s, &at, events, i == 0)
		f.last, f.changed = &at, rows[i].Received
	}
	return f, nil
}

// find judges what one report found, as of its time.
func (f *folded) find(s *settler, r *received, events []store.Event, isFirst bool) {
	g := r.gateway(s.by.Base.Version())
	g.Conflict = cmp.Or(f.conflict, f.given)
	now, told := follow(g.ID, rehome(f.found, events), s.by.Find(&g, f.modules, r.full, r.row.Received), byReport(&r.row))
	if isFirst {
		tellWorst(&events[0], now)
		told = nil
	}
	f.found, f.events = now, append(append(f.events, events...), told...)
}

// clash tells of two reports that claim one place.
func (f *folded) clash(a, b *store.Report) {
	if f.cleared.Before(b.Order) || slices.Contains(f.fresh, a.ID) || slices.Contains(f.fresh, b.ID) {
		f.conflict = clashText
	}
	f.events = append(f.events, store.Event{Kind: store.GatewayConflict, Gateway: b.Gateway, At: b.Received, Order: b.Order, Report: b.ID,
		Text: fmt.Sprintf("reports %s and %s are both number %d of boot %d", a.ID, b.ID, b.Seq, b.Boot)})
}

const clashText = "Two reports claim the same place in the order of this gateway. Two machines may share its identity " +
	"(a cloned image), or an old state was restored. Find out which one is right and give the other a new identity."

// body gives the findings of a stored report, judged.
func (s *settler) body(row *store.Report, bodies map[string]*received) (*received, error) {
	r := bodies[row.Digest]
	if r == nil {
		e, err := s.tx.Evidence(row.Gateway, row.Digest)
		if err != nil {
			return nil, err
		}
		report, err := inventory.DecodeReport(e.Body)
		if err != nil {
			return nil, fmt.Errorf("stored evidence of gateway %q: %w", row.Gateway, err)
		}
		r = &received{Report: report, digest: row.Digest}
		bodies[row.Digest] = r
	}
	s.judged(r)
	return r, nil
}

// replaceEvents stores the events that are new and drops those that turned out not to be.
// Those of the first kept report and of what was before it stay.
func (s *settler) replaceEvents(id string, events []store.Event, base *store.Report) error {
	stored, err := s.tx.Events(id)
	if err != nil {
		return err
	}
	have := map[string]*store.Event{}
	for i := range stored {
		have[stored[i].Key()] = &stored[i]
	}
	for i := range events {
		k := events[i].Key()
		if old := have[k]; old == nil || !sameEvent(*old, events[i]) {
			s.out.Events = append(s.out.Events, events[i])
		} else {
			delete(have, k)
		}
	}
	for i := range stored {
		e := &stored[i]
		past := base != nil && !base.Before(store.Report{Order: e.Order, ID: e.Report})
		if old := have[e.Key()]; old != nil && !past {
			s.out.Drop = append(s.out.Drop, old.No)
			s.dropped[old.Kind]++
		}
	}
	return nil
}

func sameEvent(a, b store.Event) bool {
	brief := func(p *store.Brief) (v store.Brief) {
		if p != nil {
			v = *p
		}
		return v
	}
	finding := func(p *store.FindingBrief) (v store.FindingBrief) {
		if p != nil {
			v = *p
		}
		return v
	}
	// The rest is in the key.
	return finding(a.Finding) == finding(b.Finding) && brief(a.From) == brief(b.From) && brief(a.To) == brief(b.To) && a.At.Equal(b.At) && a.Text == b.Text
}

// gateway gives the row after all reports.
func (f *folded) gateway(data string, items []*item) store.Gateway {
	newest := f.rows[len(f.rows)-1]
	last := *f.last
	last.row = newest
	for _, it := range items { // the report itself, where it is one of these, knows its health
		if it.report.row.Order == newest.Order && it.report.row.ID == newest.ID {
			last = *it.report
		}
	}
	g := last.gateway(data)
	g.Order, g.Report, g.Digest, g.Reason = newest.Order, newest.ID, newest.Digest, newest.Reason
	g.Clock, g.ClockSynced, g.Key = newest.Clock, newest.ClockSynced, newest.Key
	g.First, g.Changed, g.Conflict = f.rows[0].Received, f.changed, f.conflict
	g.Modules = len(f.modules)
	return g
}
