package collector

import (
	"context"
	"errors"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// current gives a gateway's modules as this collector's knowledge has them, so that a
// comparison with a new report shows what changed in the field and nothing else. What newer
// knowledge changed becomes events of its own kind.
func (s *settler) current(g *store.Gateway) ([]store.Module, error) {
	modules, err := s.modules(g.ID)
	if err != nil || g.Data == s.base.Version() {
		return orEmpty(modules), err
	}
	row := store.Report{Gateway: g.ID, ID: g.Report, Order: g.Order, Digest: g.Digest}
	r, err := s.body(&row, map[string]*received{})
	if errors.Is(err, store.ErrNotFound) {
		return orEmpty(modules), nil // nothing to judge by
	}
	if err != nil {
		return nil, err
	}
	return s.rejudge(modules, r), nil
}

// rejudge lays the new verdicts over the stored modules, which stay the same modules.
func (s *settler) rejudge(stored []store.Module, r *received) []store.Module {
	verdicts := map[string]*store.Module{}
	for i := range r.judged {
		verdicts[r.judged[i].ID] = &r.judged[i]
	}
	out := make([]store.Module, len(stored))
	for i, m := range stored {
		v := verdicts[m.ID]
		if v == nil {
			out[i] = m
			continue
		}
		n := *v
		n.First, n.Changed = m.First, m.Changed
		if m.Last != nil {
			if full := merge(n.Identity, m.Last.Identity); full != n.Identity {
				n.Last = &store.Last{Identity: full, Origin: m.Last.Origin, Until: m.Last.Until}
			}
		}
		if was, is := m.Facets(), n.Facets(); was != is {
			s.out.Events = append(s.out.Events, store.Event{Kind: store.JudgedAnew, Gateway: r.row.Gateway, Module: m.ID, At: s.at,
				From: m.Brief(), To: n.Brief(), Text: "by data " + s.base.Version()})
		}
		out[i] = n
	}
	return out
}

func orEmpty(ms []store.Module) []store.Module {
	if ms == nil {
		return []store.Module{}
	}
	return ms
}

// judgeAnew judges every gateway whose modules were judged with other knowledge. It goes on
// where an earlier run ended, because each gateway names the knowledge it was judged with.
func (c *collector) judgeAnew(ctx context.Context) error {
	version, after, done := c.s.Base.Version(), "", 0
	for {
		ids, err := c.s.Store.Stale(ctx, version, after, 200)
		if err != nil || len(ids) == 0 {
			if done > 0 && err == nil {
				c.s.Log.Info("judged the fleet anew", "gateways", done, "data", version)
			}
			return err
		}
		if err := c.judgeSome(ctx, ids); err != nil {
			return err
		}
		after, done = ids[len(ids)-1], done+len(ids)
		c.metrics.rejudged.Add(float64(len(ids)))
	}
}

func (c *collector) judgeSome(ctx context.Context, ids []string) error {
	return c.s.Store.Update(ctx, ids, func(tx store.Tx, known map[string]*store.Gateway) error {
		s := c.settler(tx, known)
		var err error
		if s.now, err = tx.Modules(ids); err != nil {
			return err
		}
		for _, id := range ids {
			g := known[id]
			if g == nil || g.Data == c.s.Base.Version() {
				continue
			}
			now, err := s.current(g)
			if err != nil {
				return err
			}
			if err := s.store(id, now); err != nil {
				return err
			}
			g.Data = c.s.Base.Version()
			s.out.Gateways = append(s.out.Gateways, *g)
		}
		return tx.Put(&s.out)
	})
}
