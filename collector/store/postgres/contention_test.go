package postgres_test

import (
	"context"
	"fmt"
	"sync"
	"testing"
	"time"

	"github.com/jackc/pgx/v5"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

func connect(t *testing.T, address string) *pgx.Conn {
	t.Helper()
	c, err := pgx.Connect(t.Context(), address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close(context.Background()) })
	return c
}

func do(t *testing.T, c *pgx.Conn, q string) {
	t.Helper()
	if _, err := c.Exec(t.Context(), q); err != nil {
		t.Errorf("%s: %v", q, err)
	}
}

// deadlock: an update and somebody else wait for each other, and the server ends the update. It
// runs again, on what the other one has left.
func deadlock(t *testing.T, address string) {
	watch, other := connect(t, address), connect(t, address)
	do(t, watch, "DO $$ BEGIN EXECUTE format('ALTER DATABASE %I SET deadlock_timeout = 100', current_database()); END $$")
	do(t, other, "SET deadlock_timeout = '1h'") // never the one that is ended
	s := open(t, address)
	module := func(firmware string) store.Module {
		return storetest.Module("gw-1", "usb:1-1", "alpha", "CN", "A25", firmware, "")
	}
	put := func(g store.Gateway, m store.Module) func(store.Tx, map[string]*store.Gateway) error {
		return func(tx store.Tx, _ map[string]*store.Gateway) error {
			return tx.Put(&store.Batch{Gateways: []store.Gateway{g}, Modules: []store.Module{m}})
		}
	}
	if err := s.Update(t.Context(), []string{"gw-1"}, put(storetest.Gateway("gw-1", 1), module("R1"))); err != nil {
		t.Fatal(err)
	}
	do(t, other, "BEGIN")
	do(t, other, "SELECT 1 FROM cohorts FOR UPDATE")
	freed := make(chan struct{})
	runs := 0
	err := s.Update(t.Context(), []string{"gw-1"}, func(tx store.Tx, known map[string]*store.Gateway) error {
		if runs++; runs == 1 {
			go func() {
				defer close(freed)
				do(t, other, "UPDATE gateways SET hostname = 'other' WHERE id = 'gw-1'")
				do(t, other, "COMMIT")
			}()
			waiting(t, watch, 1, nil)
		}
		g := *known["gw-1"]
		g.Seq++
		return put(g, module("R2"))(tx, known)
	})
	<-freed
	g, bad := s.Gateway(t.Context(), "gw-1")
	if err != nil || bad != nil || runs < 2 || g.Hostname != "other" || g.Seq != 2 {
		t.Errorf("after %d runs: %v, %v; hostname %q, sequence %d", runs, err, bad, g.Hostname, g.Seq)
	}
}

// waiting returns when so many connections wait for a lock, or done is closed.
func waiting(t *testing.T, watch *pgx.Conn, want int, done <-chan struct{}) {
	t.Helper()
	for end := time.Now().Add(time.Minute); ; time.Sleep(10 * time.Millisecond) {
		n := 0
		err := watch.QueryRow(t.Context(), "SELECT count(*) FROM pg_stat_activity WHERE datname = current_database() AND wait_event_type = 'Lock'").Scan(&n)
		switch {
		case err != nil || time.Now().After(end):
			t.Errorf("%d wait for a lock, not %d: %v", n, want, err)
			return
		case n >= want:
			return
		}
		select {
		case <-done:
			return
		default:
		}
	}
}

// eventsInOrder: while one collector has stored an event and is not done, no other one's event
// with a higher number is seen: whoever reads on from there would never see the first.
func eventsInOrder(t *testing.T, address string) {
	watch, other := connect(t, address), connect(t, address)
	slow, fast := open(t, address), open(t, address)
	do(t, other, "BEGIN")
	do(t, other, "INSERT INTO rejected (sequence, received, subject, gateway, report_key, reason, words, size, body) VALUES (1, 0, '', '', '', '', '', 0, '')")
	happen := func(s store.Store, gateway string, sequence uint64) <-chan struct{} {
		done := make(chan struct{})
		go func() {
			defer close(done)
			err := s.Update(t.Context(), nil, func(tx store.Tx, _ map[string]*store.Gateway) error {
				return tx.Put(&store.Batch{Events: []store.Event{{Kind: store.GatewayNew, Gateway: gateway, At: storetest.Start}},
					Rejected: []store.Rejected{{Sequence: sequence, Received: time.UnixMicro(0)}}})
			})
			if err != nil {
				t.Errorf("%s: %v", gateway, err)
			}
		}()
		return done
	}
	first := happen(slow, "gw-slow", 1) // has stored its event, and waits for the other one's row
	waiting(t, watch, 1, first)
	second := happen(fast, "gw-fast", 2)
	waiting(t, watch, 2, second)
	if seen, err := fast.EventsAfter(t.Context(), 0, 10); err != nil || len(seen) > 0 {
		t.Errorf("seen before the first is: %+v, %v", seen, err)
	}
	do(t, other, "ROLLBACK")
	<-first
	<-second
	if seen, err := fast.EventsAfter(t.Context(), 0, 10); err != nil || len(seen) != 2 || seen[0].Gateway != "gw-slow" {
		t.Errorf("seen in the end: %+v, %v", seen, err)
	}
}

