package fleet_test

import (
	"context"
	"errors"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// proposal drops one rule, makes another more severe, and brings one on gateways.
const proposal = `
policy: proposal
rules:
  - {id: first-firmware, when: 'module.identity.firmware.endsWith("1")', severity: high, message: "firmware ${module.identity.firmware}"}
  - {id: north, when: 'false', severity: medium, message: none}
  - {id: italian, when: 'module.origin.country == "IT"', severity: info, message: Italian}
  - {id: nameless, on: gateway, when: 'gateway.hostname.endsWith("4.example")', severity: low, message: its number is four}
`

// judged is a fleet of n gateways: of each three one has an Alpha on firmware R1, one an Alpha on
// R2, and one a Gamma of Italy.
func judged(t testing.TB, n int) (*fleet.Fleet, store.Store) {
	t.Helper()
	s := collectortest.Store(t)
	var es []*inventory.Envelope
	for i := range n {
		m := collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", fmt.Sprintf("R%d", i%3+1), fmt.Sprintf("86701204%07d", i))
		if i%3 == 2 {
			m = collectortest.Module("usb:1-1", "Gamma", "IT/US", "G910", "G2", fmt.Sprintf("35171204%07d", i))
		}
		es = append(es, collectortest.NewGateway(fmt.Sprintf("gw-%04d", i)).Report(t, m))
	}
	f := collectortest.Fleet(s)
	k := judge.NewKnowledge(f.Base, collectortest.Policy(t))
	f.Base, f.Knowledge = k, k
	if _, err := collector.Take(t.Context(), collector.Settings{Store: s, Knowledge: k, Now: f.Now}, es...); err != nil {
		t.Fatal(err)
	}
	return f, s
}

// The effect is what judging the whole fleet by the other policy would change, and no more is
// listed than was asked for.
func TestWhatIf(t *testing.T) {
	const n = 1500 // more than one step of the walk
	f, s := judged(t, n)
	before := findings(t, s)
	got, err := f.WhatIf(t.Context(), collectortest.Policy(t, proposal), 7)
	if err != nil {
		t.Fatal(err)
	}
	want := []fleet.EffectCount{{Rule: "first-firmware", Changed: n / 3}, {Rule: "italian", Opened: n / 3}, {Rule: "north", Closed: n / 3}, {Rule: "nameless", Opened: n / 10}}
	if d := cmp.Diff(want, got.Counts); d != "" {
		t.Errorf("counts (-want +got):\n%s", d)
	}
	touched := 0
	for i := range n {
		if i%3 != 1 || i%10 == 4 {
			touched++
		}
	}
	if got.Gateways != touched || got.Modules != 2*n/3 || got.Looked != n || got.Partial || len(got.Changes) != 7 {
		t.Errorf("%d gateways, want %d; %d modules of %d, partial %v, %d changes", got.Gateways, touched, got.Modules, got.Looked, got.Partial, len(got.Changes))
	}
	if c := got.Changes[1]; c.Gateway != "gw-0002" || len(c.Opened) != 1 || c.Opened[0].Rule != "italian" || len(c.Closed) != 1 || c.Closed[0].Rule != "north" {
		t.Errorf("the second change is %+v", c)
	}
	if d := cmp.Diff(before, findings(t, s)); d != "" {
		t.Errorf("asking changed what is found (-before +after):\n%s", d)
	}
}

func TestWhatIfNothing(t *testing.T) {
	f, _ := judged(t, 3)
	got, err := f.WhatIf(t.Context(), collectortest.Policy(t), 10)
	if err != nil || got.Gateways+got.Modules+len(got.Counts)+len(got.Changes) != 0 || got.Looked != 3 {
		t.Errorf("the policy in force: %+v, %v", got, err)
	}
	f.Knowledge = nil
	if _, err := f.WhatIf(t.Context(), collectortest.Policy(t), 10); !errors.Is(err, fleet.ErrNoPolicy) {
		t.Errorf("without a policy: %v", err)
	}
}

// slow is a store of which nobody waits for the second part.
type slow struct{ store.Store }

func (s slow) Whole(ctx context.Context, after string, limit int, evidence bool) ([]store.Whole, error) {
	if after != "" {
		return nil, context.DeadlineExceeded
	}
	return s.Store.Whole(ctx, after, 10, evidence)
}

// given is a store of which a part is still given when nobody waits any more.
type given struct {
	store.Store
	leave func()
}

func (g given) Whole(ctx context.Context, after string, limit int, evidence bool) ([]store.Whole, error) {
	ws, err := g.Store.Whole(ctx, after, limit, evidence)
	g.leave()
	return ws, err
}

// What could not be looked at in time is said to be missing; a question that nobody waits for ends.
func TestWhatIfIsBounded(t *testing.T) {
	f, s := judged(t, 30)
	f.Store = slow{s}
	got, err := f.WhatIf(t.Context(), collectortest.Policy(t, proposal), 100)
	if err != nil || !got.Partial || got.Looked != 10 || got.Gateways == 0 {
		t.Errorf("out of time: %+v, %v", got, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	f.Store = s
	if _, err := f.WhatIf(ctx, collectortest.Policy(t, proposal), 100); !errors.Is(err, context.Canceled) {
		t.Errorf("given up: %v", err)
	}
	// Rules may be slow: a thousand gateways are not judged for somebody who has left.
	ctx, cancel = context.WithCancel(t.Context())
	f.Store = given{s, cancel}
	if got, err := f.WhatIf(ctx, collectortest.Policy(t, proposal), 100); !errors.Is(err, context.Canceled) || got.Looked != 0 {
		t.Errorf("given up within a part: %d were judged, %v", got.Looked, err)
	}
}

func findings(t testing.TB, s store.Store) []store.FindingCount {
	t.Helper()
	counts, err := s.FindingCounts(t.Context())
	if err != nil || len(counts) == 0 {
		t.Fatalf("%v, %v", counts, err)
	}
	return counts
}

// BenchmarkWhatIf gives what a question costs for each gateway.
func BenchmarkWhatIf(b *testing.B) {
	const n = 2000
	f, _ := judged(b, n)
	after := collectortest.Policy(b, proposal)
	for b.Loop() {
		if _, err := f.WhatIf(b.Context(), after, 100); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*n), "µs/gateway")
}
