package clustertest

import (
	"context"
	"fmt"
	"path/filepath"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate/fleet"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// cluster is three servers with a stream on all of them, and a collector.
type cluster struct {
	t     *testing.T
	nodes []*node
	urls  []string
	js    jetstream.JetStream
	base  *fingerprint.Base
	store store.Store
}

func newCluster(t *testing.T) *cluster {
	t.Helper()
	c := &cluster{t: t, nodes: startCluster(t)}
	for _, n := range c.nodes {
		c.urls = append(c.urls, n.url())
	}
	var err error
	if c.base, err = fingerprint.Embedded(); err != nil {
		t.Fatal(err)
	}
	if c.js, err = jetstream.New(c.connect()); err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "the servers have found each other", func() bool {
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Second)
		defer cancel()
		_, err := c.js.AccountInfo(ctx)
		return err == nil
	})
	c.store = c.collect()
	return c
}

// connect gives a connection that finds whichever server is there.
func (c *cluster) connect() *nats.Conn {
	c.t.Helper()
	l, err := natslink.Connect(c.t.Context(), natslink.Settings{Name: "test", URLs: c.urls, MaxWait: 200 * time.Millisecond, Spread: 50 * time.Millisecond})
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(l.Close)
	return l.Conn()
}

// collect runs a collector until the test ends.
func (c *cluster) collect() store.Store {
	c.t.Helper()
	s := c.newStore()
	ctx, cancel := context.WithCancel(context.Background())
	ready, done := make(chan struct{}), make(chan error, 1)
	nc := c.connect()
	go func() {
		done <- collector.Run(ctx, collector.Settings{Conn: nc, Store: s, Base: c.base, Replicas: 3, AckWait: 3 * time.Second, Ready: func() { close(ready) }})
	}()
	c.t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			c.t.Error(err)
		}
	})
	select {
	case <-ready:
	case err := <-done:
		done <- nil
		c.t.Fatalf("the collector ends: %v", err)
	}
	return s
}

func (c *cluster) newStore() store.Store {
	c.t.Helper()
	s, err := sqlite.Open(c.t.Context(), filepath.Join(c.t.TempDir(), "rollcall.db"))
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { _ = s.Close() })
	return s
}

// leader gives the server that leads the stream now.
func (c *cluster) leader() *node {
	c.t.Helper()
	var found *node
	natslinktest.Eventually(c.t, "the stream has a leader", func() bool {
		ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
		defer cancel()
		s, err := c.js.Stream(ctx, natslink.Stream)
		if err != nil || s.CachedInfo().Cluster == nil {
			return false
		}
		i := slices.IndexFunc(c.nodes, func(n *node) bool { return n.cmd != nil && n.Name == s.CachedInfo().Cluster.Leader })
		if i >= 0 {
			found = c.nodes[i]
		}
		return i >= 0
	})
	return found
}

// whole waits until every server has all of the stream again.
func (c *cluster) whole() {
	c.t.Helper()
	natslinktest.Eventually(c.t, "all replicas are current", func() bool {
		ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
		defer cancel()
		s, err := c.js.Stream(ctx, natslink.Stream)
		if err != nil || s.CachedInfo().Cluster == nil || s.CachedInfo().Cluster.Leader == "" {
			return false
		}
		replicas := s.CachedInfo().Cluster.Replicas
		return len(replicas) == 2 && !slices.ContainsFunc(replicas, func(p *jetstream.PeerInfo) bool { return !p.Current || p.Offline })
	})
}

// collected waits until the collector has stored all that the stream holds.
func (c *cluster) collected() {
	c.t.Helper()
	identity, err := c.store.Identity(c.t.Context())
	if err != nil {
		c.t.Fatal(err)
	}
	natslinktest.Eventually(c.t, "the collector has stored all", func() bool {
		ctx, cancel := context.WithTimeout(c.t.Context(), 2*time.Second)
		defer cancel()
		k, err := c.js.Consumer(ctx, natslink.Stream, collector.ConsumerName(identity))
		return err == nil && k.CachedInfo().NumPending == 0 && k.CachedInfo().NumAckPending == 0
	})
}