// newGateways: collectors that hear of the same gateways at the same time make each known once,
// and count each message.
func newGateways(t *testing.T, address string) {
	const collectors, rounds, many = 3, 8, 40
	var wg sync.WaitGroup
	for range collectors {
		s := open(t, address)
		wg.Go(func() {
			for round := range rounds {
				var ids []string
				for i := range many {
					ids = append(ids, storetest.FleetID(1000*round+i))
				}
				err := s.Update(t.Context(), ids, func(tx store.Tx, known map[string]*store.Gateway) error {
					var b store.Batch
					for _, id := range ids {
						g := storetest.Gateway(id, 0)
						if k := known[id]; k != nil {
							g = *k
						}
						g.Seq++
						b.Gateways = append(b.Gateways, g)
					}
					return tx.Put(&b)
				})
				if err != nil {
					t.Error(err)
				}
			}
		})
	}
	wg.Wait()
	s := open(t, address)
	first := storetest.Gateway("gw", 0).Seq
	for round := range rounds {
		g, err := s.Gateway(t.Context(), storetest.FleetID(1000*round))
		if err != nil || g.Seq != first+collectors {
			t.Errorf("%q counted to %d, want %d: %v", g.ID, g.Seq, first+collectors, err)
		}
	}
	if f, err := s.Figures(t.Context()); err != nil || f.Gateways != rounds*many {
		t.Errorf("%d gateways, want %d: %v", f.Gateways, rounds*many, err)
	}
}

// oneOrder: collectors whose batches move modules between the same kinds, judge the same
// gateways and find the same never wait for each other in a ring.
func oneOrder(t *testing.T, address string) {
	const collectors, kinds, rounds = 4, 40, 25
	var wg sync.WaitGroup
	for n := range collectors {
		s := open(t, address)
		wg.Go(func() {
			for round := range rounds {
				if err := moveAll(t.Context(), s, n, kinds, round); err != nil {
					t.Error(err)
					return
				}
			}
		})
	}
	wg.Wait()
	watch := connect(t, address)
	do(t, watch, "SELECT pg_stat_force_next_flush()")
	deadlocks := 0
	err := watch.QueryRow(t.Context(), "SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()").Scan(&deadlocks)
	if err != nil || deadlocks > 0 {
		t.Errorf("%d deadlocks, %v", deadlocks, err)
	}
}

// moveAll gives every module of one collector another firmware and another finding, so that the
// counts of all kinds change, and marks gateways of all collectors as judged.
func moveAll(ctx context.Context, s store.Store, n, kinds, round int) error {
	var b store.Batch
	var ids, all []string
	for i := range kinds {
		g := storetest.Gateway(storetest.FleetID(1000*n+i), 1)
		firmware := fmt.Sprint("R", i+round%2*kinds)
		ids, all = append(ids, g.ID), append(all, g.ID, storetest.FleetID(1000*((n+1)%4)+kinds-i))
		b.Gateways = append(b.Gateways, g)
		b.Modules = append(b.Modules, storetest.Module(g.ID, "usb:1-1", "alpha", "CN", "A25", firmware, ""))
		b.Findings = append(b.Findings, store.Found{Gateway: g.ID, Findings: []store.Finding{{Gateway: g.ID, Module: "usb:1-1", Key: firmware, Rule: firmware, Severity: "high",
			Text: firmware, Opened: storetest.Start}}})
	}
	err := s.Update(ctx, ids, func(tx store.Tx, _ map[string]*store.Gateway) error { return tx.Put(&b) })
	if err != nil {
		return err
	}
	g := &b.Gateways[0]
	return s.Judged(ctx, all, g.Judgement(), store.Judgement{Data: g.Data, Policy: fmt.Sprint("round ", round)})
}
