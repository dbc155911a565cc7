package collector

import (
	"cmp"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// settler decides what a batch of messages changes, inside one Update.
type settler struct {
	tx    store.Tx
	by    *judge.Known
	keys  *keyring
	known map[string]*store.Gateway
	now   map[string][]store.Module // of gateways whose modules may change
	// findings are those of the same gateways.
	findings map[string][]store.Finding
	// ready are newest reports that were read already, by gateway.
	ready map[string]*received
	// imeis are those that came or went, which others may report too.
	imeis []string
	out   store.Batch
	// dropped are events that turned out to be others, by kind.
	dropped map[store.EventKind]int
	at      time.Time // of what no report causes
	// shared says for which gateways of this batch a key was pinned that is also another's.
	shared map[string]string
	// recorded and users are the keys of gateways, and the gateways of keys, where the gateway's row does not tell.
	recorded map[string][]store.Key
	users    map[string][]string
	// claimed are claims by wrong keys that this batch tells of.
	claimed []string
	// ask lists gateways whose findings are not known here.
	ask []want
}

func (c *collector) settler(tx store.Tx, known map[string]*store.Gateway) *settler {
	return &settler{tx: tx, by: c.know.Now(), keys: c.keys, known: known, shared: map[string]string{}, findings: map[string][]store.Finding{},
		dropped: map[store.EventKind]int{}, at: c.s.Now().UTC().Truncate(time.Microsecond)}
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
	if err := s.loadKeys(ids, groups); err != nil {
		return nil, err
	}
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
	return s.load(need)
}

// load fetches modules and findings of gateways that are known.
func (s *settler) load(need []string) (err error) {
	if s.now, err = s.tx.Modules(need); err != nil {
		return err
	}
	var found []string
	for _, id := range need {
		if s.now[id] == nil {
			s.now[id] = []store.Module{}
		}
		if g := s.known[id]; g != nil && g.Found != 0 {
			found = append(found, id)
		}
	}
	s.findings, err = s.tx.Findings(found)
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
	var reports, beats []*item
	for _, it := range items {
		switch {
		case !s.allow(it):
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
		if g == nil {
			beats = s.beforeAll(beats, reports)
		} else {
			lastWord(g, next)
		}
		g = next
	}
	beat := s.beats(g, beats)
	switch {
	case next == nil && beat != nil && g.Silent:
		return s.back(g, beat)
	case next != nil:
		if beat != nil {
			next.Beat, next.Health, next.Seen = beat.Order, beat.Health, later(next.Seen, beat.Seen)
			next.Clock, next.ClockSynced = beat.Clock, beat.ClockSynced
		}
		s.out.Gateways = append(s.out.Gateways, *next)
	case beat != nil:
		s.out.Beats = append(s.out.Beats, *beat)
	}
	return nil
}

// lastWord lets stand what the newest heartbeat said of clock and health, where it does not stand
// before the newest report; else that heartbeat counts no more. So it is the order of both that
// decides, and not which of them came together.
func lastWord(g, next *store.Gateway) {
	if g.Beat.Before(next.Order) {
		next.Beat = inventory.Order{}
		return
	}
	next.Clock, next.ClockSynced, next.Health = g.Clock, g.ClockSynced, g.Health
}

// beforeAll settles heartbeats that the broker took before the first report of their gateway, as
// had they come alone, and gives the others.
func (s *settler) beforeAll(beats, reports []*item) (others []*item) {
	first := slices.MinFunc(reports, func(a, b *item) int { return cmp.Compare(a.sequence, b.sequence) })
	var alone []*item
	for _, it := range beats {
		if it.sequence < first.sequence {
			alone = append(alone, it)
		} else {
			others = append(others, it)
		}
	}
	s.beats(nil, alone)
	return others
}

// back judges a gateway that was silent and is heard again.
func (s *settler) back(g *store.Gateway, beat *store.Beat) error {
	next := *g
	next.Silent, next.Seen, next.Clock, next.ClockSynced = false, beat.Seen, beat.Clock, beat.ClockSynced
	next.Beat, next.Health = beat.Order, beat.Health
	return s.again(g, &next)
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
	c := &course{s: s, g: g}
	for _, it := range items {
		it.outcome.Verdict = New
		if err := c.report(it.report); err != nil {
			return nil, err
		}
	}
	return &c.next, c.end()
}

// course is one gateway on its way through reports that are all newer than what is known.
type course struct {
	s    *settler
	g    *store.Gateway // as it is stored; nil: it is new
	next store.Gateway  // after the reports so far
	// modules and found are those after the reports so far, once they were loaded.
	loaded  bool
	modules []store.Module
	found   []store.Finding
	full    map[string]*inventory.Module
	judged  time.Time // zero: nothing had to be judged
}

// report moves on by one report.
func (c *course) report(r *received) error {
	s, was := c.s, c.next
	begun := was.ID != ""
	if !begun && c.g != nil {
		was = *c.g
	}
	isNew := c.g == nil && !begun
	c.next = r.gateway(s.by.Base.Version())
	c.carry(&was, isNew, r)
	s.out.Reports = append(s.out.Reports, r.row)
	if !isNew && r.digest == was.Digest && !was.Silent && sameGateway(&was.Gateway, &c.next.Gateway) {
		return nil
	}
	if err := c.load(); err != nil {
		return err
	}
	var events []store.Event
	if isNew || r.digest != was.Digest {
		events = c.move(r, isNew)
	}
	c.find(r, isNew, events)
	return nil
}

// carry keeps what a new report does not change of a gateway.
func (c *course) carry(was *store.Gateway, isNew bool, r *received) {
	if isNew {
		c.next.First, c.next.Conflict = r.row.Received, c.s.shared[c.next.ID]
		return
	}
	n := &c.next
	n.First, n.Beat, n.Conflict, n.Cleared = was.First, was.Beat, was.Conflict, was.Cleared
	n.Data, n.Policy, n.Found, n.Seen = was.Data, was.Policy, was.Found, later(n.Seen, was.Seen)
	if r.digest == was.Digest {
		n.Changed = was.Changed
	}
	if was.Silent {
		c.s.out.Events = append(c.s.out.Events, store.Event{Kind: store.GatewayBack, Gateway: was.ID, At: r.row.Received})
	}
}

// load gets what is stored, as present knowledge and policy have it.
func (c *course) load() (err error) {
	if c.loaded || c.g == nil {
		return nil
	}
	c.loaded = true
	c.modules, c.found, c.full, err = c.s.current(c.g)
	c.next.Data = c.s.by.Base.Version()
	return err
}

// move takes the modules on, and keeps the evidence.
func (c *course) move(r *received, isNew bool) (events []store.Event) {
	c.s.judged(r)
	c.s.out.Evidence = append(c.s.out.Evidence, r.evidence())
	if isNew {
		c.modules, events = first(r)
	} else {
		c.modules, events = step(c.modules, r)
	}
	c.next.Modules, c.full = len(c.modules), r.full
	return events
}

// find judges what the report found, as of its time.
func (c *course) find(r *received, isNew bool, events []store.Event) {
	s := c.s
	c.judged = r.row.Received
	is := s.by.Find(&c.next, c.modules, c.full, c.judged)
	now, told := follow(c.next.ID, rehome(c.found, events), is, byReport(&r.row))
	if isNew {
		tellWorst(&events[0], now)
		told = nil
	}
	c.found = now
	s.out.Events = append(append(s.out.Events, events...), told...)
}

// end stores what differs from before.
func (c *course) end() error {
	if c.judged.IsZero() {
		return nil
	}
	found, at := c.s.present(&c.next, c.modules, c.full, c.found, c.judged)
	c.s.keep(&c.next, c.modules, found, at)
	return c.s.store(c.next.ID, c.modules)
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
		old := was[m.ID]
		if old == nil || !equal(old, m) {
			s.out.Modules = append(s.out.Modules, *m)
		}
		if old == nil || old.Identity.IMEI != m.Identity.IMEI {
			s.imei(m.Identity.IMEI)
			if old != nil && old.Duplicate {
				s.imei(old.Identity.IMEI)
			}
		}
		delete(was, m.ID)
	}
	for _, gone := range slices.Sorted(maps.Keys(was)) {
		if was[gone].Duplicate {
			s.imei(was[gone].Identity.IMEI)
		}
		s.out.Gone = append(s.out.Gone, store.ModuleKey{Gateway: id, ID: gone})
	}
	return nil
}

// imei notes one that came or went.
func (s *settler) imei(imei string) {
	if judge.Unique(imei) {
		s.imeis = append(s.imeis, strings.Clone(imei)) // it outlasts the batch, and would hold a whole report
	}
}

func equal(a, b *store.Module) bool {
	if (a.Last == nil) != (b.Last == nil) || a.Last != nil && *a.Last != *b.Last {
		return false
	}
	return a.ModuleKey == b.ModuleKey && a.Facets() == b.Facets() && a.Identity == b.Identity && a.Origin == b.Origin &&
		a.Confidence == b.Confidence && a.First.Equal(b.First) && a.Changed.Equal(b.Changed) && a.Duplicate == b.Duplicate && equalFacts(&a.Facts, &b.Facts)
}

func equalFacts(a, b *store.Facts) bool {
	return a.Reason == b.Reason && slices.Equal(a.Parts, b.Parts) && slices.EqualFunc(a.Conflicts, b.Conflicts, func(a, b inventory.Conflict) bool {
		return a.Claim == b.Claim && a.Why == b.Why && slices.Equal(a.Values, b.Values)
	})
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
