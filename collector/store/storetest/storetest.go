package storetest

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Run holds the implementation that open gives to the contract of [store.Store].
func Run(t *testing.T, open func(*testing.T) store.Store) {
	for _, c := range []struct {
		name string
		test func(*testing.T, store.Store)
	}{
		{"KeepsGateways", keepsGateways},
		{"UpdatesBriefly", updatesBriefly},
		{"KeepsModules", keepsModules},
		{"AllOrNothing", allOrNothing},
		{"SurvivesPanic", survivesPanic},
		{"CountsCohorts", countsCohorts},
		{"Beats", beats},
		{"ReportsAndEvidence", reportsAndEvidence},
		{"Events", events},
		{"Keys", keys},
		{"RejectedOnce", rejectedOnce},
		{"Figures", figures},
		{"Prune", prune},
		{"PruneHistory", pruneHistory},
		{"Doubles", doubles},
		{"Quiet", quiet},
		{"Stale", stale},
		{"HostileText", hostileText},
		{"ModulesEveryWay", modulesEveryWay},
		{"GatewaysEveryWay", gatewaysEveryWay},
		{"BadCursors", badCursors},
		{"KeepsFindings", keepsFindings},
		{"CountsFindings", countsFindings},
		{"FindingsAllOrNothing", findingsAllOrNothing},
		{"FindingsEveryWay", findingsEveryWay},
		{"FindingCursors", findingCursors},
		{"HostileFindings", hostileFindings},
		{"ModulesBySeverity", modulesBySeverity},
		{"SearchWords", searchWords},
		{"HostileQueries", hostileQueries},
		{"OddQuestions", oddQuestions},
		{"IndexWaits", indexWaits},
	} {
		t.Run(c.name, func(t *testing.T) { c.test(t, open(t)) })
	}
}

var empty = cmpopts.EquateEmpty()

func same(t *testing.T, what string, got, want any) {
	t.Helper()
	if d := cmp.Diff(want, got, empty); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

func keepsGateways(t *testing.T, s store.Store) {
	if _, err := s.Gateway(t.Context(), "gw-1"); !errors.Is(err, store.ErrNotFound) {
		t.Fatalf("a gateway that is not there: %v", err)
	}
	g := Gateway("gw-1", 1)
	g.Conflict, g.Truncated = "two reports claim one place", true
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{g}})
	got, err := s.Gateway(t.Context(), "gw-1")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "as stored", got, g)
	g.Order.Seq, g.Conflict, g.Health, g.Labels = 2, "", nil, nil
	err = s.Update(t.Context(), []string{"gw-1", "gw-2"}, func(tx store.Tx, known map[string]*store.Gateway) error {
		if known["gw-1"] == nil || known["gw-2"] != nil {
			t.Errorf("known is %v", known)
		}
		return tx.Put(&store.Batch{Gateways: []store.Gateway{g}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if got, err = s.Gateway(t.Context(), "gw-1"); err != nil {
		t.Fatal(err)
	}
	same(t, "as changed", got, g)
}

// updatesBriefly: heartbeats leave what was not loaded for them as it is.
func updatesBriefly(t *testing.T, s store.Store) {
	g := Gateway("gw-1", 1)
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{g}})
	beat := store.Beat{Gateway: "gw-1", Order: inventory.Order{Boot: 1, Seq: 9}, Seen: g.Seen.Add(time.Hour), Clock: g.Clock.Add(time.Hour), ClockSynced: true}
	err := s.UpdateBriefly(t.Context(), []string{"gw-1", "gw-2"}, func(tx store.Tx, known map[string]*store.Gateway) error {
		same(t, "known of it", known, map[string]*store.Gateway{"gw-1": {Gateway: inventory.Gateway{ID: "gw-1"}, Order: g.Order, Digest: g.Digest,
			Beat: g.Beat, Key: g.Key, Seen: g.Seen, Silent: g.Silent}})
		return tx.Put(&store.Batch{Beats: []store.Beat{beat}})
	})
	if err != nil {
		t.Fatal(err)
	}
	err = s.UpdateBriefly(t.Context(), []string{"gw-1"}, func(tx store.Tx, known map[string]*store.Gateway) error {
		return tx.Put(&store.Batch{Gateways: []store.Gateway{*known["gw-1"]}})
	})
	if err == nil {
		t.Error("a row of which only a part was loaded was put in the place of the whole one")
	}
	got, err := s.Gateway(t.Context(), "gw-1")
	if err != nil {
		t.Fatal(err)
	}
	g.Beat, g.Seen, g.Clock, g.ClockSynced, g.Health = beat.Order, beat.Seen, beat.Clock, beat.ClockSynced, nil
	same(t, "after a heartbeat", got, g)
}

func keepsModules(t *testing.T, s store.Store) {
	m := Module("gw-1", "usb:1-1", "alpha", "CN", "A25", "A25R01", "867012040000009")
	m.Identity.Badge, m.Identity.Variant, m.Identity.Hardware, m.Identity.Chipset = "omega", "E", "R1", "X1"
	m.Possible, m.Seems, m.Conflicted, m.Origin.Unconfirmed = []string{"alpha", "beta"}, "a GNSS receiver", true, true
	m.Last = &store.Last{Identity: m.Identity, Origin: m.Origin, Until: Start}
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 1)}, Modules: []store.Module{m}})
	got, err := s.Module(t.Context(), m.ModuleKey)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "module", got, m)
	if _, err := s.Module(t.Context(), store.ModuleKey{Gateway: "gw-1", ID: "usb:9"}); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a module that is not there: %v", err)
	}
	if k, err := s.SameIMEI(t.Context(), "867012040000009", 5); err != nil || len(k) != 1 || k[0] != m.ModuleKey {
		t.Errorf("same IMEI: %v, %v", k, err)
	}
	err = s.Update(t.Context(), []string{"gw-1"}, func(tx store.Tx, _ map[string]*store.Gateway) error {
		now, err := tx.Modules([]string{"gw-1", "gw-2"})
		if err != nil {
			return err
		}
		same(t, "modules in the update", now, map[string][]store.Module{"gw-1": {m}})
		return tx.Put(&store.Batch{Gone: []store.ModuleKey{m.ModuleKey}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Module(t.Context(), m.ModuleKey); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("a module that is gone: %v", err)
	}
}

func allOrNothing(t *testing.T, s store.Store) {
	stop := errors.New("stop")
	err := s.Update(t.Context(), []string{"gw-1"}, func(tx store.Tx, _ map[string]*store.Gateway) error {
		b := &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 1)}, Modules: []store.Module{Module("gw-1", "usb:1-1", "alpha", "CN", "A25", "R1", "")}}
		if err := tx.Put(b); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatalf("the function's error is %v", err)
	}
	nothing(t, s)
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 0)}}) // and it goes on
}

