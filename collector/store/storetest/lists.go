package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// modulesEveryWay compares every filter and sort, page by page, with a plain search in memory.
func modulesEveryWay(t *testing.T, s store.Store) { findEveryModule(t, s, true) }

// findEveryModule also wants the totals to be known, where exact says so.
func findEveryModule(t *testing.T, s store.Store, exact bool) {
	n, sorts := 400, []string{"", "-gateway", "maker", "-model", "firmware", "state", "-origin"}
	if !exact {
		n, sorts = 150, []string{"", "-gateway", "-maker"}
	}
	total, err := Fleet(t.Context(), s, n)
	if err != nil {
		t.Fatal(err)
	}
	var all []store.Module
	for i := range n {
		all = append(all, FleetModules(i)...)
	}
	if total != len(all) {
		t.Fatalf("made %d modules, want %d", total, len(all))
	}
	Index(t, s)
	filters := []store.ModuleFilter{
		{}, {Maker: []string{"alpha"}}, {Maker: []string{"alpha", "gamma"}, State: []string{"held"}},
		{State: []string{"unanswered"}}, {Maker: []string{"alpha"}, State: []string{"unanswered"}},
		{Origin: []string{"CN"}}, {Origin: []string{"CA/CA"}}, {Origin: []string{"CN/US"}}, {Model: []string{"A25"}, Firmware: []string{"A25-R03"}},
		{Firmware: []string{store.None}}, {Badge: []string{store.None}, Model: []string{"G910"}}, {Conflicted: true},
		{Query: "a25"}, {Query: "gw-00012"}, {Query: "gw-0001", Maker: []string{"gamma"}}, {Query: "nothing"}, {Query: "867012000000"}, {Query: "351712", Model: []string{"G910"}},
		{Query: "r1", State: []string{"identified"}}, {Query: "GW"}, {Query: "gw alpha"}, {Query: "site=north g910 -r01"}, {Query: "host 0000077"}, {Query: "0000012"},
		{Query: "867012 gw"}, {Query: "3517120 north", Maker: []string{"gamma"}}, {Query: "gw-00001 r03"}, {Query: "kind=meter-07"}, {Query: "c0014"}, {Query: "meter-01 alpha"}, {Query: "\" OR * : NEAR("}, {Query: "---"},
		{Query: "north", State: []string{"unanswered"}}, {Gateway: "gw-0000011", Query: "north g910"}, {Gateway: "gw-0000011", Query: "south"},
		{Gateway: "gw-0000011"}, {Gateway: "gw-0000011", Model: []string{"G910"}}, {Gateway: "none"},
	}
	for _, f := range filters {
		if !exact && f.Query == "" {
			continue
		}
		for _, sort := range sorts {
			want := search(all, f, sort)
			got, total, atLeast := collect(t, s, f, store.Page{Limit: 7, Sort: sort}, len(want))
			name := fmt.Sprintf("%+v sort %q", f, sort)
			if (total != len(want) || atLeast) && (exact || !atLeast || total > len(want)) {
				t.Errorf("%s: total is %d (at least: %v), want %d", name, total, atLeast, len(want))
			}
			if !slices.Equal(got, want) {
				t.Errorf("%s: got %d modules %.300v\nwant %d %.300v", name, len(got), got, len(want), want)
			}
		}
	}
}

// collect reads pages to the end; of long lists with short pages only the first few.
func collect(t *testing.T, s store.Store, f store.ModuleFilter, p store.Page, want int) (got []string, total int, atLeast bool) {
	t.Helper()
	for {
		l, err := s.Modules(t.Context(), f, p)
		if err != nil {
			t.Fatalf("%+v: %v", f, err)
		}
		for _, m := range l.Items {
			got = append(got, m.Gateway+" "+m.ID+" "+m.Identity.Firmware)
		}
		if total, atLeast = l.Total, l.AtLeast; l.Next == "" || len(got) > want {
			return got, total, atLeast
		}
		if p.Cursor = l.Next; p.Limit < 100 && len(got) >= 3*p.Limit {
			p.Limit = 500
		}
	}
}

// search is the same question answered by looking at every module.
func search(all []store.Module, f store.ModuleFilter, sort string) []string {
	var ms []store.Module
	for _, m := range all {
		c := m.Facets()
		if f.Match(&c) && (f.Gateway == "" || f.Gateway == m.Gateway) && matchQuery(&m, f) {
			ms = append(ms, m)
		}
	}
	by, desc := strings.CutPrefix(sort, "-")
	terms := store.SearchTerms(f.Query)
	place := func(a, b store.Module) int { return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.ID, b.ID)) }
	kinds := store.CompareCohorts(by)
	slices.SortFunc(ms, func(a, b store.Module) int {
		switch {
		case f.Gateway != "":
			return place(a, b)
		case len(terms) == 1 && store.IMEITerm(terms[0]):
			hit := func(m *store.Module) bool { return strings.HasPrefix(m.Identity.IMEI, terms[0]) }
			switch {
			case hit(&a) && hit(&b):
				return cmp.Or(cmp.Compare(a.Identity.IMEI, b.Identity.IMEI), place(a, b))
			case hit(&a) != hit(&b):
				return map[bool]int{true: -1, false: 1}[hit(&a)]
			}
			return place(a, b)
		case by == "" || by == "gateway":
			if desc {
				return place(b, a)
			}
			return place(a, b)
		}
		c := kinds(store.Cohort{Facets: a.Facets()}, store.Cohort{Facets: b.Facets()})
		if desc {
			c = -c
		}
		return cmp.Or(c, place(a, b))
	})
	var out []string
	for _, m := range ms {
		out = append(out, m.Gateway+" "+m.ID+" "+m.Identity.Firmware)
	}
	return out
}

