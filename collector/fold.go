package collector

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// step takes one gateway from its modules before a report to those after it, and says what
// changed. It is the only place where the state of modules moves on, and a pure function:
// intake applies it to each new report, and to all of a gateway's reports from the first
// where one came late. before and after are sorted by ID.
func step(before []store.Module, r *received) (after []store.Module, events []store.Event) {
	s := stepper{r: r, before: map[string]*store.Module{}, byIMEI: map[string]*store.Module{}}
	now := map[string]bool{}
	for i := range r.judged {
		now[r.judged[i].ID] = true
	}
	for i := range before {
		m := &before[i]
		s.before[m.ID] = m
		if imei := lastIMEI(m); judge.Unique(imei) && !now[m.ID] {
			s.byIMEI[imei] = m
		}
	}
	for i := range r.judged {
		after = append(after, s.arrive(r.judged[i]))
	}
	slices.SortFunc(after, func(a, b store.Module) int { return cmp.Compare(a.ID, b.ID) })
	for i := range before {
		if m := &before[i]; !now[m.ID] && !s.moved[m.ID] {
			s.event(store.ModuleRemoved, m.ID, m, nil, "")
		}
	}
	return after, s.events
}

// first takes a gateway from nothing to its first report. One event tells of it, however
// many modules it has.
func first(r *received) ([]store.Module, []store.Event) {
	after, _ := step(nil, r)
	e := event(r, store.GatewayNew)
	e.Text = describe(after)
	return after, []store.Event{e}
}

type stepper struct {
	r      *received
	before map[string]*store.Module
	byIMEI map[string]*store.Module // of places that are empty now
	moved  map[string]bool
	events []store.Event
}

func event(r *received, kind store.EventKind) store.Event {
	return store.Event{Kind: kind, Gateway: r.row.Gateway, At: r.row.Received, Order: r.row.Order, Report: r.row.ID}
}

func (s *stepper) event(kind store.EventKind, id string, from, to *store.Module, text string) {
	e := event(s.r, kind)
	e.Module, e.Text = id, text
	if from != nil {
		e.From = known(from).Brief()
	}
	if to != nil {
		e.To = to.Brief()
	}
	s.events = append(s.events, e)
}

// known gives m with what it last told where it tells less now.
func known(m *store.Module) *store.Module {
	if m.Last == nil {
		return m
	}
	k := *m
	k.Identity, k.Origin = m.Last.Identity, m.Last.Origin
	return &k
}

func lastIMEI(m *store.Module) string { return known(m).Identity.IMEI }

// arrive places one reported module.
func (s *stepper) arrive(m store.Module) store.Module {
	m.First, m.Changed = s.r.row.Received, s.r.row.Received
	was, here := s.before[m.ID]
	if !here {
		if was, moved := s.byIMEI[m.Identity.IMEI]; moved && judge.Unique(m.Identity.IMEI) {
			if s.moved == nil {
				s.moved = map[string]bool{}
			}
			s.moved[was.ID] = true
			m.First = was.First
			s.event(store.ModuleMoved, m.ID, was, &m, "")
			s.compare(was, &m)
			return m
		}
		s.event(store.ModuleAdded, m.ID, nil, &m, "")
		return m
	}
	m.First = was.First
	s.compare(was, &m)
	return m
}

// compare tells what changed in one module, and carries on what it no longer tells.
func (s *stepper) compare(was, m *store.Module) {
	before := len(s.events)
	m.Worst = was.Worst // until it is judged
	m.Duplicate = was.Duplicate && was.Identity.IMEI == m.Identity.IMEI
	if old := known(was); !s.compareIdentity(old, m) {
		if full := merge(m.Identity, old.Identity); full != m.Identity {
			m.Last = &store.Last{Identity: full, Origin: old.Origin, Until: s.r.row.Received}
			if was.Last != nil {
				m.Last.Until = was.Last.Until
			}
		}
	}
	if was.State != m.State {
		s.event(store.StateChanged, m.ID, was, m, "")
	}
	if was.Conflicted != m.Conflicted {
		kind := store.IdentityAgreed
		if m.Conflicted {
			kind = store.IdentityClash
		}
		s.event(kind, m.ID, was, m, "")
	}
	if len(s.events) == before && was.Facets() == m.Facets() && was.Identity == m.Identity {
		m.Changed = was.Changed
	}
}

// told says whether the module said who it is, rather than its descriptor alone, which
// knows families and not members.
func told(m *store.Module) bool {
	return m.State == inventory.StateIdentified || m.Identity.Firmware != "" || m.Identity.IMEI != ""
}

// merge fills what a lacks from b.
func merge(a, b inventory.Identity) inventory.Identity {
	return inventory.Identity{
		Maker: cmp.Or(a.Maker, b.Maker), MakerName: cmp.Or(a.MakerName, b.MakerName), Badge: cmp.Or(a.Badge, b.Badge),
		Model: cmp.Or(a.Model, b.Model), Variant: cmp.Or(a.Variant, b.Variant), Firmware: cmp.Or(a.Firmware, b.Firmware),
		Hardware: cmp.Or(a.Hardware, b.Hardware), IMEI: cmp.Or(a.IMEI, b.IMEI), Chipset: cmp.Or(a.Chipset, b.Chipset),
		Technology: cmp.Or(a.Technology, b.Technology),
	}
}

// compareIdentity names the change that explains the others: a swap is not three changes.
// It says whether m is another thing than old was.
func (s *stepper) compareIdentity(old, m *store.Module) (other bool) {
	a, b := old.Identity, m.Identity
	both := told(old) && told(m)
	model := differ(a.Maker, b.Maker) || both && differ(a.Model, b.Model)
	imei := both && differ(a.IMEI, b.IMEI)
	switch {
	case imei && model:
		s.event(store.ModuleSwapped, m.ID, old, m, "")
	case imei:
		s.event(store.IMEIChanged, m.ID, old, m, "")
	case model:
		s.event(store.ModelChanged, m.ID, old, m, "")
	}
	if both && !model && differ(a.Firmware, b.Firmware) {
		s.event(store.FirmwareChanged, m.ID, old, m, "")
	}
	return imei || model
}

// differ: what was not known before, or is not known now, is no change of the thing itself.
func differ(a, b string) bool { return a != "" && b != "" && a != b }

// describe says in a few words which modules a gateway has.
func describe(ms []store.Module) string {
	if len(ms) == 0 {
		return "no cellular module"
	}
	var names []string
	for i := range ms {
		if i == 3 && len(ms) > 4 {
			names = append(names, "and more")
			break
		}
		n := strings.TrimSpace(ms[i].Identity.MakerName + " " + ms[i].Identity.Model)
		names = append(names, cmp.Or(n, "a module that is "+string(ms[i].State)))
	}
	return printable(strings.Join(names, ", "), 200)
}
