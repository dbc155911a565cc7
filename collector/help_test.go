package collector

import (
	"crypto/ed25519"
	"encoding/json"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/inventory"
)

func openStore(t testing.TB) store.Store {
	t.Helper()
	return openStoreAt(t, filepath.Join(t.TempDir(), "rollcall.db"))
}

func openStoreAt(t testing.TB, path string) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// bench is a collector without a broker: messages are handed to it one by one.
type bench struct {
	*collector
	t   testing.TB
	seq uint64
}

func newBench(t testing.TB, s store.Store, base *collectortest.Base) *bench {
	t.Helper()
	if base == nil {
		base = &collectortest.Base{Data: "test-1"}
	}
	c, err := newCollector(Settings{Conn: new(nats.Conn), Store: s, Base: base, Now: func() time.Time { return collectortest.Start.Add(24 * time.Hour) }})
	if err != nil {
		t.Fatal(err)
	}
	return &bench{collector: c, t: t}
}

// message makes what the broker would deliver. It took the message when the gateway says
// that it was sent, so that arrival times do not depend on the order in a test.
func (b *bench) message(e *inventory.Envelope) message {
	b.seq++
	m := collectortest.Msg(e)
	var at struct{ Time time.Time }
	_ = json.Unmarshal(e.Body, &at)
	return message{subject: m.Subject, header: m.Header, body: m.Data, received: at.Time.Add(time.Second), sequence: b.seq, tries: 1}
}

// take hands envelopes over in one batch and gives their outcomes.
func (b *bench) take(es ...*inventory.Envelope) []Outcome {
	b.t.Helper()
	var ms []message
	for _, e := range es {
		ms = append(ms, b.message(e))
	}
	return b.takeMessages(ms...)
}

func (b *bench) takeMessages(ms ...message) []Outcome {
	b.t.Helper()
	var items []*item
	for _, m := range ms {
		it := prepare(m)
		b.judgeNews(it)
		items = append(items, it)
	}
	if err := b.storeBatch(b.t.Context(), items); err != nil {
		b.t.Fatal(err)
	}
	var out []Outcome
	for _, it := range items {
		out = append(out, it.outcome)
	}
	return out
}

// table is everything that the store holds of the fleet, in an order of its own.
type table struct {
	Gateways []store.Gateway
	Modules  []store.Module
	Reports  []store.Report
	Events   []store.Event
	Findings []store.Finding
	Counts   []store.FindingCount
	Cohorts  []store.Cohort
	Figures  store.Figures
}

// dump reads the whole table. Numbers of events say when they were stored, not what they
// say: they are left out.
func dump(t testing.TB, s store.Store) table {
	t.Helper()
	ctx := t.Context()
	var d table
	gs, err := s.Gateways(ctx, store.GatewayFilter{}, store.Page{Limit: 1000})
	must(t, err)
	d.Gateways = gs.Items
	ms, err := s.Modules(ctx, store.ModuleFilter{}, store.Page{Limit: 1000})
	must(t, err)
	d.Modules = ms.Items
	for _, g := range d.Gateways {
		rs, err := s.Reports(ctx, g.ID, store.Page{Limit: 1000})
		must(t, err)
		d.Reports = append(d.Reports, rs.Items...)
	}
	d.Events, err = s.EventsAfter(ctx, 0, 10000)
	must(t, err)
	for i := range d.Events {
		d.Events[i].No = 0
	}
	slices.SortFunc(d.Events, func(a, b store.Event) int {
		if a.Key() < b.Key() {
			return -1
		}
		return 1
	})
	fs, err := s.Findings(ctx, store.FindingFilter{}, store.Page{Limit: 1000, Sort: "gateway"})
	must(t, err)
	d.Findings = fs.Items
	d.Counts, err = s.FindingCounts(ctx)
	must(t, err)
	d.Cohorts, err = s.Cohorts(ctx)
	must(t, err)
	d.Figures, err = s.Figures(ctx)
	must(t, err)
	return d
}

// signed makes a message of any bytes, signed by the gateway's key.
func (b *bench) signed(gateway, body string) message {
	g := collectortest.NewGateway(gateway)
	e := &inventory.Envelope{Kind: inventory.KindReport, ID: "x", Gateway: gateway, Body: []byte(body), Key: g.Key.Public().(ed25519.PublicKey)}
	e.Signature = ed25519.Sign(g.Key, append([]byte("rollcall report v1\x00"), body...))
	return b.message(e)
}

// scrape gives the metrics as Prometheus reads them.
func (b *bench) scrape() string {
	w := httptest.NewRecorder()
	metricsOf(b.s.Metrics).ServeHTTP(w, httptest.NewRequest("GET", "/metrics", nil))
	return w.Body.String()
}

func (b *bench) wantOutcome(what string, got []Outcome, want ...Verdict) {
	b.t.Helper()
	var vs []Verdict
	for _, o := range got {
		vs = append(vs, o.Verdict)
	}
	if !slices.Equal(vs, want) {
		b.t.Fatalf("%s: outcomes are %v, want %v", what, got, want)
	}
}

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func kinds(es []store.Event) []store.EventKind {
	var out []store.EventKind
	for _, e := range es {
		out = append(out, e.Kind)
	}
	return out
}
