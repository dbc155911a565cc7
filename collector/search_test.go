package collector

import (
	"context"
	"errors"
	"sync/atomic"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// lame stores as it should, and fails to index as often as it is told to.
type lame struct {
	store.Store
	fail atomic.Bool
	done atomic.Int64
}

func (l *lame) IndexSearch(ctx context.Context, limit int) (int, error) {
	if l.fail.Load() {
		return 0, errors.New("the index is away")
	}
	n, err := l.Store.IndexSearch(ctx, limit)
	l.done.Add(int64(n))
	return n, err
}

func searched(t *testing.T, s store.Store, query string) int {
	t.Helper()
	l, err := s.Gateways(t.Context(), store.GatewayFilter{Query: query}, store.Page{Limit: 1000})
	must(t, err)
	return len(l.Items)
}

// A collector that ended after it stored, and before it indexed, leaves nothing that is never
// found: the next one on the same store finishes it, and what is the same again costs no index.
func TestSearchFollowsTheIntake(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	s := &lame{Store: openStore(t)}
	s.fail.Store(true)
	gateways, reports := madeFleet(t, 40)
	publish(t, js, reports...)
	first := start(t, srv, s)
	wantGateways(t, s, 40)
	idle(t, srv, s)
	must(t, first.stop())
	if n := searched(t, s, "gw"); n != 0 {
		t.Fatalf("%d are found that nobody indexed", n)
	}
	s.fail.Store(false)
	start(t, srv, s)
	natslinktest.Eventually(t, "all gateways are found", func() bool { return searched(t, s, "gw") == 40 })
	for i, g := range gateways {
		publish(t, js, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(i))))
	}
	natslinktest.Eventually(t, "the new firmware is known", func() bool {
		l, err := s.Modules(t.Context(), store.ModuleFilter{Query: "alpha r2"}, store.Page{})
		return err == nil && l.Total == 40
	})
	idle(t, srv, s)
	if n, err := s.SearchWaiting(t.Context()); err != nil || n != 0 || s.done.Load() != 40 {
		t.Errorf("%d were indexed and %d wait, though no name or label changed: %v", s.done.Load(), n, err)
	}
}
