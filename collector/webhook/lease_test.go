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
	broker := natslinktest.Start(t, natslinktest.Settings{})
	f, r := newFleet(t), newReceiver(t)
	const n = 50
	collector := func() (stop func()) {
		js := broker.JetStream(natslinktest.User{})
		h := r.hook()
		h.Timeout = time.Second
		s := settings(f, h)
		s.Dead, s.Lease = deadletter.New(js, 1), webhook.NewLease(webhook.LeaseSettings{JetStream: js, Key: "webhooks.test", Length: 20 * time.Second})
		return start(t, s)
	}
	stop := collector()
	marked(t, f, "ops") // it has the lease
	collector()
	for range n {
		f.happen(store.GatewayNew)
	}
	r.wait(n)
	stop()
	for range n {
		f.happen(store.GatewayNew)
	}
	got := subjects(r.wait(2 * n))
	if unique := slices.Compact(slices.Sorted(slices.Values(got))); len(unique) != 2*n || len(got) != 2*n {
		t.Errorf("%d requests for %d events", len(got), len(unique))
	}
}
