package collector

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

const (
	// anewBatch is how many gateways are looked at together, where not told otherwise, anewPut
	// how many that change are stored in one transaction: reports arrive meanwhile.
	anewBatch = 4000
	anewPut   = 500
	anewRetry = time.Minute
)

// keepJudged judges the fleet again when knowledge changes and when time changes what is found,
// until ctx ends.
func (c *collector) keepJudged(ctx context.Context) {
	tick := time.NewTicker(sweepEvery)
	defer tick.Stop()
	var done store.Judgement
	var again time.Time
	for {
		if to := c.judgement(); to != done && !c.s.Now().Before(again) {
			err := c.judgeAnew(ctx)
			c.report("judge the fleet anew", err)
			if err == nil {
				done = to
			} else {
				again = c.s.Now().Add(anewRetry)
			}
		}
		select {
		case <-c.know.Changed():
			done, again = store.Judgement{}, time.Time{}
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// judgement is what gateways are judged by now.
func (c *collector) judgement() store.Judgement {
	k := c.know.Now()
	return store.Judgement{Data: k.Base.Version(), Policy: k.Stamp(c.s.Now())}
}

// anew is one round of judging the fleet again. It goes on where an earlier round ended,
// because each gateway names what it was judged by. What is unchanged is only marked; what is
// not is judged once more in the transaction that stores it, since reports arrive meanwhile.
type anew struct {
	c      *collector
	by     *judge.Known
	alike  *alike
	at     time.Time
	to     store.Judgement
	mu     sync.Mutex
	after  string
	deep   bool // the reports are needed
	err    error
	so     judge.Progress
	cancel context.CancelFunc
}

func (c *collector) judgeAnew(ctx context.Context) error {
	k := c.know.Now()
	a := &anew{c: c, by: k, alike: c.likes(k), at: c.s.Now(), deep: k.Policy != nil && k.Policy.NeedsEvidence()}
	a.to = store.Judgement{Data: k.Base.Version(), Policy: k.Stamp(a.at)}
	n, err := c.s.Store.CountStale(ctx, a.to)
	if err != nil || n == 0 {
		return err
	}
	ctx, a.cancel = context.WithCancel(ctx)
	defer a.cancel()
	a.so = judge.Progress{Running: true, Gateways: n, Began: a.at.UTC(), Data: a.to.Data, Policy: a.to.Policy}
	c.know.SetProgress(a.so)
	var wg sync.WaitGroup
	for range 2 * c.workers() { // half of them wait for the disk
		wg.Go(func() { a.work(ctx) })
	}
	wg.Wait()
	a.so.Running, a.so.Ended = false, c.s.Now().UTC()
	if a.err != nil {
		a.so.Error = a.err.Error()
	}
	c.know.SetProgress(a.so)
	if a.err == nil {
		c.s.Log.Info("judged the fleet anew", "gateways", a.so.Done, "changed", a.so.Changed, "data", a.to.Data, "policy", a.to.Policy,
			"took", a.so.Ended.Sub(a.so.Began).Round(time.Millisecond))
	}
	return a.err
}

// work judges batches until there are no more.
func (a *anew) work(ctx context.Context) {
	for {
		ws, err := a.next(ctx)
		changed := 0
		if err == nil && len(ws) > 0 {
			changed, err = a.batch(ctx, ws)
		}
		a.mu.Lock()
		if err != nil && a.err == nil {
			a.err = err
			a.cancel() // the others need not go on
		}
		a.so.Done, a.so.Changed = a.so.Done+len(ws), a.so.Changed+changed
		a.c.know.SetProgress(a.so)
		a.mu.Unlock()
		a.c.metrics.rejudged.Add(float64(len(ws)))
		if err != nil || len(ws) == 0 || a.c.know.Now() != a.by {
			return
		}
		runtime.Gosched()
	}
}

// next gives the next gateways, with their reports where they are needed.
func (a *anew) next(ctx context.Context) ([]store.Whole, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	ws, err := a.c.s.Store.Stale(ctx, a.to, a.after, a.c.anewBatch, a.deep)
	if err != nil || len(ws) == 0 {
		return nil, err
	}
	for i := range ws {
		if !a.deep && ws[i].Gateway.Data != a.to.Data {
			a.deep = true
			if ws, err = a.c.s.Store.Stale(ctx, a.to, a.after, a.c.anewBatch, true); err != nil || len(ws) == 0 {
				return nil, err
			}
			break
		}
	}
	a.after = ws[len(ws)-1].Gateway.ID
	return ws, nil
}

// batch judges some gateways, and says how many of them changed.
func (a *anew) batch(ctx context.Context, ws []store.Whole) (changed int, err error) {
	same := map[store.Judgement][]string{}
	var others []string
	ready := map[string]*received{}
	for i := range ws {
		g := &ws[i].Gateway
		r, unchanged, err := a.judge(&ws[i])
		switch {
		case err != nil:
			return 0, fmt.Errorf("gateway %q: %w", g.ID, err)
		case unchanged:
			same[g.Judgement()] = append(same[g.Judgement()], g.ID)
		default:
			others, ready[g.ID] = append(others, g.ID), r
		}
	}
	for from, ids := range same {
		if err := a.c.s.Store.Judged(ctx, ids, from, a.to); err != nil {
			return 0, err
		}
	}
	for some := range slices.Chunk(others, anewPut) {
		if err := a.c.judgeSome(ctx, some, ready); err != nil {
			return 0, err
		}
	}
	return len(others), nil
}

// judge says whether a gateway's row, modules and findings stay as they are. The report is
// given where it had to be read.
func (a *anew) judge(w *store.Whole) (*received, bool, error) {
	modules := w.Modules
	var r *received
	var full map[string]*inventory.Module
	if w.Packed != nil {
		judged, read, err := a.read(w)
		if err != nil {
			return nil, false, fmt.Errorf("stored evidence: %w", err)
		}
		if r = read; r != nil {
			full = r.full
		}
		if w.Gateway.Data != a.to.Data {
			modules = overlay(modules, judged)
			for i := range modules {
				if !equal(&modules[i], &w.Modules[i]) {
					return r, false, nil
				}
			}
		}
	}
	return r, store.FoundNumber(a.by.Find(&w.Gateway, modules, full, a.at)) == w.Gateway.Found, nil
}

// read judges the newest report of a gateway, or one that says the same.
func (a *anew) read(w *store.Whole) ([]store.Module, *received, error) {
	if a.by.Policy == nil || !a.by.Policy.NeedsEvidence() {
		return a.alike.judged(w.Gateway.ID, w.Gateway.Digest, w.Packed)
	}
	body, err := a.c.packer.Unpack(w.Packed)
	if err != nil {
		return nil, nil, err
	}
	r, err := readStored(body, w.Gateway.Digest)
	if err != nil {
		return nil, nil, err
	}
	r.judge(a.by)
	return r.judged, r, nil
}

// judgeSome judges gateways again and stores what that changes. ready are reports that were
// read already.
func (c *collector) judgeSome(ctx context.Context, ids []string, ready map[string]*received) error {
	if len(ids) == 0 {
		return nil
	}
	return c.settleSome(ctx, ids, func(s *settler, g *store.Gateway) error {
		s.ready = ready
		if g.Data == s.by.Base.Version() && g.Policy == s.by.Stamp(s.at) {
			return nil
		}
		next := *g
		return s.again(g, &next)
	})
}

// settleSome changes gateways for another reason than a report of theirs.
func (c *collector) settleSome(ctx context.Context, ids []string, change func(*settler, *store.Gateway) error) error {
	var events []store.Event
	var imeis []string
	err := c.s.Store.Update(ctx, ids, func(tx store.Tx, known map[string]*store.Gateway) error {
		s := c.settler(tx, known)
		var have []string
		for _, id := range ids {
			if known[id] != nil {
				have = append(have, id)
			}
		}
		if err := s.load(have); err != nil {
			return err
		}
		for _, id := range have {
			if err := change(s, known[id]); err != nil {
				return err
			}
		}
		events, imeis = s.out.Events, s.imeis
		return tx.Put(&s.out)
	})
	if err != nil {
		return err
	}
	c.twins.note(imeis)
	c.tell(events, nil)
	return nil
}

// clearConflict takes a gateway's conflict away, for a person has looked. What the reports
// say stays; another one that contradicts the order raises it again.
func (c *collector) clearConflict(ctx context.Context, gateway, by string) error {
	found := false
	err := c.settleSome(ctx, []string{gateway}, func(s *settler, g *store.Gateway) error {
		if found = true; g.Conflict == "" {
			return nil
		}
		next := *g
		next.Conflict, next.Cleared = "", g.Order
		s.out.Events = append(s.out.Events, store.Event{Kind: store.ConflictCleared, Gateway: gateway, At: s.at,
			Text: fmt.Sprintf("cleared by %s: %s", printable(by, 100), g.Conflict)})
		return s.again(g, &next)
	})
	if err == nil && !found {
		err = fmt.Errorf("cannot clear the conflict of gateway %q: %w", gateway, store.ErrNotFound)
	}
	return err
}
