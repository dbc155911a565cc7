package collector

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

const (
	sweepEvery   = 30 * time.Second
	figuresEvery = 10 * time.Minute
	pruneEvery   = 6 * time.Hour
	keepRejected = 10_000
)

// keepHouse does what is due from time to time, until ctx ends.
func (c *collector) keepHouse(ctx context.Context) {
	sweep, figures, prune := time.NewTicker(sweepEvery), time.NewTicker(figuresEvery), time.NewTicker(pruneEvery)
	defer sweep.Stop()
	defer figures.Stop()
	defer prune.Stop()
	c.report("record the figures", c.s.Store.RecordFigures(ctx, c.s.Now()))
	c.report("judge the fleet anew", c.judgeAnew(ctx))
	for {
		select {
		case <-sweep.C:
			c.report("look for silent gateways", c.sweep(ctx))
		case <-figures.C:
			c.report("record the figures", c.s.Store.RecordFigures(ctx, c.s.Now()))
		case <-prune.C:
			_, err := c.s.Store.Prune(ctx, c.s.Now().Add(-c.s.Keep), keepRejected)
			c.report("forget old reports", err)
		case <-ctx.Done():
			return
		}
	}
}

func (c *collector) report(what string, err error) {
	if err != nil && !errors.Is(err, context.Canceled) {
		c.s.Log.Error("cannot "+what, "error", err)
	}
}

// sweep marks gateways that have gone silent. While the collector itself was not listening
// for as long, or has a backlog, silence proves nothing.
func (c *collector) sweep(ctx context.Context) error {
	since, cons := c.health.listening()
	if cons == nil || c.s.Now().Sub(since) < c.s.Silence {
		return nil
	}
	info, err := cons.Info(ctx)
	if err != nil || info.NumPending > 0 || info.NumAckPending > 0 {
		return err
	}
	for {
		ids, err := c.s.Store.Quiet(ctx, c.s.Now().Add(-c.s.Silence), 500)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := c.silence(ctx, ids); err != nil {
			return err
		}
	}
}

// silence marks the gateways among ids that are still quiet.
func (c *collector) silence(ctx context.Context, ids []string) error {
	before := c.s.Now().Add(-c.s.Silence)
	err := c.s.Store.Update(ctx, ids, func(tx store.Tx, known map[string]*store.Gateway) error {
		var b store.Batch
		for _, id := range ids {
			g := known[id]
			if g == nil || g.Silent || !g.Seen.Before(before) {
				continue
			}
			g.Silent = true
			b.Gateways = append(b.Gateways, *g)
			b.Events = append(b.Events, store.Event{Kind: store.GatewaySilent, Gateway: id, At: c.s.Now().UTC().Truncate(time.Microsecond)})
		}
		return tx.Put(&b)
	})
	if err == nil {
		c.outbox.wake()
	}
	return err
}
