package web

import (
	"cmp"
	"context"
	"errors"
	"iter"
	"slices"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/hbom"
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
	g, err := s.fleet.Store.Gateway(ctx, rows[0].Gateway)
	if errors.Is(err, store.ErrNotFound) {
		return true // it was forgotten since the list was read
	}
	if err != nil {
		return yield(hbom.Item{}, err)
	}
	proven, err := s.fleet.Prove(ctx, rows)
	if err != nil {
		return yield(hbom.Item{}, err)
	}
	found, err := s.findingsByModule(ctx, g.ID)
	if err != nil {
		return yield(hbom.Item{}, err)
	}
	for _, m := range proven {
		if !yield(hbom.Item{Gateway: g.Gateway, Module: whole(m), Findings: found[m.ID]}, nil) {
			return false
		}
	}
	return true
}

// findingsByModule gives what is found of the modules of one gateway.
func (s *site) findingsByModule(ctx context.Context, gateway string) (map[string][]hbom.Finding, error) {
	if s.fleet.Policy() == nil {
		return nil, nil
	}
	out, reasons := map[string][]hbom.Finding{}, map[string]string{}
	for _, e := range s.fleet.Policy().Exceptions() {
		reasons[e.ID] = e.Reason
	}
	for p := (store.Page{Limit: 1000, Sort: "rule"}); ; {
		l, err := s.fleet.Store.Findings(ctx, store.FindingFilter{Gateway: gateway}, p)
		if err != nil {
			return nil, err
		}
		for i := range l.Items {
			f := &l.Items[i]
			out[f.Module] = append(out[f.Module], hbom.Finding{Rule: f.Rule, List: f.List, Edition: f.Edition, Severity: f.Severity,
				Text: f.Text, Source: f.Source, Since: f.Since, Excepted: exceptedBy(f, reasons[f.Exception])})
		}
		if p.Cursor = l.Next; p.Cursor == "" {
			return out, nil
		}
	}
}

// exceptedBy says who accepted a finding, why and until when.
func exceptedBy(f *store.Finding, reason string) string {
	if !f.Covered() {
		return ""
	}
	return f.Owner + ": " + cmp.Or(reason, "exception "+f.Exception) + ", until " + dayOf(f.Until)
}

// whole is a module as a report has it.
func whole(m *fleet.Module) inventory.Module {
	return inventory.Module{ID: m.ID, State: m.State, Identity: m.Identity, Origin: m.Origin, Confidence: m.Confidence,
		Possible: m.Possible, Seems: m.Seems, Evidence: m.Evidence, Conflicts: m.Conflicts, Parts: m.Parts, Ports: m.Ports,
		Device: m.Device, Transcript: m.Transcript, Banner: m.Banner, Reason: m.Reason, Data: m.Data}
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
