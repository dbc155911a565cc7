package collector

import (
	"context"
	"errors"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/store"
)

const (
	sweepEvery   = 30 * time.Second
	clockStep    = 2 * time.Minute  // more than clocks drift apart between two sweeps
	pruneFirst   = 15 * time.Minute // a collector that never runs for long forgets, too
	figuresEvery = 10 * time.Minute
	silentEvery  = time.Hour
	pruneEvery   = 6 * time.Hour
	keepRejected = 10_000
)

// keepHouse does what is due from time to time, until ctx ends.
func (c *collector) keepHouse(ctx context.Context) {
	sweep, figures, prune := time.NewTicker(sweepEvery), time.NewTicker(figuresEvery), time.NewTimer(pruneFirst)
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
			prune.Reset(pruneEvery)
			c.twins.mu.Lock()
			c.twins.all = true // what a crash left unmarked
			c.twins.mu.Unlock()
			c.report("forget what is past", c.prune(ctx))
		case <-ctx.Done():
			return
		}
	}
}

// sayAgain is how often the log hears that something still fails for the same reason.
const sayAgain = 10 * time.Minute

// report tells the log what failed, once for each reason: a store that is away for a night would
// fill it otherwise, since much is tried twice a second.
func (c *collector) report(what string, err error) {
	if errors.Is(err, context.Canceled) {
		return
	}
	text, now := "", c.s.Now()
	if err != nil {
		text = err.Error()
	}
	c.saidMu.Lock()
	was := c.said[what]
	news := text != was.text || text != "" && now.Sub(was.at) >= sayAgain
	if news {
		if c.said == nil {
			c.said = map[string]complaint{}
		}
		c.said[what] = complaint{text, now}
	}
	c.saidMu.Unlock()
	if news && err != nil {
		c.s.Log.Error("cannot "+what, "error", err)
	}
}

// complaint is what the log heard last of one thing, and when.
type complaint struct {
	text string
	at   time.Time
}

// ages are how old history may at most be where it takes too many bytes, in days; tried in turn.
func ages() []int { return []int{365, 180, 90, 45, 21, 10, 5, 2, 1} }

// prune forgets what is past: by age, and then by size, the oldest first.
func (c *collector) prune(ctx context.Context) error {
	now, keep := c.earlier(ctx), c.s.Keep
	f := store.Forget{Unchanged: now.Add(-keep.Unchanged), Rejected: keepRejected}
	if keep.History > 0 {
		f.History = now.Add(-keep.History)
	}
	n, err := c.s.Store.Prune(ctx, f)
	if err != nil || keep.Bytes == 0 {
		return err
	}
	size, err := c.s.Store.HistoryBytes(ctx)
	for _, days := range ages() {
		if err != nil || size <= keep.Bytes {
			break
		}
		if at := now.AddDate(0, 0, -days); f.History.Before(at) {
			f.History, f.Unchanged = at, at
			more := int64(0)
			if more, err = c.s.Store.Prune(ctx, f); err == nil {
				size, err = c.s.Store.HistoryBytes(ctx)
			}
			n += more
		}
	}
	switch {
	case err == nil && size > keep.Bytes:
		c.s.Log.Warn("the last day alone takes more than keep.history_bytes", "bytes", size, "bound", keep.Bytes)
	case err == nil && n > 0:
		c.s.Log.Info("forgot what is past", "rows", n, "bytes", size)
	}
	return err
}

// earlier is the time by the collector's clock, or by the broker's where that is behind: what is
// forgotten is gone, and one clock that is years ahead forgets nothing.
func (c *collector) earlier(ctx context.Context) time.Time {
	now := c.s.Now()
	_, cons := c.health.listening()
	if cons == nil {
		return now
	}
	if info, err := cons.Info(ctx); err == nil {
		if at := c.brokersTime(info); at.Before(now) {
			return at
		}
	}
	return now
}

// sweep marks gateways that have gone silent. While the collector itself was not listening
// for as long, or has a backlog, silence proves nothing.
func (c *collector) sweep(ctx context.Context) error {
	since, cons := c.health.listening()
	if cons == nil {
		return nil
	}
	info, err := cons.Info(ctx)
	if err != nil {
		return err
	}
	at := c.brokersTime(info)
	if slept := c.health.swept(at, c.s.Now()); slept || c.s.Now().Sub(since) < c.s.Silence || info.NumPending > 0 || info.NumAckPending > 0 {
		return nil
	}
	for {
		ids, err := c.s.Store.Quiet(ctx, at.Add(-c.s.Silence), 500)
		if err != nil || len(ids) == 0 {
			return err
		}
		if err := c.silence(ctx, ids, at); err != nil {
			return err
		}
	}
}

// brokersTime is what the broker's clock says. Gateways are heard by that clock, so whether one is
// silent is a matter of it alone, however wrong the collector's own is.
func (c *collector) brokersTime(info *jetstream.ConsumerInfo) time.Time {
	if info.TimeStamp.IsZero() { // a server before 2.10
		return c.s.Now()
	}
	return c.s.Now().Add(time.Until(info.TimeStamp))
}

// silence marks the gateways among ids that are still quiet at a time of the broker's clock.
func (c *collector) silence(ctx context.Context, ids []string, at time.Time) error {
	before := at.Add(-c.s.Silence)
	return c.settleSome(ctx, ids, func(s *settler, g *store.Gateway) error {
		if g.Silent || !g.Seen.Before(before) {
			return nil
		}
		next := *g
		next.Silent = true
		s.out.Events = append(s.out.Events, store.Event{Kind: store.GatewaySilent, Gateway: g.ID, At: s.at})
		return s.again(g, &next)
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
			return s.again(g, &next)
		})
		if page.Cursor = l.Next; err != nil || page.Cursor == "" {
			return err
		}
	}
}
