package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"sync"
	"syscall"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// beside is what runs beside a collector: what brings it knowledge (also at SIGHUP), and what tells
// others.
type beside struct {
	c       *configs.Collector
	store   store.Store
	link    *natslink.Link
	log     *slog.Logger
	metrics *prometheus.Registry
}

// start takes up the last good bundle, so that the collector begins with it, and runs the
// rest until stop, which waits for its end.
func (b *beside) start(ctx context.Context, known *ownKnowledge) (stop func(), err error) {
	js, err := jetstream.New(b.link.Conn())
	if err != nil {
		return nil, fmt.Errorf("cannot start the collector: %w", err)
	}
	sender, err := webhooksOf(ctx, b.c, b.store, js, b.metrics, b.log)
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	known.rules = &rulesLog{b.store, b.log}
	bundles, err := followBundles(b.c, known, js, b.metrics)
	if err == nil {
		err = known.complete()
	}
	if err != nil {
		return nil, exit.With(exit.Usage, err)
	}
	known.noteFiles("as the collector started")
	ctx, cancel := context.WithCancel(ctx)
	hangup := make(chan os.Signal, 1)
	signal.Notify(hangup, syscall.SIGHUP)
	var wg sync.WaitGroup
	wg.Go(func() { known.reloadOn(ctx, hangup) })
	wg.Go(func() { sender.Run(ctx) })
	if bundles != nil {
		wg.Go(func() { bundles.Run(ctx) })
	}
	return func() {
		signal.Stop(hangup)
		cancel()
		wg.Wait()
	}, nil
}
