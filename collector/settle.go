package collector

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// settler decides what a batch of messages changes, inside one Update.
type settler struct {
	tx    store.Tx
	base  judge.Identifier
	keys  *keyring
	known map[string]*store.Gateway
	now   map[string][]store.Module // of gateways whose modules may change
	out   store.Batch
	at    time.Time // of what no report causes
	// shared says for which gateways of this batch a key was pinned that is also another's.
	shared map[string]string
	// claimed are claims by wrong keys that this batch tells of.
	claimed []string
	// ask lists gateways whose findings are not known here.
	ask []want
}

// want is a report that a gateway has and we do not.
type want struct {
	gateway, digest string
	order           inventory.Order
}

// settle decides for all items and gives what to store. Outcomes are written into the items.
func (s *settler) settle(items []*item) (*store.Batch, error) {
	groups := map[string][]*item{}
	for _, it := range items {
		if it.outcome.Verdict == Rejected {
			s.reject(it)
			continue
		}
		groups[it.gateway] = append(groups[it.gateway], it)
	}
	ids := slices.Sorted(maps.Keys(groups))
	if err := s.loadModules(ids, groups); err != nil {
		return nil, err
	}
	for _, id := range ids {
		if err := s.gateway(id, groups[id]); err != nil {
			return nil, err
		}
	}
	return &s.out, nil
}

func (s *settler) reject(it *item) {
	const most = 64 << 10
	s.out.Rejected = append(s.out.Rejected, rejected(it, most))
}

// loadModules fetches at once what the comparisons will need.
func (s *settler) loadModules(ids []string, groups map[string][]*item) (err error) {
	var need []string
	for _, id := range ids {
		g := s.known[id]
		if g != nil && slices.ContainsFunc(groups[id], func(it *item) bool { return it.report != nil && it.report.digest != g.Digest }) {
			need = append(need, id)
		}
	}
	s.now, err = s.tx.Modules(need)
	for _, id := range need {
		if s.now[id] == nil && s.now != nil {
			s.now[id] = []store.Module{}
		}
	}
	return err
}

func (s *settler) modules(id string) ([]store.Module, error) {
	if s.known[id] == nil {
		return nil, nil
	}
	if ms, ok := s.now[id]; ok {
		return ms, nil
	}
	loaded, err := s.tx.Modules([]string{id})
	return loaded[id], err
}

// gateway settles the messages of one gateway.
func (s *settler) gateway(id string, items []*item) error {
	var reports []*item
	var beats []*item
	for _, it := range items {
		allowed, err := s.allow(it)
		switch {
		case err != nil:
			return err
		case !allowed:
			s.reject(it)
		case it.report != nil:
			reports = append(reports, it)
		default:
			beats = append(beats, it)
		}
	}
	g := s.known[id]
	next, err := s.reports(id, g, reports)
	if err != nil {
		return err
	}
	if next != nil {
		g = next
	}
	beat := s.beats(g, beats)
	switch {
	case next != nil && beat != nil:
		next.Beat, next.Health = beat.Order, beat.Health
		if beat.Seen.After(next.Seen) {
			next.Seen, next.Clock, next.ClockSynced = beat.Seen, beat.Clock, beat.ClockSynced
		}
		fallthrough
	case next != nil:
		s.out.Gateways = append(s.out.Gateways, *next)
	case beat != nil:
		s.out.Beats = append(s.out.Beats, *beat)
	}
	return nil
}

// reports settles reports of one gateway and gives its row where it changed.
func (s *settler) reports(id string, g *store.Gateway, items []*item) (*store.Gateway, error) {
	slices.SortStableFunc(items, func(a, b *item) int { return compareReports(a.report.row, b.report.row) })
	var fresh []*item
	quick := true
	for i, it := range items {
		r := it.report.row
		switch {
		case i > 0 && r.Order == items[i-1].report.row.Order && r.ID == items[i-1].report.row.ID,
			g != nil && r.Order == g.Order && r.ID == g.Report:
			it.outcome.Verdict = Same
			continue
		case g != nil && !g.Order.Before(r.Order), i > 0 && r.Order == items[i-1].report.row.Order:
			quick = false
		}
		fresh = append(fresh, it)
	}
	switch {
	case len(fresh) == 0:
		return nil, nil
	case quick:
		return s.advance(g, fresh)
	default:
		return s.refold(id, g, fresh)
	}
}

func compareReports(a, b store.Report) int {
	switch {
	case a.Before(b):
		return -1
	case b.Before(a):
		return 1
	}
	return 0
}

