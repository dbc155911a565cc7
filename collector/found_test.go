package collector

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// newJudge is a bench that judges by a policy, collectortest's with own above it.
func newJudge(t testing.TB, s store.Store, own ...string) *bench {
	t.Helper()
	b := newBench(t, s, nil)
	b.know.Set(nil, collectortest.Policy(t, own...))
	return b
}

// keys are what is open, "module rule severity", of one gateway.
func keys(t testing.TB, s store.Store, gateway string) []string {
	t.Helper()
	l, err := s.Findings(t.Context(), store.FindingFilter{Gateway: gateway}, store.Page{Limit: 1000})
	must(t, err)
	var out []string
	for _, f := range l.Items {
		line := strings.TrimSpace(f.Module + " " + f.Key)
		if f.Covered() {
			line += " (covered)"
		}
		out = append(out, line)
	}
	slices.Sort(out)
	return out
}

// toldOf gives the events of findings, in the order in which they were stored: "+rule" and "-rule".
func toldOf(t testing.TB, s store.Store) (byReports, byOthers []string) {
	t.Helper()
	es, err := s.EventsAfter(t.Context(), 0, 100_000)
	must(t, err)
	for _, e := range es {
		line := map[store.EventKind]string{store.FindingOpened: "+", store.FindingClosed: "-"}[e.Kind]
		if line == "" {
			continue
		}
		if line += e.Finding.Key; e.Report != "" {
			byReports = append(byReports, line)
		} else {
			byOthers = append(byOthers, line)
		}
	}
	return byReports, byOthers
}

func wantSame[T any](t testing.TB, what string, got, want []T) {
	t.Helper()
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("%s (-want +got):\n%s", what, d)
	}
}

// Findings open and close with the reports that show it; those of a gateway's first report
// stand in the event of the gateway.
func TestFindingsOpenAndClose(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	g := collectortest.NewGateway("gw-1")
	module := func(maker, firmware string) inventory.Module {
		return collectortest.Module("usb:1-1", maker, "CN/CN", "A25", firmware, "867012040000009")
	}
	b.take(g.Report(t, module("Alpha", "R1")))
	wantSame(t, "at first", keys(t, s, "gw-1"), []string{"usb:1-1 first-firmware", "usb:1-1 named/utility"})
	es := dump(t, s).Events
	if len(es) != 1 || es[0].Kind != store.GatewayNew || es[0].Finding == nil || es[0].Finding.Key != "named/utility" || es[0].Finding.Severity != "high" {
		t.Fatalf("the first report tells %+v", es)
	}
	if m := dump(t, s).Modules[0]; m.Worst != "high" {
		t.Errorf("the module's worst is %q", m.Worst)
	}
	second := g.Report(t, module("Alpha", "R2"))
	b.take(second)
	wantSame(t, "new firmware", keys(t, s, "gw-1"), []string{"usb:1-1 named/utility"})
	b.take(g.Report(t, collectortest.Held("usb:1-1")))
	wantSame(t, "held", keys(t, s, "gw-1"), []string{"usb:1-1 held", "usb:1-1 named/utility"})
	b.take(g.Report(t, module("Beta", "B2"))) // another maker: nothing is left of the first
	wantSame(t, "another maker", keys(t, s, "gw-1"), nil)
	b.take(g.Report(t))
	byReports, byOthers := toldOf(t, s)
	wantSame(t, "events", byReports, []string{"-first-firmware", "+held", "-held", "-named/utility"})
	wantSame(t, "other events", byOthers, nil)
	l, err := s.Events(t.Context(), store.EventFilter{Kind: []store.EventKind{store.FindingClosed}, Module: "usb:1-1"}, store.Page{})
	must(t, err)
	r, err := inventory.DecodeReport(second.Body)
	must(t, err)
	if e := l.Items[len(l.Items)-1]; e.Report != r.ID || e.Finding.Text != "firmware R1" {
		t.Errorf("the first to close names report %q: %+v", e.Report, e.Finding)
	}
}