// ledger is what went out.
type ledger struct {
	mu  sync.Mutex
	all []*inventory.Envelope
}

func (l *ledger) add(e *inventory.Envelope) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.all = append(l.all, e)
}

// state is what a store says of the fleet, without the times at which the broker took what.
type state struct {
	Modules []inventory.Module
	Reports map[string][]string // gateway → ids of reports, oldest first
	Events  []string
	Seqs    map[string]inventory.Order // gateway → order of its newest report
}

func stateOf(t *testing.T, s store.Store) state {
	t.Helper()
	ctx := t.Context()
	out := state{Reports: map[string][]string{}, Seqs: map[string]inventory.Order{}}
	ms, err := s.Modules(ctx, store.ModuleFilter{}, store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range ms.Items {
		out.Modules = append(out.Modules, inventory.Module{ID: m.Gateway + " " + m.ID, State: m.State, Identity: m.Identity, Origin: m.Origin})
	}
	gs, err := s.Gateways(ctx, store.GatewayFilter{}, store.Page{Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, g := range gs.Items {
		out.Seqs[g.ID] = g.Order
		rs, err := s.Reports(ctx, g.ID, store.Page{Limit: 1000})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range rs.Items {
			out.Reports[g.ID] = append(out.Reports[g.ID], r.ID)
		}
	}
	es, err := s.EventsAfter(ctx, 0, 100_000)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		out.Events = append(out.Events, fmt.Sprint(e.Kind, e.Gateway, e.Module, e.Order, e.Report))
	}
	slices.Sort(out.Events)
	return out
}

// expected is what a collector makes of the same messages when nothing fails.
func (c *cluster) expected(es []*inventory.Envelope) state {
	c.t.Helper()
	s := c.newStore()
	for part := range slices.Chunk(es, 500) {
		if _, err := collector.Take(c.t.Context(), collector.Settings{Store: s, Base: c.base}, part...); err != nil {
			c.t.Fatal(err)
		}
	}
	return stateOf(c.t, s)
}

// The leader of the stream is killed with SIGKILL while a fleet reports, comes back, and its
// successor is killed in turn: what the collector shows in the end is what it shows of the
// same messages when nothing fails. Nothing is lost, nothing is there twice.
func TestLeadersAreKilled(t *testing.T) {
	c := newCluster(t)
	f, err := fleet.New(fleet.Settings{Gateways: 200, Seed: 20261122, Boot: 1, Change: 0.2, Base: c.base})
	if err != nil {
		t.Fatal(err)
	}
	var out ledger
	load := fleet.Load{Rate: 400, Duration: 4 * time.Second, Published: out.add}
	for range 4 {
		load.Conns = append(load.Conns, c.connect())
	}
	done := make(chan error, 1)
	var figures fleet.Figures
	go func() {
		var err error
		figures, err = f.Run(t.Context(), load)
		done <- err
	}()
	for range 2 {
		time.Sleep(time.Second) // load, not waiting for anything
		killed := c.leader()
		killed.kill()
		c.leader() // another one
		killed.start()
		c.whole() // else the next kill would leave no majority
	}
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	c.collected()
	got, want := stateOf(t, c.store), c.expected(out.all)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("the collector's state differs from that without faults (-want +got):\n%s", diff)
	}
	stored := 0
	for _, ids := range got.Reports {
		stored += len(ids)
	}
	if figures.Lost != 0 || figures.Acknowledged != figures.Reports || stored != len(out.all) || stored != int(figures.Reports) {
		t.Errorf("published %d, stored %d: %+v", len(out.all), stored, figures)
	}
	t.Logf("%d reports, %d sent again; until the acknowledgement 50 %% %v, 99 %% %v, longest %v; nothing lost, nothing twice",
		figures.Reports, figures.Again, figures.P50, figures.P99, figures.Max)
}
