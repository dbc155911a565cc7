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
	bodies := map[string]*received{}
	inserted := false
	seen := time.Time{}
	for _, it := range items {
		r := it.report
		if it.outcome.Verdict = place(rows, r.row); it.outcome.Verdict == Same {
			continue
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
	f, err := s.foldAll(rows, bodies)
	if err != nil {
		return nil, err
	}
	if err := errors.Join(s.store(id, f.modules), s.replaceEvents(id, f.events)); err != nil {
		return nil, err
	}
	next := f.gateway(s.base.Version(), items)
	next.Conflict = cmp.Or(next.Conflict, s.shared[id])
	if g != nil {
		next.Conflict = cmp.Or(next.Conflict, g.Conflict)
		next.Beat, next.Seen = g.Beat, later(g.Seen, seen)
		if next.Order == g.Order && next.Report == g.Report { // its own last word stands
			next.Health, next.Clock, next.ClockSynced, next.Truncated = g.Health, g.Clock, g.ClockSynced, g.Truncated
		}
		if g.Silent {
			s.out.Events = append(s.out.Events, store.Event{Kind: store.GatewayBack, Gateway: id, At: seen})
		}
	} else {
		next.Seen = seen
	}
	return &next, nil
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
	events   []store.Event
	changed  time.Time
	conflict string
}

func (s *settler) foldAll(rows []store.Report, bodies map[string]*received) (*folded, error) {
	f := &folded{rows: rows}
	for i := range rows {
		if i > 0 && rows[i].Order == rows[i-1].Order {
			f.clash(&rows[i-1], &rows[i])
		}
		if i > 0 && rows[i].Digest == rows[i-1].Digest {
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
		f.events, f.last, f.changed = append(f.events, events...), &at, rows[i].Received
	}
	return f, nil
}

// clash tells of two reports that claim one place.
func (f *folded) clash(a, b *store.Report) {
	f.conflict = "Two reports claim the same place in the order of this gateway. Two machines may share its identity " +
		"(a cloned image), or an old state was restored. Find out which one is right and give the other a new identity."
	f.events = append(f.events, store.Event{Kind: store.GatewayConflict, Gateway: b.Gateway, At: b.Received, Order: b.Order, Report: b.ID,
		Text: fmt.Sprintf("reports %s and %s are both number %d of boot %d", a.ID, b.ID, b.Seq, b.Boot)})
}

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
	if r.judged == nil {
		r.judge(s.base)
	}
	return r, nil
}

// replaceEvents stores the events that are new and drops those that turned out not to be.
func (s *settler) replaceEvents(id string, events []store.Event) error {
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
		if old := have[stored[i].Key()]; old != nil {
			s.out.Drop = append(s.out.Drop, old.No)
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
	// The rest is in the key.
	return brief(a.From) == brief(b.From) && brief(a.To) == brief(b.To) && a.At.Equal(b.At) && a.Text == b.Text
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