// Findings follow a module to its new place, and what a gateway is labelled counts.
func TestFindingsMoveAndLabels(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	g := collectortest.NewGateway("gw-1")
	italian := func(id string) inventory.Module {
		return collectortest.Module(id, "Gamma", "IT/US", "G910", "G1", "351712040000002")
	}
	b.take(g.Report(t, italian("usb:1-1")))
	first, err := s.Findings(t.Context(), store.FindingFilter{}, store.Page{})
	must(t, err)
	b.take(g.Report(t, italian("usb:1-4")))
	wantSame(t, "moved", keys(t, s, "gw-1"), []string{"usb:1-4 first-firmware", "usb:1-4 north"})
	now, err := s.Findings(t.Context(), store.FindingFilter{}, store.Page{})
	must(t, err)
	if !now.Items[0].Opened.Equal(first.Items[0].Opened) {
		t.Errorf("moved, it is open since %v, not %v", now.Items[0].Opened, first.Items[0].Opened)
	}
	g.Labels = map[string]string{"site": "south"}
	b.take(g.Report(t, italian("usb:1-4"))) // finds the same modules
	wantSame(t, "in the south", keys(t, s, "gw-1"), []string{"usb:1-4 first-firmware"})
	byReports, _ := toldOf(t, s)
	wantSame(t, "events", byReports, []string{"-north"})
}

// Another policy judges the whole fleet again, and what it changes is no change in the field.
func TestPolicyChanges(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	gs, reports := madeFleet(t, 40)
	b.take(reports...)
	must(t, b.judgeAnew(t.Context()))
	byReports, byOthers := toldOf(t, s)
	wantSame(t, "before", append(byReports, byOthers...), nil)
	b.know.Set(nil, collectortest.Policy(t, "policy: own\nrules:\n  - {id: first-firmware, enabled: false}\n  - {id: a25, when: 'module.identity.model == \"A25\"', severity: critical, message: an A25}\n"))
	// One gateway reports before its turn comes: policy and field are told apart.
	b.take(gs[4].Report(t, collectortest.Module("usb:1-1", "Beta", "CN/CN", "B650", "R2", imei(4))))
	must(t, b.judgeAnew(t.Context()))
	wantSame(t, "one", keys(t, s, gs[7].ID), []string{"usb:1-1 a25", "usb:1-1 named/utility"})
	wantSame(t, "that one", keys(t, s, gs[4].ID), nil)
	byReports, byOthers = toldOf(t, s)
	wantSame(t, "in the field", byReports, []string{"-a25", "-named/utility"})
	if n := len(byOthers); n != 80 {
		t.Errorf("%d events of the policy, want 80: %v", n, byOthers)
	}
	counts, err := s.FindingCounts(t.Context())
	must(t, err)
	wantSame(t, "counts", counts, []store.FindingCount{{Rule: "a25", Severity: "critical", Modules: 39, Gateways: 39},
		{Rule: "named", List: "utility", Severity: "high", Modules: 39, Gateways: 39}})
	if p := b.know.Progress(); p.Running || p.Done != 39 || p.Gateways != 39 || p.Changed != 39 {
		t.Errorf("progress is %+v", p)
	}
	must(t, b.judgeAnew(t.Context())) // nothing is left to do
	if a, c := toldOf(t, s); len(a)+len(c) != 82 {
		t.Errorf("judging again made more events: %v %v", a, c)
	}
	if !strings.Contains(b.scrape(), `rollcall_findings{severity="critical"} 39`) {
		t.Error("no metric of findings")
	}
}

// A policy that reads ports is judged from the reports, and needs no gateway.
func TestPolicyOfEvidence(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	_, reports := madeFleet(t, 3)
	b.take(reports...)
	b.know.Set(nil, collectortest.Policy(t, "policy: own\nrules: [{id: diag, when: 'module.ports.exists(p, p.role == \"diag\")', severity: info, message: \"${module.device.vid}\"}]"))
	must(t, b.judgeAnew(t.Context()))
	l, err := s.Findings(t.Context(), store.FindingFilter{Rule: []string{"diag"}}, store.Page{})
	must(t, err)
	if len(l.Items) != 3 || l.Items[0].Text != "2c7c" {
		t.Errorf("%+v", l.Items)
	}
}