// advance takes a gateway on by reports that are all newer than what is known, in order.
func (s *settler) advance(g *store.Gateway, items []*item) (*store.Gateway, error) {
	last := items[len(items)-1].report
	next := last.gateway(s.base.Version())
	digest := ""
	var before, stored []store.Module
	if g != nil {
		next.First, next.Changed, next.Beat, next.Conflict = g.First, g.Changed, g.Beat, g.Conflict
		next.Data, digest = g.Data, g.Digest
		if g.Silent {
			s.out.Events = append(s.out.Events, store.Event{Kind: store.GatewayBack, Gateway: g.ID, At: items[0].report.row.Received})
		}
	}
	for _, it := range items {
		r := it.report
		it.outcome.Verdict = New
		s.out.Reports = append(s.out.Reports, r.row)
		next.Seen = later(next.Seen, r.row.Received)
		if r.digest == digest {
			continue
		}
		if stored == nil && g != nil {
			var err error
			if stored, err = s.current(g); err != nil {
				return nil, err
			}
			before, next.Data = stored, s.base.Version()
		}
		before = s.follow(r, g == nil && digest == "", before)
		digest, next.Changed = r.digest, r.row.Received
	}
	if g != nil {
		next.Seen = later(next.Seen, g.Seen)
	} else {
		next.First, next.Conflict = items[0].report.row.Received, s.shared[next.ID]
	}
	if digest != "" && (g == nil || digest != g.Digest || stored != nil) {
		if err := s.store(next.ID, before); err != nil {
			return nil, err
		}
	}
	return &next, nil
}

// follow moves one report on, and keeps its evidence and events.
func (s *settler) follow(r *received, isFirst bool, before []store.Module) []store.Module {
	if r.judged == nil {
		r.judge(s.base)
	}
	s.out.Evidence = append(s.out.Evidence, r.evidence())
	var events []store.Event
	if isFirst {
		before, events = first(r)
	} else {
		before, events = step(before, r)
	}
	s.out.Events = append(s.out.Events, events...)
	return before
}

// store puts what differs between the modules that are stored and those of now.
func (s *settler) store(id string, now []store.Module) error {
	stored, err := s.modules(id)
	if err != nil {
		return err
	}
	was := map[string]*store.Module{}
	for i := range stored {
		was[stored[i].ID] = &stored[i]
	}
	for i := range now {
		m := &now[i]
		if old := was[m.ID]; old == nil || !equal(old, m) {
			s.out.Modules = append(s.out.Modules, *m)
		}
		delete(was, m.ID)
	}
	for _, gone := range slices.Sorted(maps.Keys(was)) {
		s.out.Gone = append(s.out.Gone, store.ModuleKey{Gateway: id, ID: gone})
	}
	return nil
}

func equal(a, b *store.Module) bool {
	if (a.Last == nil) != (b.Last == nil) || a.Last != nil && *a.Last != *b.Last {
		return false
	}
	return a.ModuleKey == b.ModuleKey && a.Facets() == b.Facets() && a.Identity == b.Identity && a.Origin == b.Origin &&
		a.Confidence == b.Confidence && a.First.Equal(b.First) && a.Changed.Equal(b.Changed)
}

// beats settles heartbeats: the newest counts, and it may show that a report is missing.
func (s *settler) beats(g *store.Gateway, items []*item) *store.Beat {
	slices.SortStableFunc(items, func(a, b *item) int {
		return cmp.Or(cmp.Compare(a.beat.Boot, b.beat.Boot), cmp.Compare(a.beat.Seq, b.beat.Seq))
	})
	var newest *item
	for _, it := range items {
		switch {
		case g == nil:
			it.outcome.Verdict = New // believed, but of findings that are not here
		case it.beat.Order == g.Beat || newest != nil && it.beat.Order == newest.beat.Order:
			it.outcome.Verdict = Same
			continue
		case it.beat.Order.Before(g.Beat) || it.beat.Order.Before(g.Order):
			it.outcome.Verdict = Older
			continue
		}
		newest = it
	}
	if newest == nil {
		return nil
	}
	if g == nil || newest.beat.Digest != g.Digest {
		s.ask = append(s.ask, want{newest.gateway, newest.beat.Digest, newest.beat.Order})
	}
	if g == nil {
		return nil
	}
	if g.Silent && s.known[g.ID] == g {
		s.out.Events = append(s.out.Events, store.Event{Kind: store.GatewayBack, Gateway: g.ID, At: newest.received.UTC()})
	}
	h := newest.beat
	return &store.Beat{Gateway: g.ID, Order: h.Order, Seen: later(g.Seen, newest.received.UTC()), Clock: h.Time.UTC(),
		ClockSynced: h.ClockSynced, Health: cleanHealth(h.Health)}
}
