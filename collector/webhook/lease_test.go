package webhook_test

import (
	"log/slog"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/postgres"
	"github.com/rollcall-iot/rollcall/collector/store/postgres/postgrestest"
	"github.com/rollcall-iot/rollcall/collector/webhook"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// locked is a writer for loggers of several goroutines.
type locked struct {
	mu *sync.Mutex
	b  *strings.Builder
}

func (l locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func logTo(mu *sync.Mutex, b *strings.Builder) *slog.Logger {
	return slog.New(slog.NewTextHandler(locked{mu, b}, nil))
}

// Two collectors on one store: each event goes out once, also where the one that sends ends in
// an orderly way, and the other one takes over.
func TestOneOfTwoSends(t *testing.T) {
	t.Parallel()
	f := newFleet(t)
	oneOfTwoSends(t, f, f)
}

// The same, where each collector has its own connections to a shared server, on which both store
// events at the same time.
func TestOneOfTwoSendsOnPostgres(t *testing.T) {
	t.Parallel()
	address := postgrestest.Start(t).Database(t)
	open := func() *fleet {
		s, err := postgres.Open(t.Context(), address)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return &fleet{Store: s, t: t}
	}
	one, two := open(), open()
	two.n = 1_000_000 // other gateways
	oneOfTwoSends(t, one, two)
}

// oneOfTwoSends: first and second are the stores of two collectors, or the same one.
func oneOfTwoSends(t *testing.T, first, second *fleet) {
	t.Helper()
	broker, r := natslinktest.Start(t, natslinktest.Settings{}), newReceiver(t)
	const n = 50
	collector := func(f *fleet) (stop func()) {
		js := broker.JetStream(natslinktest.User{})
		h := r.hook()
		h.Timeout = time.Second
		s := settings(f, h)
		s.Dead, s.Lease = deadletter.New(js, 1), webhook.NewLease(webhook.LeaseSettings{JetStream: js, Key: "webhooks.test", Length: 20 * time.Second})
		return start(t, s)
	}
	happen := func() {
		var wg sync.WaitGroup
		for _, f := range slices.Compact([]*fleet{first, second}) {
			wg.Go(func() {
				for range n {
					f.happen(store.GatewayNew)
				}
			})
		}
		wg.Wait()
	}
	each := n * len(slices.Compact([]*fleet{first, second}))
	stop := collector(first)
	marked(t, first, "ops") // it has the lease
	collector(second)
	happen()
	r.wait(each)
	stop()
	happen()
	got := subjects(r.wait(2 * each))
	if unique := slices.Compact(slices.Sorted(slices.Values(got))); len(unique) != 2*each || len(got) != 2*each {
		t.Errorf("%d requests for %d events", len(got), len(unique))
	}
}