// Exceptions begin and end by the calendar; judging each day finds it.
func TestExceptionEnds(t *testing.T) {
	s := openStore(t)
	const lab = "policy: own\nexceptions: [{id: lab, rule: named, owner: Jane, reason: tested, until: 2026-12-24}]"
	b := newJudge(t, s, lab)
	now := collectortest.Start.Add(time.Hour)
	b.s.Now = func() time.Time { return now }
	_, reports := madeFleet(t, 2)
	b.take(reports...)
	wantSame(t, "covered", keys(t, s, "gw-a00"), []string{"usb:1-1 first-firmware", "usb:1-1 named/utility (covered)"})
	if m := dump(t, s).Modules[0]; m.Worst != "low" {
		t.Errorf("the worst that is not covered is %q", m.Worst)
	}
	was := b.judgement()
	now = time.Date(2026, 12, 23, 12, 0, 0, 0, time.UTC)
	if b.judgement() != was {
		t.Error("the fleet would be judged again, though nothing ended")
	}
	now = now.Add(24 * time.Hour)
	if b.judgement() == was {
		t.Error("the fleet would not be judged again")
	}
	must(t, b.judgeAnew(t.Context()))
	wantSame(t, "ended", keys(t, s, "gw-a00"), []string{"usb:1-1 first-firmware", "usb:1-1 named/utility"})
	_, byOthers := toldOf(t, s)
	wantSame(t, "events", byOthers, []string{"+named/utility", "+named/utility"})
	// Judged at the time of its arrival, a report of before is found as of today.
	late := newJudge(t, openStore(t), lab)
	late.s.Now = b.s.Now
	late.take(reports...)
	wantSame(t, "late", keys(t, late.s.Store, "gw-a00"), keys(t, s, "gw-a00"))
}

// Rules about silence are judged when a gateway falls silent, while it is, and when it is heard again.
func TestSilenceIsFound(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	now := collectortest.Start
	b.s.Now = func() time.Time { return now }
	g := collectortest.NewGateway("gw-1")
	r := g.Report(t, oneModule())
	b.take(r)
	now = now.Add(70 * time.Minute)
	must(t, b.silence(t.Context(), []string{"gw-1"}, now))
	before := keys(t, s, "gw-1")
	if slices.Contains(before, "quiet") {
		t.Fatalf("too early: %v", before)
	}
	now = now.Add(30 * time.Minute)
	must(t, b.judgeSilent(t.Context()))
	if !slices.Contains(keys(t, s, "gw-1"), "quiet") {
		t.Errorf("after 100 minutes: %v", keys(t, s, "gw-1"))
	}
	back := b.message(g.Heartbeat(t, collectortest.Digest(t, r)))
	back.received = now.Add(time.Minute)
	b.takeMessages(back)
	wantSame(t, "heard again", keys(t, s, "gw-1"), before)
	_, byOthers := toldOf(t, s)
	wantSame(t, "events", byOthers, []string{"+quiet", "-quiet"})
	if d := dump(t, s); d.Gateways[0].Silent || d.Gateways[0].Beat != (inventory.Order{Boot: 1, Seq: 2}) {
		t.Errorf("the gateway is %+v", d.Gateways[0])
	}
}

