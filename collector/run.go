package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/batchverify"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// collector is one running collector.
type collector struct {
	s       Settings
	js      jetstream.JetStream
	know    *judge.Knowledge
	twins   *twins
	keys    *keyring
	decoded batchverify.Keys // keys that sign
	digests *digests
	packer  *store.Packer
	alike   atomic.Pointer[alike] // of the knowledge that was last asked for
	metrics *metrics
	health  health
	asker   *asker
	outbox  *outbox
	dead    *dead
	access  *access.Guard // nil: nothing is served
	begun   sync.Once     // Ready was called
	// ackWait is when the broker delivers again what was not acknowledged, nakWait when
	// what could not be stored. drainTime is what a collector that ends takes to store what
	// it has in hand.
	ackWait, nakWait, drainTime time.Duration
	anewBatch                   int
	saidMu                      sync.Mutex
	streamTold                  map[string]string    // how each stream differs, as the log was told
	said                        map[string]complaint // of what failed
}

func newCollector(s Settings) (*collector, error) {
	s = s.withDefaults()
	if s.Conn == nil || s.Store == nil || s.Knowledge == nil {
		return nil, errors.New("cannot start the collector: Conn, Store and Base are needed")
	}
	js, err := jetstream.New(s.Conn)
	if err != nil {
		return nil, fmt.Errorf("cannot start the collector: %w", err)
	}
	c := &collector{s: s, js: js, know: s.Knowledge, twins: newTwins(), keys: newKeyring(s.Keys), digests: newDigests(), packer: store.NewPacker(), metrics: newMetrics(s.Metrics, s.Store),
		ackWait: s.AckWait, nakWait: 5 * time.Second, drainTime: 10 * time.Second, anewBatch: anewBatch}
	c.metrics.watch(s.Metrics, s.Knowledge)
	watchSearch(s.Metrics, s.Store)
	c.asker = newAsker(s.Conn, s.Log, s.Now)
	c.outbox = newOutbox(js, s.Store, s.Log)
	c.outbox.replicas = s.Replicas
	c.dead = newDead(js, s.Replicas, s.Log, s.Metrics)
	return c, nil
}

// Run collects and serves until ctx ends; then it stores what it has in hand, ends open
// requests and returns nil. A broker that is away or comes back empty is waited for. It
// returns an error when it cannot do its work at all: a listener that must not be open, or a
// stream whose configuration is dangerous.
func Run(ctx context.Context, s Settings) error {
	c, err := newCollector(s)
	if err != nil {
		if s.Listener != nil {
			_ = s.Listener.Close()
		}
		return err
	}
	return c.run(ctx)
}

func (c *collector) run(ctx context.Context) error {
	server, err := c.server(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	for _, task := range []func(context.Context){c.asker.run, c.answerNATS, c.outbox.run, c.keepStreams, c.keepHouse, c.keepJudged, c.keepTwins, c.keepSearch} {
		wg.Go(func() { task(ctx) })
	}
	if server != nil {
		wg.Go(func() {
			if err := server.Run(ctx); err != nil {
				cancel(err)
			}
		})
		wg.Go(func() { c.access.Keep(ctx) })
	}
	err = c.sessions(ctx)
	cancel(nil)
	wg.Wait()
	if cause := context.Cause(ctx); err == nil && cause != nil && !errors.Is(cause, context.Canceled) {
		err = cause
	}
	return err
}

// sessions consumes, and begins anew what breaks.
func (c *collector) sessions(ctx context.Context) error {
	for n := 1; ; n++ {
		start := time.Now()
		err := c.consume(ctx)
		if ctx.Err() != nil {
			return nil
		}
		var dangerous *natslink.StreamError
		if errors.As(err, &dangerous) {
			return fmt.Errorf("the collector does not start: %w", err)
		}
		c.health.lost(err)
		if time.Since(start) > time.Minute {
			n = 1
		}
		pause := natslink.Backoff(n, time.Second, 30*time.Second)
		c.s.Log.Warn("not consuming; trying again", "error", err, "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return nil
		}
	}
}