func matchQuery(m *store.Module, f store.ModuleFilter) bool {
	if f.Query == "" {
		return true
	}
	terms := store.SearchTerms(f.Query)
	i, _ := strconv.Atoi(strings.TrimPrefix(m.Gateway, "gw-"))
	g := FleetGateway(i)
	words, facets := store.SearchWords(&g.Gateway), m.Facets()
	for _, t := range terms {
		if !strings.Contains(facets.SearchText(), t) && !store.HasTerm(words, t) && !(store.IMEITerm(t) && strings.HasPrefix(m.Identity.IMEI, t)) {
			return false
		}
	}
	return len(terms) > 0
}

func gatewaysEveryWay(t *testing.T, s store.Store) { findEveryGateway(t, s, true) }

func findEveryGateway(t *testing.T, s store.Store, exact bool) {
	var b store.Batch
	var ids []string
	for i := range 60 {
		g := Gateway(fmt.Sprintf("gw-%02d", i), 0)
		g.Silent = i%3 == 0
		if i%10 == 0 {
			g.Conflict = "cloned"
		}
		if i%4 == 0 {
			g.Hostname = fmt.Sprintf("gw-1%02d.example", 60-i)
		}
		ids, b.Gateways = append(ids, g.ID), append(b.Gateways, g)
	}
	put(t, s, ids, &b)
	Index(t, s)
	for _, f := range []store.GatewayFilter{{}, {State: "silent"}, {State: "heard"}, {State: "conflict"}, {Query: "gw-1"}, {Query: "gw-1", State: "silent"},
		{Query: "gw 1", State: "heard"}, {Query: "example", State: "conflict"}, {Query: "host"}, {Query: "north"}, {Query: "site=nor EXAMPLE"}, {Query: "site"}, {Query: "zz"}} {
		var want, got []string
		for _, g := range b.Gateways {
			if f.State == "silent" && !g.Silent || f.State == "heard" && g.Silent || f.State == "conflict" && g.Conflict == "" {
				continue
			}
			words := store.SearchWords(&g.Gateway)
			if !slices.ContainsFunc(store.SearchTerms(f.Query), func(t string) bool { return !store.HasTerm(words, t) }) {
				want = append(want, g.ID)
			}
		}
		p := store.Page{Limit: 4}
		for {
			l, err := s.Gateways(t.Context(), f, p)
			if err != nil {
				t.Fatal(err)
			}
			for _, g := range l.Items {
				got = append(got, g.ID)
			}
			if l.Total != len(want) && (exact || f.Query == "" || l.Total >= 0) {
				t.Errorf("%+v: total %d, want %d", f, l.Total, len(want))
			}
			if p.Cursor = l.Next; l.Next == "" || len(got) > 100 {
				break
			}
		}
		same(t, fmt.Sprintf("%+v", f), got, want)
	}
}

func badCursors(t *testing.T, s store.Store) {
	if _, err := Fleet(t.Context(), s, 30); err != nil {
		t.Fatal(err)
	}
	for _, cursor := range []string{"x", "%%%", store.EncodeCursor("events", "1"), store.EncodeCursor("modules/maker", "1", "2", "3"), strings.Repeat("A", 100000)} {
		if _, err := s.Modules(t.Context(), store.ModuleFilter{}, store.Page{Cursor: cursor}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("modules, cursor %.40q: %v", cursor, err)
		}
		if _, err := s.Modules(t.Context(), store.ModuleFilter{}, store.Page{Cursor: cursor, Sort: "maker"}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("modules by maker, cursor %.40q: %v", cursor, err)
		}
		if _, err := s.Gateways(t.Context(), store.GatewayFilter{}, store.Page{Cursor: cursor}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("gateways, cursor %.40q: %v", cursor, err)
		}
		if _, err := s.Reports(t.Context(), "gw-0000001", store.Page{Cursor: cursor}); !errors.Is(err, store.ErrCursor) {
			t.Errorf("reports, cursor %.40q: %v", cursor, err)
		}
	}
	if _, err := s.Events(t.Context(), store.EventFilter{}, store.Page{Cursor: store.EncodeCursor("events", "one")}); !errors.Is(err, store.ErrCursor) {
		t.Errorf("events: %v", err)
	}
}