// An IMEI that two modules of the fleet report is an event of both and a finding, until one goes.
func TestDoubledIMEI(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	const twin = "867012040000009"
	one, two, other := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2"), collectortest.NewGateway("gw-3")
	m := collectortest.Module("usb:1-1", "Beta", "CN/CN", "B650", "R2", twin)
	b.take(one.Report(t, m), other.Report(t, collectortest.Module("usb:1-1", "Beta", "CN/CN", "B650", "R2", imei(3))))
	must(t, b.findTwins(t.Context()))
	wantSame(t, "alone", keys(t, s, "gw-1"), nil)
	b.take(two.Report(t, m))
	must(t, b.findTwins(t.Context()))
	for _, id := range []string{"gw-1", "gw-2"} {
		wantSame(t, id, keys(t, s, id), []string{"usb:1-1 twin"})
	}
	l, err := s.Events(t.Context(), store.EventFilter{Kind: []store.EventKind{store.IMEIDuplicate}}, store.Page{})
	must(t, err)
	if len(l.Items) != 2 || !strings.Contains(l.Items[0].Text+l.Items[1].Text, "gw-2 usb:1-1") || l.Items[0].To.IMEI != twin {
		t.Fatalf("events: %+v", l.Items)
	}
	must(t, b.findTwins(t.Context()))
	b.take(one.Report(t, m, oneModule())) // reports it on
	must(t, b.findTwins(t.Context()))
	if got := keys(t, s, "gw-1"); !slices.Contains(got, "usb:1-1 twin") {
		t.Errorf("reported on: %v", got)
	}
	b.take(two.Report(t))
	must(t, b.findTwins(t.Context()))
	if got := keys(t, s, "gw-1"); slices.Contains(got, "usb:1-1 twin") {
		t.Errorf("after the other went: %v", got)
	}
	// What a crash left unmarked, a look through the whole fleet finds.
	b.take(two.Report(t, m))
	b.twins = newTwins()
	must(t, b.findTwins(t.Context()))
	wantSame(t, "found again", keys(t, s, "gw-2"), []string{"usb:1-1 twin"})
}

// meanwhile runs something once between the look at doubled IMEIs and what is made of it.
type meanwhile struct {
	store.Store
	run func()
}

func (m *meanwhile) Doubles(ctx context.Context, imeis []string) ([]store.Double, error) {
	ds, err := m.Store.Doubles(ctx, imeis)
	if run := m.run; run != nil {
		m.run = nil
		run()
	}
	return ds, err
}

// Two collectors that find the same twins at once, or of which one saw what is no more, mark them
// as they are, and tell once.
func TestDoubledIMEIFoundByTwo(t *testing.T) {
	s := openStore(t)
	slow := &meanwhile{Store: s}
	a, b := newJudge(t, slow), newJudge(t, s)
	m := collectortest.Module("usb:1-1", "Beta", "CN/CN", "B650", "R2", "867012040000009")
	one, two := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2")
	b.take(one.Report(t, m), two.Report(t, m))
	slow.run = func() { must(t, b.findTwins(t.Context())) }
	must(t, a.findTwins(t.Context()))
	for _, id := range []string{"gw-1", "gw-2"} {
		wantSame(t, id, keys(t, s, id), []string{"usb:1-1 twin"})
	}
	l, err := s.Events(t.Context(), store.EventFilter{Kind: []store.EventKind{store.IMEIDuplicate}}, store.Page{})
	if must(t, err); len(l.Items) != 2 {
		t.Errorf("events: %+v", l.Items)
	}
	a.twins.all = true
	slow.run = func() {
		b.take(two.Report(t))
		must(t, b.findTwins(t.Context()))
	}
	must(t, a.findTwins(t.Context()))
	wantSame(t, "after the other went", keys(t, s, "gw-1"), nil)
	b.take(two.Report(t, m))
	a.twins.all = true
	slow.run = func() { b.take(two.Report(t)) }
	must(t, a.findTwins(t.Context())) // marks what was seen
	must(t, a.findTwins(t.Context()))
	wantSame(t, "after the other went while it was looked at", keys(t, s, "gw-1"), nil)
}

// renamed gives the report another id, as one that another machine made.
func renamed(t testing.TB, e *inventory.Envelope, g *collectortest.Gateway) *inventory.Envelope {
	t.Helper()
	r, err := inventory.DecodeReport(e.Body)
	must(t, err)
	r.ID = "clone-" + r.ID[:20]
	e, err = inventory.SealReport(r, g.Key)
	must(t, err)
	return e
}

