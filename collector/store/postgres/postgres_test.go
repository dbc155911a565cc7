package postgres_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/postgres"
	"github.com/rollcall-iot/rollcall/collector/store/postgres/postgrestest"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

func open(t testing.TB, address string) store.Store {
	t.Helper()
	s, err := postgres.Open(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// One server serves all tests: to make one takes longer than most of them.
func TestPostgres(t *testing.T) {
	srv := postgrestest.Start(t)
	empty := func(t *testing.T) store.Store { return open(t, srv.Database(t)) }
	t.Run("Conformance", func(t *testing.T) { storetest.Run(t, empty) })
	t.Run("Access", func(t *testing.T) { storetest.Access(t, empty) })
	t.Run("SearchOfMany", func(t *testing.T) {
		storetest.Narrow(t, func(t *testing.T) store.Store {
			s, err := postgres.OpenNarrow(t.Context(), srv.Database(t))
			if err != nil {
				t.Fatal(err)
			}
			t.Cleanup(func() { _ = s.Close() })
			return s
		})
	})
	t.Run("Shared", func(t *testing.T) { shared(t, srv.Database(t)) })
	t.Run("LocksGateways", func(t *testing.T) { locksGateways(t, srv.Database(t)) })
	t.Run("Deadlock", func(t *testing.T) { deadlock(t, srv.Database(t)) })
	t.Run("NewGateways", func(t *testing.T) { newGateways(t, srv.Database(t)) })
	t.Run("EventsInOrder", func(t *testing.T) { eventsInOrder(t, srv.Database(t)) })
	t.Run("OneOrder", func(t *testing.T) { oneOrder(t, srv.Database(t)) })
}

// Several collectors that start at once on an empty database make one schema, and what they
// count at once is counted once each.
func shared(t *testing.T, address string) {
	var wg sync.WaitGroup
	for n := range 4 {
		wg.Go(func() {
			s, err := postgres.Open(t.Context(), address)
			if err != nil {
				t.Error(err)
				return
			}
			defer s.Close()
			for i := range 25 {
				g := storetest.Gateway(storetest.FleetID(100*n+i), 1)
				m := storetest.Module(g.ID, "usb:1-1", "alpha", "CN", "A25", "R1", "")
				err := s.Update(t.Context(), []string{g.ID}, func(tx store.Tx, _ map[string]*store.Gateway) error {
					return tx.Put(&store.Batch{Gateways: []store.Gateway{g}, Modules: []store.Module{m}, Events: []store.Event{{Kind: store.GatewayNew, Gateway: g.ID, At: storetest.Start}}})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := open(t, address)
	f, err := s.Figures(t.Context())
	if err != nil || f.Gateways != 100 || f.Modules != 100 {
		t.Errorf("figures are %+v, %v", f, err)
	}
	if e, err := s.EventsAfter(t.Context(), 0, 1000); err != nil || len(e) != 100 {
		t.Errorf("%d events, %v", len(e), err)
	}
}

// One gateway is never changed by two collectors at once: what is read stays true until it is
// written.
func locksGateways(t *testing.T, address string) {
	stores := []store.Store{open(t, address), open(t, address)}
	var wg sync.WaitGroup
	for _, s := range stores {
		wg.Go(func() {
			for range 50 {
				err := s.Update(t.Context(), []string{"gw-2", "gw-1"}, func(tx store.Tx, known map[string]*store.Gateway) error {
					g := storetest.Gateway("gw-1", 0)
					if k := known["gw-1"]; k != nil {
						g = *k
					}
					g.Seq++
					return tx.Put(&store.Batch{Gateways: []store.Gateway{g}})
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	g, err := stores[0].Gateway(t.Context(), "gw-1")
	if err != nil || g.Seq != 101 {
		t.Errorf("counted to %d, want 101: %v", g.Seq, err)
	}
}

func TestBadAddress(t *testing.T) {
	for _, address := range []string{"postgres://rollcall:hunter2@127.0.0.1:1/none?connect_timeout=2", "postgres://rollcall:hunter2@host:port/", "nonsense hunter2 ="} {
		_, err := postgres.Open(t.Context(), address)
		if err == nil || strings.Contains(err.Error(), "hunter2") {
			t.Errorf("%s: %v", address, err)
		}
	}
}
