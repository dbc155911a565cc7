package collector

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
)

const (
	// twinsEvery is how soon a doubled IMEI is found, twinsAtOnce how many are looked up together.
	twinsEvery  = 2 * time.Second
	twinsAtOnce = 400
	// twinsMost bounds what is remembered; beyond it the whole fleet is looked through instead.
	twinsMost = 100_000
)

// twins looks for IMEIs that more than one module of the fleet reports. It looks after a
// report is stored, not in its transaction: of two collectors that store twins at the same
// moment, the one that looks later sees both.
type twins struct {
	mu    sync.Mutex
	imeis map[string]bool
	all   bool // look through the whole fleet
}

func newTwins() *twins { return &twins{imeis: map[string]bool{}, all: true} }

// note remembers IMEIs that came or went.
func (t *twins) note(imeis []string) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, i := range imeis {
		if len(t.imeis) < twinsMost {
			t.imeis[i] = true
		} else {
			t.all = true
		}
	}
}

func (t *twins) take() (imeis []string, all bool) {
	t.mu.Lock()
	defer t.mu.Unlock()
	for i := range t.imeis {
		imeis = append(imeis, i)
	}
	all, t.all = t.all, false
	clear(t.imeis)
	return imeis, all
}

// keepTwins looks for doubled IMEIs until ctx ends.
func (c *collector) keepTwins(ctx context.Context) {
	tick := time.NewTicker(twinsEvery)
	defer tick.Stop()
	for {
		c.report("look for doubled IMEIs", c.findTwins(ctx))
		select {
		case <-tick.C:
		case <-ctx.Done():
			return
		}
	}
}

// findTwins looks at what came and went since the last time.
func (c *collector) findTwins(ctx context.Context) error {
	imeis, all := c.twins.take()
	var err error
	if all {
		err = c.markTwins(ctx, nil)
	} else {
		slices.Sort(imeis)
		for some := range slices.Chunk(imeis, twinsAtOnce) {
			if err = c.markTwins(ctx, some); err != nil {
				break
			}
		}
	}
	if err != nil { // the next look heals it
		c.twins.mu.Lock()
		c.twins.all = true
		c.twins.mu.Unlock()
	}
	return err
}

// markTwins marks modules whose IMEI others report too, and those of which that is no longer so.
func (c *collector) markTwins(ctx context.Context, imeis []string) error {
	doubles, err := c.s.Store.Doubles(ctx, imeis)
	if err != nil {
		return err
	}
	by := map[string][]store.Double{}
	for _, d := range doubles {
		by[d.IMEI] = append(by[d.IMEI], d)
	}
	change := map[string]map[string][]store.Double{} // by gateway and module: those of its IMEI
	var again []string
	for imei, ds := range by {
		double := judge.Unique(imei) && len(ds) > 1
		for _, d := range ds {
			if d.Marked != double {
				if change[d.Gateway] == nil {
					change[d.Gateway] = map[string][]store.Double{}
				}
				change[d.Gateway][d.ID] = ds
				again = append(again, imei)
			}
		}
	}
	ids := make([]string, 0, len(change))
	for id := range change {
		ids = append(ids, id)
	}
	slices.Sort(ids)
	for some := range slices.Chunk(ids, 200) {
		err := c.settleSome(ctx, some, func(s *settler, g *store.Gateway) error { return s.mark(g, change[g.ID]) })
		if err != nil {
			return err
		}
	}
	c.twins.note(again) // what another gateway reported meanwhile, the next look sees
	return nil
}

// mark marks the modules of one gateway, where they still report the IMEI and no other collector
// was quicker.
func (s *settler) mark(g *store.Gateway, change map[string][]store.Double) error {
	modules, err := s.modules(g.ID)
	if err != nil {
		return err
	}
	marked := slices.Clone(modules)
	for i := range marked {
		m := &marked[i]
		ds := change[m.ID]
		was := slices.IndexFunc(ds, func(d store.Double) bool { return d.ModuleKey == m.ModuleKey })
		if was < 0 || ds[was].IMEI != m.Identity.IMEI || ds[was].Marked != m.Duplicate {
			continue
		}
		m.Duplicate = !m.Duplicate
		if m.Duplicate {
			s.out.Events = append(s.out.Events, store.Event{Kind: store.IMEIDuplicate, Gateway: g.ID, Module: m.ID, At: s.at, To: m.Brief(), Text: others(m, ds)})
		}
	}
	next := *g
	return s.againWith(g, &next, marked)
}

// others names the other modules of an IMEI.
func others(m *store.Module, ds []store.Double) string {
	var names []string
	for _, d := range ds {
		if d.ModuleKey == m.ModuleKey {
			continue
		}
		if len(names) == 3 {
			names = append(names, fmt.Sprintf("%d more", len(ds)-4))
			break
		}
		names = append(names, d.Gateway+" "+d.ID)
	}
	return "the same IMEI is reported by " + strings.Join(names, ", ")
}