func nothing(t *testing.T, s store.Store) {
	t.Helper()
	f, err := s.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "figures of an empty store", f, store.Figures{})
}

func survivesPanic(t *testing.T, s store.Store) {
	err := s.Update(t.Context(), []string{"gw-1"}, func(tx store.Tx, _ map[string]*store.Gateway) error {
		if err := tx.Put(&store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 1)}}); err != nil {
			return err
		}
		panic("poison")
	})
	if err == nil || !strings.Contains(err.Error(), "poison") {
		t.Fatalf("after a panic: %v", err)
	}
	nothing(t, s)
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 0)}})
}

func countsCohorts(t *testing.T, s store.Store) {
	a := Module("gw-1", "usb:1-1", "alpha", "CN", "A25", "R1", "867012040000009")
	b := Module("gw-1", "usb:1-2", "alpha", "CN", "A25", "R1", "867012040000017")
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 2)}, Modules: []store.Module{a, b}})
	wantCohorts(t, s, "2 alpha A25 R1")
	a.Identity.Firmware = "R2"
	put(t, s, []string{"gw-1"}, &store.Batch{Modules: []store.Module{a}})
	wantCohorts(t, s, "1 alpha A25 R1", "1 alpha A25 R2")
	put(t, s, []string{"gw-1"}, &store.Batch{Modules: []store.Module{a}}) // the same again
	wantCohorts(t, s, "1 alpha A25 R1", "1 alpha A25 R2")
	put(t, s, []string{"gw-1"}, &store.Batch{Gone: []store.ModuleKey{b.ModuleKey, b.ModuleKey, {Gateway: "gw-1", ID: "never"}}})
	wantCohorts(t, s, "1 alpha A25 R2")
}

func wantCohorts(t *testing.T, s store.Store, want ...string) {
	t.Helper()
	cs, err := s.Cohorts(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range cs {
		got = append(got, fmt.Sprintf("%d %s %s %s", c.Modules, c.Maker, c.Model, c.Firmware))
	}
	same(t, "cohorts", got, want)
}

func beats(t *testing.T, s store.Store) {
	g := Gateway("gw-1", 0)
	g.Silent = true
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{g}})
	later := Start.Add(time.Hour)
	put(t, s, []string{"gw-1"}, &store.Batch{Beats: []store.Beat{{Gateway: "gw-1", Order: inventory.Order{Boot: 1, Seq: 9}, Seen: later, Clock: later.Add(time.Second)}}})
	got, err := s.Gateway(t.Context(), "gw-1")
	if err != nil {
		t.Fatal(err)
	}
	g.Beat, g.Seen, g.Clock, g.ClockSynced, g.Health, g.Silent = inventory.Order{Boot: 1, Seq: 9}, later, later.Add(time.Second), false, nil, false
	same(t, "after a heartbeat", got, g)
}