// A conflict that a person cleared stays cleared, whatever old report comes; another one does not.
func TestClearConflict(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	g, clone := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-1")
	first, late := g.Report(t, oneModule()), g.Report(t, oneModule())
	clone.Order.Seq = 2
	b.take(first, g.Report(t), renamed(t, clone.Report(t, oneModule(), collectortest.Held("usb:1-9")), clone)) // both are number 3
	if d := dump(t, s); d.Gateways[0].Conflict == "" || !slices.Contains(keys(t, s, "gw-1"), "cloned") {
		t.Fatalf("no conflict: %+v, %v", d.Gateways[0], keys(t, s, "gw-1"))
	}
	must(t, b.clearConflict(t.Context(), "gw-1", "Jane"))
	cleared := func(what string) {
		t.Helper()
		if d := dump(t, s); d.Gateways[0].Conflict != "" || slices.Contains(keys(t, s, "gw-1"), "cloned") {
			t.Errorf("%s: conflict %q, %v", what, d.Gateways[0].Conflict, keys(t, s, "gw-1"))
		}
	}
	cleared("cleared")
	b.take(late)
	cleared("after a late report")
	l, err := s.Events(t.Context(), store.EventFilter{Kind: []store.EventKind{store.ConflictCleared}}, store.Page{})
	if err != nil || len(l.Items) != 1 || !strings.Contains(l.Items[0].Text, "Jane") {
		t.Errorf("events: %+v, %v", l.Items, err)
	}
	b.take(renamed(t, clone.Report(t, oneModule()), clone), g.Report(t))
	if d := dump(t, s); d.Gateways[0].Conflict == "" {
		t.Error("another conflict is not told")
	}
	if err := b.clearConflict(t.Context(), "gw-none", "Jane"); err == nil {
		t.Error("a gateway that is not there is cleared")
	}
}

// Judging the fleet again goes on where it was interrupted, and ends with the same findings.
func TestJudgeAnewGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := openStoreAt(t, path)
	b := newJudge(t, s)
	var reports []*inventory.Envelope
	for i := range 60 { // more than one batch
		reports = append(reports, collectortest.NewGateway(fmt.Sprintf("gw-%04d", i)).Report(t, oneModule()))
	}
	b.take(reports...)
	p := collectortest.Policy(t, "policy: own\nrules: [{id: a25, when: 'module.identity.model == \"A25\"', severity: critical, message: an A25}]")
	b.know.Set(nil, p)
	b.s.Workers, b.anewBatch = 1, 20
	ctx, cancel := context.WithCancel(t.Context())
	b.s.Store = &stopping{Store: s, stop: cancel, after: 1}
	if err := b.judgeAnew(ctx); err == nil {
		t.Fatal("it was not interrupted")
	}
	half, err := s.CountStale(t.Context(), b.judgement())
	must(t, err)
	if half == 0 || half == len(reports) {
		t.Fatalf("%d are left to judge", half)
	}
	again := newBench(t, s, nil)
	again.know.Set(nil, p)
	must(t, again.judgeAnew(t.Context()))
	if got := again.know.Progress(); got.Gateways != half || got.Done != half {
		t.Errorf("went on with %+v, want %d", got, half)
	}
	counts, err := s.FindingCounts(t.Context())
	must(t, err)
	if counts[0].Rule != "a25" || counts[0].Modules != len(reports) {
		t.Errorf("counts are %+v", counts)
	}
	_, byOthers := toldOf(t, s)
	if len(byOthers) != len(reports) {
		t.Errorf("%d events, want one for each of %d", len(byOthers), len(reports))
	}
}

// stopping is a store in whose use something ends after some updates.
type stopping struct {
	store.Store
	stop  func()
	after int
}

func (s *stopping) Update(ctx context.Context, ids []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	err := s.Store.Update(ctx, ids, fn)
	if s.after--; s.after == 0 {
		s.stop()
	}
	return err
}

