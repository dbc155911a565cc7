package sqlstore

import (
	"maps"
	"slices"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// statements are those that Put runs. They are made once for a store.
type statements struct {
	gateways, gateway, moved, beat, added, modules, module, cohorts, reports, evidence, events, pinned, keys, rejected, marks,
	kinds, verdicts, opened, findings, closed, gone, dropped, waiting, search, indexed bulk
}

// moduleSpec has the columns in the order of moduleArgs.
const moduleSpec = "gateway id cohort# imei hardware confidence. last_known first_seen# changed# facts duplicate#"

const findingSpec = "gateway module kind# verdict# opened# report"

// gatewaySpec has the columns in the order of gatewayArgs.
const gatewaySpec = "id hostname labels agent os arch boot# seq# report digest reason clock# clock_synced# truncated# " +
	"beat_boot# beat_seq# report_key first_seen# changed# last_seen# modules# silent# health conflict judged policy found# cleared_boot# cleared_seq#"

func newStatements() statements {
	s := statements{
		gateways: insertion("gateways", gatewaySpec, ""),
		gateway:  change("gateways", gatewaySpec, 1),
		moved: change("gateways", "id boot# seq# report digest reason clock# clock_synced# truncated# beat_boot# beat_seq# "+
			"changed# last_seen# modules# health judged policy found#", 1),
		beat:    change("gateways", "id beat_boot# beat_seq# last_seen# clock# clock_synced# health silent#", 1),
		module:  change("modules", "gateway id cohort# hardware confidence. last_known first_seen# changed# facts", 2),
		added:   insertion("modules", moduleSpec, ""),
		modules: insertion("modules", moduleSpec, "gateway id"),
		cohorts: insertion("cohorts", "no# state maker maker_name badge model variant firmware chipset technology "+
			"country parent_country unconfirmed# conflicted# possible seems worst modules#", ""),
		reports:  insertion("reports", "gateway boot# seq# id received# clock# clock_synced# reason digest report_key", ""),
		evidence: insertion("evidence", "gateway digest report report_key signature! body!", "-"),
		events:   insertion("events", "kind gateway module at# boot# seq# report was became words finding", ""),
		pinned:   insertion("keys", "gateway report_key state first_seen#", "-"),
		keys:     insertion("keys", "gateway report_key state first_seen#", "gateway report_key"),
		rejected: insertion("rejected", "received# sequence# subject gateway report_key reason words size# body!", "-"),
		marks:    insertion("marks", "name n#", ""),
		kinds:    insertion("finding_kinds", "no# rule list severity covered# modules# gateways#", ""),
		verdicts: insertion("verdicts", "no# kind# edition words source since# failed# exception owner until# uses#", ""),
		opened:   insertion("findings", findingSpec, ""),
		findings: insertion("findings", findingSpec, "gateway module kind"),
		closed:   deletion("findings", "gateway module kind#"),
		gone:     deletion("modules", "gateway id"),
		dropped:  deletion("events", "no#"),
		waiting:  insertion("search_waiting", "gateway", ""),
		search:   insertion("search", "gateway no# words", "gateway"),
		indexed:  deletion("search_waiting", "no#"),
	}
	s.kinds.tail = " ON CONFLICT (no) DO UPDATE SET modules = finding_kinds.modules + excluded.modules, gateways = finding_kinds.gateways + excluded.gateways"
	s.verdicts.tail = " ON CONFLICT (no) DO UPDATE SET uses = verdicts.uses + excluded.uses"
	s.cohorts.tail = " ON CONFLICT (no) DO UPDATE SET modules = cohorts.modules + excluded.modules"
	s.marks.tail = " ON CONFLICT (name) DO UPDATE SET n = marks.n + excluded.n"
	return s
}

// Put implements [store.Tx].
func (t *tx) Put(b *store.Batch) error {
	if t.put {
		return errTwice
	}
	if t.brief && len(b.Gateways) > 0 {
		return errBrief
	}
	t.put = true
	steps := []func(*store.Batch) error{t.putGateways, t.putBeats, t.putModules, t.putFindings, t.putReports, t.putKeys,
		t.putCounts, t.putEvents, t.putRejected}
	for _, step := range steps {
		if err := step(b); err != nil {
			return t.w.s.fail("store", err)
		}
	}
	return nil
}

func (t *tx) putGateways(b *store.Batch) error {
	var added, known, moved, waiting []*store.Gateway
	for i := range b.Gateways {
		g := &b.Gateways[i]
		switch was := t.stored[g.ID]; {
		case was == nil:
			added = append(added, g)
		case samePlace(was, g):
			moved = append(moved, g)
		default:
			known = append(known, g)
			if refound(was, g) {
				waiting = append(waiting, g)
			}
		}
	}
	if err := t.putWaiting(append(waiting, added...)); err != nil {
		return err
	}
	if err := t.run(&t.w.s.st.moved, len(moved), func(i int) []any { return movedArgs(moved[i]) }); err != nil {
		return err
	}
	if err := t.run(&t.w.s.st.gateway, len(known), func(i int) []any { return gatewayArgs(known[i]) }); err != nil || len(added) == 0 {
		return err
	}
	if err := t.run(&t.w.s.st.gateways, len(added), func(i int) []any { return gatewayArgs(added[i]) }); err != nil {
		return err
	}
	t.counts = append(t.counts, func() error {
		return t.run(&t.w.s.st.marks, 1, func(int) []any { return []any{markGateways, int64(len(added))} })
	})
	return nil
}

// putCounts comes late: all who store change the same few counts, and wait for each other from
// there on until they end.
func (t *tx) putCounts(*store.Batch) error {
	for _, count := range t.counts {
		if err := count(); err != nil {
			return err
		}
	}
	return nil
}

// samePlace says whether a report, or what follows from it, is all that differs.
func samePlace(a, b *store.Gateway) bool {
	return a.Hostname == b.Hostname && maps.Equal(a.Labels, b.Labels) && a.Agent == b.Agent && a.OS == b.OS && a.Arch == b.Arch && a.Key == b.Key &&
		a.First.Equal(b.First) && a.Silent == b.Silent && a.Conflict == b.Conflict && a.Cleared == b.Cleared
}

func movedArgs(g *store.Gateway) []any {
	return []any{g.ID, int64(g.Boot), int64(g.Seq), g.Report, g.Digest, string(g.Reason), micros(g.Clock), number(g.ClockSynced), number(g.Truncated),
		int64(g.Beat.Boot), int64(g.Beat.Seq), micros(g.Changed), micros(g.Seen), int64(g.Modules), text(g.Health, len(g.Health) == 0), g.Data, g.Policy, g.Found}
}

func (t *tx) putBeats(b *store.Batch) error {
	return t.run(&t.w.s.st.beat, len(b.Beats), func(i int) []any {
		h := &b.Beats[i]
		return []any{h.Gateway, int64(h.Order.Boot), int64(h.Order.Seq), micros(h.Seen), micros(h.Clock), number(h.ClockSynced),
			text(h.Health, len(h.Health) == 0), int64(0)}
	})
}

// putModules keeps the cohorts' counts in step with the modules.
func (t *tx) putModules(b *store.Batch) error {
	if len(b.Modules)+len(b.Gone) == 0 {
		return nil
	}
	if err := t.loadMissing(b); err != nil {
		return err
	}
	deltas := map[store.Facets]int{}
	for _, k := range b.Gone {
		if s, ok := t.cohorts[k.Gateway][k.ID]; ok {
			deltas[s.Facets]--
			delete(t.cohorts[k.Gateway], k.ID)
		}
	}
	var added, known, others []*store.Module
	for i := range b.Modules {
		m := &b.Modules[i]
		s, ok := t.cohorts[m.Gateway][m.ID]
		if ok {
			deltas[s.Facets]--
		}
		switch {
		case !ok:
			added = append(added, m)
		case s.imei == m.Identity.IMEI && s.duplicate == m.Duplicate:
			known = append(known, m)
		default:
			others = append(others, m)
		}
		t.cohorts[m.Gateway][m.ID] = standing(m)
		deltas[m.Facets()]++
	}
	t.counts = append(t.counts, func() error { return t.putCohorts(deltas) })
	if err := t.run(&t.w.s.st.gone, len(b.Gone), func(i int) []any { return []any{b.Gone[i].Gateway, b.Gone[i].ID} }); err != nil {
		return err
	}
	if err := t.run(&t.w.s.st.module, len(known), func(i int) []any { return knownModuleArgs(known[i]) }); err != nil {
		return err
	}
	if err := t.run(&t.w.s.st.modules, len(others), func(i int) []any { return wholeModuleArgs(others[i]) }); err != nil {
		return err
	}
	return t.run(&t.w.s.st.added, len(added), func(i int) []any { return wholeModuleArgs(added[i]) })
}

func wholeModuleArgs(m *store.Module) []any {
	f := m.Facets()
	return moduleArgs(m, f.Number())
}

// stands is what counts and indexes know of a stored module.
type stands struct {
	store.Facets
	imei      string
	duplicate bool
}

func standing(m *store.Module) stands { return stands{m.Facets(), m.Identity.IMEI, m.Duplicate} }

func knownModuleArgs(m *store.Module) []any {
	all := wholeModuleArgs(m) // in the order of the insertion, which has imei and duplicate too
	return append(all[:3:3], all[4:10]...)
}

// loadMissing learns where the modules stand that nobody asked for: of a gateway that is
// new nothing stands anywhere.
func (t *tx) loadMissing(b *store.Batch) error {
	var missing []string
	look := func(g string) {
		if t.cohorts[g] != nil {
			return
		}
		t.cohorts[g] = map[string]stands{}
		if t.known[g] != nil {
			missing = append(missing, g)
		}
	}
	for i := range b.Modules {
		look(b.Modules[i].Gateway)
	}
	for _, k := range b.Gone {
		look(k.Gateway)
	}
	_, err := t.Modules(missing)
	return err
}

func (t *tx) putCohorts(deltas map[store.Facets]int) error {
	type change struct {
		no int64
		f  store.Facets
		n  int
	}
	var changes []change
	for f, n := range deltas {
		if n != 0 {
			changes = append(changes, change{f.Number(), f, n})
		}
	}
	// Always in one order, so that two collectors never wait for each other.
	slices.SortFunc(changes, func(a, b change) int {
		if a.no < b.no {
			return -1
		}
		return 1
	})
	return t.run(&t.w.s.st.cohorts, len(changes), func(i int) []any { return cohortArgs(changes[i].no, &changes[i].f, changes[i].n) })
}

func (t *tx) putReports(b *store.Batch) error {
	err := t.run(&t.w.s.st.reports, len(b.Reports), func(i int) []any {
		r := &b.Reports[i]
		return []any{r.Gateway, int64(r.Boot), int64(r.Seq), r.ID, micros(r.Received), micros(r.Clock), number(r.ClockSynced), string(r.Reason), r.Digest, r.Key}
	})
	if err != nil {
		return err
	}
	return t.run(&t.w.s.st.evidence, len(b.Evidence), func(i int) []any {
		e := &b.Evidence[i]
		packed := e.Packed
		if packed == nil {
			packed = t.w.s.packer.Pack(e.Body)
		}
		return []any{e.Gateway, e.Digest, e.Report, e.Key, nonNil(e.Signature), packed}
	})
}

func (t *tx) putEvents(b *store.Batch) error {
	if ordered := t.w.s.d.Ordered; ordered != "" && len(b.Events) > 0 {
		if err := t.w.later(t.ctx, ordered); err != nil {
			return err
		}
	}
	if err := t.run(&t.w.s.st.dropped, len(b.Drop), func(i int) []any { return []any{b.Drop[i]} }); err != nil {
		return err
	}
	return t.run(&t.w.s.st.events, len(b.Events), func(i int) []any { return eventArgs(&b.Events[i]) })
}

func (t *tx) putKeys(b *store.Batch) error {
	var pinned, others []*store.Key
	for i := range b.Keys {
		if k := &b.Keys[i]; k.State == store.KeyPinned { // what a person recorded stands above it
			pinned = append(pinned, k)
		} else {
			others = append(others, k)
		}
	}
	if err := t.run(&t.w.s.st.pinned, len(pinned), func(i int) []any { return keyArgs(pinned[i]) }); err != nil {
		return err
	}
	return t.run(&t.w.s.st.keys, len(others), func(i int) []any { return keyArgs(others[i]) })
}

func keyArgs(k *store.Key) []any {
	return []any{k.Gateway, k.Key, string(k.State), micros(k.First)}
}

func (t *tx) putRejected(b *store.Batch) error {
	return t.run(&t.w.s.st.rejected, len(b.Rejected), func(i int) []any {
		r := &b.Rejected[i]
		return []any{micros(r.Received), int64(r.Sequence), r.Subject, r.Gateway, r.Key, r.Reason, r.Text, int64(r.Size), nonNil(r.Body)}
	})
}

func nonNil(b []byte) []byte {
	if b == nil {
		return []byte{}
	}
	return b
}