func reportsAndEvidence(t *testing.T, s store.Store) {
	var b store.Batch
	for i := range 5 {
		b.Reports = append(b.Reports, store.Report{Gateway: "gw-1", ID: fmt.Sprint("r", i), Order: inventory.Order{Boot: 1 + uint64(i/3), Seq: uint64(10 - i)},
			Received: Start, Clock: Start, Reason: inventory.ReasonChange, Digest: "d1", Key: "k"})
	}
	b.Evidence = []store.Evidence{
		{Gateway: "gw-1", Digest: "d1", Report: "r0", Body: []byte(strings.Repeat("body", 500)), Key: "k", Signature: []byte{1, 2}},
		{Gateway: "gw-1", Digest: "d1", Report: "r1", Body: []byte("another"), Key: "k", Signature: []byte{3}},
	}
	put(t, s, []string{"gw-1"}, &b)
	e, err := s.Evidence(t.Context(), "gw-1", "d1")
	if err != nil {
		t.Fatal(err)
	}
	same(t, "evidence, the first kept", e, b.Evidence[0])
	if _, err := s.Evidence(t.Context(), "gw-1", "d2"); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("evidence that is not there: %v", err)
	}
	var got []string
	page := store.Page{Limit: 2}
	for {
		l, err := s.Reports(t.Context(), "gw-1", page)
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range l.Items {
			got = append(got, r.ID)
		}
		if page.Cursor = l.Next; l.Next == "" {
			break
		}
	}
	same(t, "newest first", got, []string{"r3", "r4", "r0", "r1", "r2"})
	err = s.Update(t.Context(), []string{"gw-1"}, func(tx store.Tx, _ map[string]*store.Gateway) error {
		rs, err := tx.Reports("gw-1")
		if err != nil || len(rs) != 5 || rs[0].ID != "r2" || rs[4].ID != "r3" {
			t.Errorf("oldest first: %v, %v", rs, err)
		}
		e, err := tx.Evidence("gw-1", "d1")
		same(t, "evidence in the update", e, b.Evidence[0])
		if _, none := tx.Evidence("gw-1", "d2"); !errors.Is(none, store.ErrNotFound) {
			t.Errorf("evidence that is not there: %v", none)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
}

func events(t *testing.T, s store.Store) {
	var b store.Batch
	for i := range 7 {
		e := store.Event{Kind: store.FirmwareChanged, Gateway: "gw-1", Module: "usb:1-1", At: Start, Order: inventory.Order{Boot: 1, Seq: uint64(i)},
			Report: fmt.Sprint("r", i), From: &store.Brief{ID: "usb:1-1", Firmware: "R1"}, To: &store.Brief{ID: "usb:1-1", Firmware: "R2"}, Text: "words"}
		if i == 3 {
			e.Kind, e.Gateway, e.Module, e.Report, e.From, e.To = store.GatewaySilent, "gw-2", "", "", nil, nil
		}
		b.Events = append(b.Events, e)
	}
	put(t, s, nil, &b)
	all, err := s.EventsAfter(t.Context(), 0, 100)
	if err != nil || len(all) != 7 {
		t.Fatalf("events: %v, %v", all, err)
	}
	for i := range b.Events {
		b.Events[i].No = all[i].No
	}
	same(t, "events", all, b.Events)
	l, err := s.Events(t.Context(), store.EventFilter{Gateway: "gw-1", Module: "usb:1-1", Kind: []store.EventKind{store.FirmwareChanged, store.GatewayNew}}, store.Page{Limit: 4})
	if err != nil || len(l.Items) != 4 || l.Items[0].Report != "r6" || l.Next == "" {
		t.Fatalf("newest first: %v, %v", l, err)
	}
	l, err = s.Events(t.Context(), store.EventFilter{Gateway: "gw-1"}, store.Page{Limit: 4, Cursor: l.Next})
	if err != nil || len(l.Items) != 2 || l.Next != "" {
		t.Fatalf("the rest: %v, %v", l, err)
	}
	last := all[6].No
	put(t, s, nil, &store.Batch{Drop: []int64{last}})
	put(t, s, nil, &store.Batch{Events: []store.Event{{Kind: store.GatewayBack, Gateway: "gw-2", At: Start}}})
	if more, err := s.EventsAfter(t.Context(), last, 10); err != nil || len(more) != 1 {
		t.Errorf("a number was used twice: %v, %v", more, err)
	}
}

func keys(t *testing.T, s store.Store) {
	put(t, s, []string{"gw-1", "gw-2"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 0)}, Keys: []store.Key{
		{Gateway: "gw-1", Key: "key-gw-1", State: store.KeyPinned, First: Start}, {Gateway: "gw-2", Key: "key-gw-1", State: store.KeyEnrolled, First: Start}}})
	var many []store.Key
	for i := range 130 {
		many = append(many, store.Key{Gateway: fmt.Sprintf("gw-a%03d", i), Key: "key-many", State: store.KeyPinned, First: Start})
	}
	put(t, s, nil, &store.Batch{Keys: many})
	err := s.Update(t.Context(), nil, func(tx store.Tx, _ map[string]*store.Gateway) error {
		users, err := tx.KeyUsers([]string{"key-gw-1", "key-none", "key-many"})
		same(t, "users of the key", users["key-gw-1"], []string{"gw-1", "gw-2"})
		if len(users["key-many"]) != 100 || users["key-many"][0] != "gw-a000" || users["key-none"] != nil {
			t.Errorf("users of the keys: %v", users)
		}
		recorded, keysErr := tx.Keys([]string{"gw-1", "gw-2", "gw-3"})
		if len(recorded) != 2 || recorded["gw-2"][0].State != store.KeyEnrolled {
			t.Errorf("keys of the gateways: %v", recorded)
		}
		return errors.Join(err, keysErr)
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.PutKey(t.Context(), store.Key{Gateway: "gw-1", Key: "key-gw-1", State: store.KeyRevoked, First: Start}); err != nil {
		t.Fatal(err)
	}
	k, err := s.Keys(t.Context(), "gw-1")
	if err != nil || len(k) != 1 || k[0].State != store.KeyRevoked {
		t.Errorf("keys: %v, %v", k, err)
	}
	if g, err := s.Gateway(t.Context(), "gw-1"); err != nil || g.Key != "" {
		t.Errorf("a revoked key still speaks: %q, %v", g.Key, err)
	}
}

func rejectedOnce(t *testing.T, s store.Store) {
	r := store.Rejected{Received: Start, Sequence: 7, Subject: "rollcall.v1.report.gw-1", Gateway: "gw-1", Key: "k", Reason: "bad-signature", Text: "words", Size: 9, Body: []byte("{}")}
	put(t, s, nil, &store.Batch{Rejected: []store.Rejected{r}})
	put(t, s, nil, &store.Batch{Rejected: []store.Rejected{r}})
	l, err := s.Rejected(t.Context(), store.Page{})
	if err != nil || len(l.Items) != 1 {
		t.Fatalf("rejected: %v, %v", l, err)
	}
	r.No = l.Items[0].No
	same(t, "rejected", l.Items[0], r)
}

func figures(t *testing.T, s store.Store) {
	g := Gateway("gw-2", 0)
	g.Silent, g.Conflict = true, "cloned"
	m := Module("gw-1", "usb:1-1", "alpha", "CN", "A25", "R1", "")
	n := Module("gw-1", "usb:1-2", "", "", "", "", "")
	n.State, n.Conflicted = inventory.StateUnknown, true
	put(t, s, []string{"gw-1", "gw-2"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 2), g}, Modules: []store.Module{m, n},
		Rejected: []store.Rejected{{Received: Start, Sequence: 1}}})
	want := store.Figures{Gateways: 2, Silent: 1, Conflicts: 1, Modules: 2, Identified: 1, Conflicted: 1, Rejected: 1}
	got, err := s.Figures(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	same(t, "figures", got, want)
	if _, err := s.FiguresOn(t.Context(), Start); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("figures of a day without any: %v", err)
	}
	for range 2 {
		if err := s.RecordFigures(t.Context(), Start); err != nil {
			t.Fatal(err)
		}
	}
	if got, err = s.FiguresOn(t.Context(), Start.Add(time.Hour)); err != nil {
		t.Fatal(err)
	}
	same(t, "figures of the day", got, want)
	if n, err := s.Mark(t.Context(), "x"); n != 0 || err != nil {
		t.Errorf("mark: %d, %v", n, err)
	}
	for _, n := range []int64{5, 7} {
		if err := s.SetMark(t.Context(), "x", n); err != nil {
			t.Fatal(err)
		}
	}
	if n, err := s.Mark(t.Context(), "x"); n != 7 || err != nil {
		t.Errorf("mark: %d, %v", n, err)
	}
	one, err := s.Identity(t.Context())
	if err != nil || len(one) != 16 {
		t.Fatalf("identity: %q, %v", one, err)
	}
	if again, err := s.Identity(t.Context()); again != one || err != nil {
		t.Errorf("identity: %q and then %q, %v", one, again, err)
	}
}