// After old reports were forgotten, a late one changes neither what is past nor since when
// something is known.
func TestLateAfterForgetting(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	b.s.Keep.History = 22 * time.Hour // from 10:00 on
	g := collectortest.NewGateway("gw-1")
	m := func(firmware string) inventory.Module {
		return collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", firmware, "867012040000009")
	}
	veryOld := g.Report(t, m("R0"))
	b.take(g.Report(t, m("R2")), g.Report(t, m("R3")))
	g.Order = inventory.Order{Boot: 3} // 10:00
	late := g.Report(t, m("R4"))
	b.take(g.Report(t, m("R5")))
	before := dump(t, s)
	must(t, b.prune(t.Context()))
	rs, err := s.Reports(t.Context(), "gw-1", store.Page{})
	must(t, err)
	if len(rs.Items) != 2 {
		t.Fatalf("%d reports are kept", len(rs.Items))
	}
	b.wantOutcome("very old and late", b.take(veryOld, late), Older, Older)
	after := dump(t, s)
	if f := after.Modules[0]; !f.First.Equal(before.Modules[0].First) || f.Identity.Firmware != "R5" {
		t.Errorf("known since %v, firmware %s; want %v and R5", f.First, f.Identity.Firmware, before.Modules[0].First)
	}
	if !after.Gateways[0].First.Equal(before.Gateways[0].First) {
		t.Errorf("the gateway is known since %v, want %v", after.Gateways[0].First, before.Gateways[0].First)
	}
	wantSame(t, "findings", after.Findings, before.Findings)
	if ks := kinds(after.Events); len(ks) != 2 || ks[0] != store.FirmwareChanged || ks[1] != store.FirmwareChanged {
		t.Errorf("events are %v, want the two changes that are not forgotten", ks)
	}
}

// What takes too many bytes goes, the oldest first.
func TestPruneBySize(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	g := collectortest.NewGateway("gw-1")
	for i := range 30 {
		g.Order = inventory.Order{Boot: uint64(24*i + 1)} // one a day
		b.take(g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", fmt.Sprint("R", i), imei(1))))
	}
	now := collectortest.Start.AddDate(0, 0, 30)
	b.s.Now = func() time.Time { return now }
	whole, err := s.HistoryBytes(t.Context())
	must(t, err)
	b.s.Keep.Bytes = whole / 2
	must(t, b.prune(t.Context()))
	left, err := s.HistoryBytes(t.Context())
	must(t, err)
	if left > whole/2 || left < whole/10 {
		t.Errorf("%d bytes of %d are left", left, whole)
	}
	if d := dump(t, s); d.Modules[0].Identity.Firmware != "R29" {
		t.Errorf("the newest picture is %+v", d.Modules[0])
	}
	if _, err := s.Evidence(t.Context(), "gw-1", dump(t, s).Gateways[0].Digest); err != nil {
		t.Errorf("the newest evidence: %v", err)
	}
}

// Knowledge can be replaced in a running collector; nil leaves a part as it is.
func TestKnowledge(t *testing.T) {
	k := judge.NewKnowledge(&collectortest.Base{Data: "one"}, nil)
	was := k.Now()
	k.Set(&collectortest.Base{Data: "two"}, nil)
	p := collectortest.Policy(t)
	k.Set(nil, p)
	if k.Version() != "two" || k.Policy() != p || was.Base.Version() != "one" {
		t.Errorf("it is %s by %v, and was %s", k.Version(), k.Policy(), was.Base.Version())
	}
	select {
	case <-k.Changed():
	default:
		t.Error("nobody is told")
	}
	var none *policy.Policy
	if judge.NewKnown(&collectortest.Base{}, none).Find(&store.Gateway{}, []store.Module{{}}, nil, time.Now()) != nil {
		t.Error("found without a policy")
	}
}

// A late report does not make anew what policy and other gateways opened: it is open since it
// was, and told once.
func TestLateReportKeepsWhatOthersOpened(t *testing.T) {
	s := openStore(t)
	b := newJudge(t, s)
	m := collectortest.Module("usb:1-1", "Beta", "CN/CN", "B650", "R2", "867012040000009")
	one, two := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2")
	first, late := one.Report(t, m), one.Report(t, m, collectortest.Held("usb:1-2"))
	b.take(first, one.Report(t, m), two.Report(t, m))
	must(t, b.findTwins(t.Context()))
	b.know.Set(nil, collectortest.Policy(t, "policy: own\nrules: [{id: b650, when: 'module.identity.model == \"B650\"', severity: low, message: x}]"))
	must(t, b.judgeAnew(t.Context()))
	before := dump(t, s)
	b.wantOutcome("late", b.take(late), Older)
	after := dump(t, s)
	wantSame(t, "findings", after.Findings, before.Findings)
	_, byOthers := toldOf(t, s)
	slices.Sort(byOthers)
	wantSame(t, "events", byOthers, []string{"+b650", "+b650", "+twin", "+twin"})
}
