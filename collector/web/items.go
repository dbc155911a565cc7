package web

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
)

// items gives the modules that a filter leaves over, each with its evidence, sorted by
// gateway and place, as they are read: a fleet is never held.
func (s *site) items(ctx context.Context, f store.ModuleFilter) iter.Seq2[hbom.Item, error] {
	return func(yield func(hbom.Item, error) bool) {
		p := store.Page{Limit: 1000}
		for first := true; first || p.Cursor != ""; first = false {
			list, err := s.fleet.Store.Modules(ctx, f, p)
			if err != nil {
				yield(hbom.Item{}, err)
				return
			}
			for of := range byGateway(list.Items) {
				if !s.gatewayItems(ctx, of, yield) {
					return
				}
			}
			p.Cursor = list.Next
		}
	}
}

// byGateway cuts a sorted list into one part for each gateway, in the order of places.
func byGateway(ms []store.Module) iter.Seq[[]store.Module] {
	return func(yield func([]store.Module) bool) {
		for len(ms) > 0 {
			n := slices.IndexFunc(ms, func(m store.Module) bool { return m.Gateway != ms[0].Gateway })
			if n < 0 {
				n = len(ms)
			}
			part := ms[:n]
			slices.SortFunc(part, func(a, b store.Module) int { return cmp.Compare(a.ID, b.ID) })
			if !yield(part) {
				return
			}
			ms = ms[n:]
		}
	}
}

func (s *site) gatewayItems(ctx context.Context, rows []store.Module, yield func(hbom.Item, error) bool) bool {
	g, proven, err := s.proven(ctx, rows[0].Gateway)
	if errors.Is(err, store.ErrNotFound) {
		return true // it was forgotten since the list was read
	}
	if err != nil {
		return yield(hbom.Item{}, err)
	}
	for i := range rows {
		m, ok := proven[rows[i].ID]
		if !ok {
			m = bare(&rows[i])
		}
		m.ID = rows[i].ID
		if !yield(hbom.Item{Gateway: g.Gateway, Module: m}, nil) {
			return false
		}
	}
	return true
}

// proven judges the modules of a gateway's newest report, by their place.
func (s *site) proven(ctx context.Context, id string) (store.Gateway, map[string]inventory.Module, error) {
	g, err := s.fleet.Store.Gateway(ctx, id)
	if err != nil {
		return g, nil, err
	}
	e, err := s.fleet.Store.Evidence(ctx, id, g.Digest)
	if errors.Is(err, store.ErrNotFound) {
		return g, nil, nil
	}
	if err != nil {
		return g, nil, err
	}
	r, err := inventory.DecodeReport(e.Body)
	if err != nil {
		return g, nil, err
	}
	out := make(map[string]inventory.Module, len(r.Modules))
	for _, m := range judge.Report(s.fleet.Base, r) {
		out[clean.Line(m.ID)] = m
	}
	return g, out, nil
}

// bare is what a row says of a module whose evidence is not kept.
func bare(m *store.Module) inventory.Module {
	return inventory.Module{State: m.State, Identity: m.Identity, Origin: m.Origin, Confidence: m.Confidence, Possible: m.Possible, Seems: m.Seems}
}

// knower is knowledge that also knows companies; *fingerprint.Base is one.
type knower interface {
	Maker(slug string) (fingerprint.Maker, bool)
}

// knower gives the one in use, where there is one.
func (s *site) knower() (knower, bool) {
	base := s.fleet.Base
	if k, ok := base.(*judge.Knowledge); ok {
		base = k.Now().Base
	}
	k, ok := base.(knower)
	return k, ok
}

// companies tells a bill of materials what the knowledge has about makers and badges.
type companies struct{ base knower }

func (c companies) Company(slug string) (hbom.Company, bool) {
	m, ok := c.base.Maker(slug)
	return hbom.Company{Name: cmp.Or(m.Legal, m.Name), Country: m.Country}, ok
}