func prune(t *testing.T, s store.Store) {
	var b store.Batch
	for i, digest := range []string{"a", "a", "a", "b", "b", "a", "a"} {
		b.Reports = append(b.Reports, store.Report{Gateway: "gw-1", ID: fmt.Sprint("r", i), Order: inventory.Order{Boot: 1, Seq: uint64(i)},
			Received: Start.Add(time.Duration(i) * time.Hour), Digest: digest})
	}
	clone := b.Reports[1]
	clone.ID = "r1-other"
	b.Reports = append(b.Reports, clone)
	for i := range 5 {
		b.Rejected = append(b.Rejected, store.Rejected{Received: Start, Sequence: uint64(i)})
	}
	b.Gateways = []store.Gateway{Gateway("gw-1", 0)}
	put(t, s, []string{"gw-1"}, &b)
	if _, err := s.Prune(t.Context(), store.Forget{Unchanged: Start.Add(24 * time.Hour), Rejected: 2}); err != nil {
		t.Fatal(err)
	}
	l, err := s.Reports(t.Context(), "gw-1", store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, r := range l.Items {
		got = append(got, r.ID)
	}
	same(t, "reports left: newest, changes and those that claim one place", got, []string{"r6", "r5", "r3", "r1-other", "r0"})
	if l, err := s.Rejected(t.Context(), store.Page{}); err != nil || len(l.Items) != 2 {
		t.Errorf("rejected left: %v, %v", l, err)
	}
}

func quiet(t *testing.T, s store.Store) {
	var b store.Batch
	for i := range 4 {
		g := Gateway(fmt.Sprint("gw-", i), 0)
		g.Seen, g.Silent, g.Data = Start.Add(time.Duration(i)*time.Hour), i == 0, fmt.Sprint("v", i%2)
		b.Gateways = append(b.Gateways, g)
	}
	put(t, s, []string{"gw-0", "gw-1", "gw-2", "gw-3"}, &b)
	ids, err := s.Quiet(t.Context(), Start.Add(3*time.Hour), 10)
	slices.Sort(ids)
	if err != nil {
		t.Fatal(err)
	}
	same(t, "quiet", ids, []string{"gw-1", "gw-2"})
}

// hostileText: whatever stands in a value is data.
func hostileText(t *testing.T, s store.Store) {
	for i, evil := range []string{"';--", `"; DROP TABLE gateways; --`, "=HYPERLINK(1)", "<script>", "\u202e", "%", "_", "?", "$1", "{in}", "\\x41", strings.Repeat("a", 5000)} {
		id := fmt.Sprint("gw-", i)
		g := Gateway(id, 1)
		g.Hostname, g.Labels = evil, map[string]string{evil: evil}
		m := Module(id, "usb:"+evil, evil, evil, evil, evil, evil)
		put(t, s, []string{id}, &store.Batch{Gateways: []store.Gateway{g}, Modules: []store.Module{m},
			Events: []store.Event{{Kind: store.ModuleAdded, Gateway: id, Module: m.ID, At: Start, To: m.Brief(), Text: evil}}})
		got, err := s.Module(t.Context(), m.ModuleKey)
		if err != nil {
			t.Fatal(err)
		}
		same(t, "module", got, m)
		Index(t, s)
		want := min(1, len(store.SearchTerms(evil))) // without letter and digit nothing is looked for
		l, err := s.Modules(t.Context(), store.ModuleFilter{Firmware: []string{evil}, Query: evil}, store.Page{})
		if err != nil || len(l.Items) != want || l.Total != want {
			t.Errorf("%q: %d modules of %d, %v", evil, len(l.Items), l.Total, err)
		}
		gl, err := s.Gateways(t.Context(), store.GatewayFilter{Query: evil}, store.Page{})
		if has := slices.ContainsFunc(gl.Items, func(g store.Gateway) bool { return g.ID == id }); err != nil || has != (want == 1) {
			t.Errorf("%q: %d gateways, %v", evil, len(gl.Items), err)
		}
	}
}
