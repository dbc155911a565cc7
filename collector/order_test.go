package collector

import (
	"database/sql"
	"math/rand/v2"
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// six reports of one gateway that hold every kind of change: a module comes, its firmware
// changes, it is held for a while, it moves, another is swapped, one goes. Two of them find
// what was found before, and the agent is started again in between.
func six(t testing.TB) []*inventory.Envelope {
	g := collectortest.NewGateway("gw-1")
	a := func(id, firmware string) inventory.Module {
		return collectortest.Module(id, "Alpha", "CN/CN", "A25", firmware, "867012040000009")
	}
	es := []*inventory.Envelope{
		g.Report(t, a("usb:1-1", "R1"), collectortest.Module("usb:1-2", "Gamma", "IT/US", "G910", "G1", "351712040000002")),
		g.Report(t, collectortest.Held("usb:1-1"), collectortest.Module("usb:1-2", "Gamma", "IT/US", "G910", "G1", "351712040000002")),
		g.Report(t, a("usb:1-1", "R2"), collectortest.Module("usb:1-2", "Beta", "CN/CN", "B650", "B1", "862104050000002")),
	}
	g.Order = inventory.Order{Boot: 2}
	return append(es,
		g.Report(t, a("usb:1-1", "R2"), collectortest.Module("usb:1-2", "Beta", "CN/CN", "B650", "B1", "862104050000002")),
		g.Report(t, a("usb:1-4", "R2"), collectortest.Module("usb:1-2", "Beta", "CN/CN", "B650", "B1", "862104050000002")),
		g.Report(t, a("usb:1-4", "R2")),
	)
}

func permutations(n int) [][]int {
	if n == 0 {
		return [][]int{{}}
	}
	var out [][]int
	for _, p := range permutations(n - 1) {
		for i := 0; i <= len(p); i++ {
			out = append(out, slices.Insert(slices.Clone(p), i, n-1))
		}
	}
	return out
}

// Every order and repetition of six reports leads to the same table: state, history, events
// and counts.
func TestG01EveryOrder(t *testing.T) {
	es := six(t)
	want := inOrder(t, es)
	wantKinds := []store.EventKind{store.GatewayNew, store.StateChanged, store.StateChanged, store.FirmwareChanged, store.ModuleSwapped, store.ModuleMoved, store.ModuleRemoved,
		store.FindingOpened, store.FindingClosed, store.FindingClosed, store.FindingClosed, store.FindingClosed}
	if got := kinds(want.Events); len(got) != len(wantKinds) {
		t.Fatalf("in order, the events are %v, want some order of %v", got, wantKinds)
	}
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := openStoreAt(t, path)
	b := newJudge(t, s)
	rnd := rand.New(rand.NewPCG(1, 2))
	for _, p := range permutations(len(es)) {
		b.wipe(path)
		repeat := rnd.IntN(len(p)) // one comes again somewhere later
		for i, n := range p {
			b.take(es[n])
			if i >= repeat && rnd.IntN(3) == 0 {
				if o := b.take(es[p[repeat]]); o[0].Verdict != Same {
					t.Fatalf("order %v: report %d again is %v", p, p[repeat], o[0])
				}
			}
		}
		if d := cmp.Diff(want, dump(t, s), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("order %v gives another table (-in order +got):\n%s", p, d)
		}
	}
}

// The same in batches: all at once, and in two parts, in any order within them.
func TestG01EveryOrderInBatches(t *testing.T) {
	es := six(t)
	want := inOrder(t, es)
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := openStoreAt(t, path)
	b := newJudge(t, s)
	rnd := rand.New(rand.NewPCG(3, 4))
	for range 60 {
		b.wipe(path)
		p := rnd.Perm(len(es))
		var mixed []*inventory.Envelope
		for _, n := range p {
			mixed = append(mixed, es[n])
		}
		mixed = append(mixed, es[p[0]])
		cut := rnd.IntN(len(mixed))
		b.take(mixed[:cut]...)
		b.take(mixed[cut:]...)
		if d := cmp.Diff(want, dump(t, s), cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("order %v cut at %d gives another table (-in order +got):\n%s", p, cut, d)
		}
	}
}

func inOrder(t *testing.T, es []*inventory.Envelope) table {
	t.Helper()
	s := openStore(t)
	b := newJudge(t, s)
	for i, e := range es {
		if o := b.take(e); o[0].Verdict != New {
			t.Fatalf("report %d is %v", i, o[0])
		}
	}
	return dump(t, s)
}

// wipe empties the store of a bench, which is quicker than another file.
func (b *bench) wipe(path string) {
	b.t.Helper()
	db, err := sql.Open("sqlite", path)
	must(b.t, err)
	defer db.Close()
	q := "PRAGMA synchronous = OFF; BEGIN IMMEDIATE"
	for _, table := range []string{"gateways", "modules", "cohorts", "reports", "evidence", "events", "keys", "rejected", "marks", "findings", "finding_kinds", "verdicts"} {
		q += "; DELETE FROM " + table
	}
	_, err = db.Exec(q + "; COMMIT")
	must(b.t, err)
}

// Two machines that share an identity are a conflict, and a finding, whichever was heard first.
func TestG01EveryOrderOfAClash(t *testing.T) {
	g, clone := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-1")
	es := []*inventory.Envelope{g.Report(t, oneModule()), g.Report(t, oneModule(), collectortest.Held("usb:1-2"))}
	clone.Order.Seq = 1
	es = append(es, renamed(t, clone.Report(t, collectortest.Held("usb:1-9")), clone), g.Report(t, oneModule()))
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := openStoreAt(t, path)
	b := newJudge(t, s)
	var want *table
	for _, p := range permutations(len(es)) {
		b.wipe(path)
		for _, n := range p {
			b.take(es[n])
		}
		got := dump(t, s)
		if want == nil {
			want = &got
			if got.Gateways[0].Conflict == "" || !slices.Contains(keys(t, s, "gw-1"), "cloned") {
				t.Fatalf("no conflict: %+v, %v", got.Gateways[0], keys(t, s, "gw-1"))
			}
		}
		if d := cmp.Diff(*want, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("order %v gives another table (-first +got):\n%s", p, d)
		}
	}
}
