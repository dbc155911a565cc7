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
	silentEvery  = time.Hour
	pruneEvery   = 6 * time.Hour
	keepRejected = 10_000
)

// keepHouse does what is due from time to time, until ctx ends.
func (c *collector) keepHouse(ctx context.Context) {
	sweep, figures, prune := time.NewTicker(sweepEvery), time.NewTicker(figuresEvery), time.NewTicker(pruneEvery)
	defer sweep.Stop()
	defer figures.Stop()
	defer prune.Stop()
	silent := time.NewTicker(silentEvery)
	defer silent.Stop()
	c.report("record the figures", c.s.Store.RecordFigures(ctx, c.s.Now()))
	for {
		select {
		case <-sweep.C:
			c.report("look for silent gateways", c.sweep(ctx))
		case <-figures.C:
			c.report("record the figures", c.s.Store.RecordFigures(ctx, c.s.Now()))
		case <-silent.C:
			c.report("judge silent gateways", c.judgeSilent(ctx))
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
	return c.settleSome(ctx, ids, func(s *settler, g *store.Gateway) error {
		if g.Silent || !g.Seen.Before(before) {
			return nil
		}
		next := *g
		next.Silent = true
		s.out.Events = append(s.out.Events, store.Event{Kind: store.GatewaySilent, Gateway: g.ID, At: s.at})
		if err := s.again(g, &next); err != nil {
			return err
		}
		s.out.Gateways = append(s.out.Gateways, next)
		return nil
	})
}

// judgeSilent judges the gateways that are silent again: how long they have been may matter.
func (c *collector) judgeSilent(ctx context.Context) error {
	p := c.know.Policy()
	if p == nil || !p.Reads("gateway.last_seen") {
		return nil
	}
	for page := (store.Page{Limit: 500}); ; {
		l, err := c.s.Store.Gateways(ctx, store.GatewayFilter{State: "silent"}, page)
		if err != nil || len(l.Items) == 0 {
			return err
		}
		var ids []string
		for i := range l.Items {
			ids = append(ids, l.Items[i].ID)
		}
		err = c.settleSome(ctx, ids, func(s *settler, g *store.Gateway) error {
			next := *g
			if err := s.again(g, &next); err != nil {
				return err
			}
			s.out.Gateways = append(s.out.Gateways, next)
			return nil
		})
		if page.Cursor = l.Next; err != nil || page.Cursor == "" {
			return err
		}
	}
}
