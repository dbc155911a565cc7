package storetest

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Narrow holds a store that looks through few rows at once to the same answers: what a fleet of
// a million is searched by, walks and all, is tried with hundreds.
func Narrow(t *testing.T, open func(*testing.T) store.Store) {
	t.Run("Modules", func(t *testing.T) { findEveryModule(t, open(t), false) })
	t.Run("Gateways", func(t *testing.T) { findEveryGateway(t, open(t), false) })
	t.Run("Findings", func(t *testing.T) { findEveryFinding(t, open(t), false) })
	t.Run("Words", func(t *testing.T) { searchWords(t, open(t)) })
}

// found gives the ids of the gateways that a query finds.
func found(t *testing.T, s store.Store, query string) []string {
	t.Helper()
	var ids []string
	for p := (store.Page{}); ; {
		l, err := s.Gateways(t.Context(), store.GatewayFilter{Query: query}, p)
		if err != nil {
			t.Fatalf("%.40q: %v", query, err)
		}
		for _, g := range l.Items {
			ids = append(ids, g.ID)
		}
		if p.Cursor = l.Next; p.Cursor == "" {
			return ids
		}
	}
}

func putNamed(t *testing.T, s store.Store, id, hostname string, labels map[string]string) {
	t.Helper()
	g := Gateway(id, 1)
	g.Hostname, g.Labels = hostname, labels
	put(t, s, []string{id}, &store.Batch{Gateways: []store.Gateway{g}, Modules: []store.Module{
		Module(id, "usb:1-1", "sierra-wireless", "CA", "EM7455", "SWI9X30C_02.24.05.06", "014582000000007")}})
}

// searchWords: what operators type finds what they mean, in both databases alike.
func searchWords(t *testing.T, s store.Store) {
	putNamed(t, s, "gw-0417", "crane-7.harbour.example", map[string]string{"site": "substation", "owner": "Zürich Süd"})
	putNamed(t, s, "gw-0418", "crane-8.harbour.example", map[string]string{"site": "north-yard", "kind": "substation"})
	putNamed(t, s, "plc0417b", "", map[string]string{"SITE": "Öl & Gas", "Район": "Север", "場所": "東京都", "e": "1e5 -12 v1.2.3 a@b.c http://x.y/z"})
	Index(t, s)
	for query, want := range map[string][]string{
		"gw-0417": {"gw-0417"}, "GW-04": {"gw-0417", "gw-0418"}, "0417": {"gw-0417", "plc0417b"}, "plc": {"plc0417b"}, "417": nil, "w-0417": nil,
		"substation": {"gw-0417", "gw-0418"}, "subst": {"gw-0417", "gw-0418"}, "site=substation": {"gw-0417"}, "SITE=Sub": {"gw-0417"}, "site:substation": {"gw-0417"},
		"site=north": {"gw-0418"}, "site=yard": nil, "north yard": {"gw-0418"}, "yard north": {"gw-0418"}, "north-yard": {"gw-0418"}, "yard-north": nil,
		"crane harbour": {"gw-0417", "gw-0418"}, "crane-8": {"gw-0418"}, "8.harb": {"gw-0418"}, "crane  \t 7": {"gw-0417"}, "crane site=substation": {"gw-0417"},
		"zurich": {"gw-0417"}, "ZÜRICH sud": {"gw-0417"}, "su\u0308d": {"gw-0417"}, "север": {"plc0417b"}, "СЕВ": {"plc0417b"}, "東京": {"plc0417b"}, "ｇｗ": {"gw-0417", "gw-0418"},
		"1e5": {"plc0417b"}, "12": {"plc0417b"}, "v1.2": {"plc0417b"}, "a@b": {"plc0417b"}, "http://x.y/z": {"plc0417b"}, "öl gas": {"plc0417b"}, "& gas": {"plc0417b"},
		"crane substation -- \"": {"gw-0417", "gw-0418"}, "crane nothing": nil, "north substation": {"gw-0418"},
	} {
		same(t, fmt.Sprintf("gateways for %q", query), found(t, s, query), want)
	}
	for query, want := range map[string]int{
		"sierra": 3, "Sierra-Wireless": 3, "wireless EM7455": 3, "02.24.05": 3, "swi9x30c 0417": 2, "014582000000007": 3, "014582": 3, "14582": 0, "014582 0418": 1,
		"em7455 site=substation": 1, "em7455 substation": 2, "em7456": 0, "zürich 7455": 1, "014582000000008": 0,
	} {
		n := 0
		for p := (store.Page{Limit: 2}); ; {
			l, err := s.Modules(t.Context(), store.ModuleFilter{Query: query}, p)
			if err != nil {
				t.Fatalf("%q: %v", query, err)
			}
			n += len(l.Items)
			if p.Cursor = l.Next; p.Cursor == "" {
				break
			}
		}
		if n != want {
			t.Errorf("%q finds %d modules, want %d", query, n, want)
		}
	}
	// What changes is found by its new words only, and what stays the same costs nothing.
	putNamed(t, s, "gw-0418", "crane-9.harbour.example", nil)
	g, err := s.Gateway(t.Context(), "gw-0417")
	if err != nil {
		t.Fatal(err)
	}
	g.Seq++
	put(t, s, []string{g.ID}, &store.Batch{Gateways: []store.Gateway{g}})
	if n, err := s.SearchWaiting(t.Context()); err != nil || n != 1 {
		t.Errorf("%d gateways wait, want one: %v", n, err)
	}
	Index(t, s)
	for query, want := range map[string][]string{"crane-8": nil, "crane-9": {"gw-0418"}, "north-yard": nil, "crane-7": {"gw-0417"}} {
		same(t, fmt.Sprintf("after a change, gateways for %q", query), found(t, s, query), want)
	}
}

// hostileQueries: no question is an error, or finds what it does not say.
func hostileQueries(t *testing.T, s store.Store) {
	putNamed(t, s, "gw-1", "host", map[string]string{"site": "north"})
	Index(t, s)
	long := strings.Repeat("word ", 1<<16/5)
	for _, q := range []string{`"`, `'`, `\`, `""`, `"north`, `north"`, `'north`, "north' OR '1'='1", "NOT north", "north AND", "OR", "NEAR(north, 2)", "north*", "*", "^north", "north:*", "words:north",
		"north & ! north", "north <-> site", "{north}", "(", ")", "- -", "+north", "a\x00b", "\x00", "north\x00", "\xff\xfe", "nor\xffth", "%", "_", "nor%", "$1", "?", "🛰", "🛰 north", "\u202enorth", "\u200b",
		long, strings.Repeat("x", 1<<16), strings.Repeat("é", 1<<15), strings.Repeat("\"", 1<<16), strings.Repeat("a b c d e f g h ", 1<<12), "İ", "ß", "ﬀ", "\u0300", "K"} {
		want := 0
		g, err := s.Gateway(t.Context(), "gw-1")
		if err != nil {
			t.Fatal(err)
		}
		words := store.SearchWords(&g.Gateway)
		if terms := store.SearchTerms(q); len(terms) > 0 && !slices.ContainsFunc(terms, func(x string) bool { return !store.HasTerm(words, x) }) {
			want = 1
		}
		if got := len(found(t, s, q)); got != want {
			t.Errorf("%.40q finds %d gateways, want %d", q, got, want)
		}
		for _, sort := range []string{"", "-gateway", "model"} {
			if _, err := s.Modules(t.Context(), store.ModuleFilter{Query: q}, store.Page{Sort: sort}); err != nil {
				t.Errorf("modules, %.40q: %v", q, err)
			}
		}
		if _, err := s.Findings(t.Context(), store.FindingFilter{Query: q}, store.Page{}); err != nil {
			t.Errorf("findings, %.40q: %v", q, err)
		}
	}
	for _, q := range []string{"north", "🛰 north", "\"north", "north*", "\u202enorth", "north\x00"} {
		if got := found(t, s, q); len(got) != 1 {
			t.Errorf("%q finds %v", q, got)
		}
	}
}

// indexWaits: what is stored waits for the index until it is taken over, whoever does it and
// however often they are stopped.
func indexWaits(t *testing.T, s store.Store) {
	const n = 25
	if _, err := Fleet(t.Context(), s, n); err != nil {
		t.Fatal(err)
	}
	if got := found(t, s, "gw"); len(got) != 0 {
		t.Errorf("found before it was indexed: %v", got)
	}
	stopped, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := s.IndexSearch(stopped, 10); err == nil {
		t.Error("an index that was stopped says nothing")
	}
	for want := n; want > 0; want = max(0, want-10) {
		if got, err := s.SearchWaiting(t.Context()); err != nil || got != want {
			t.Fatalf("%d wait, want %d: %v", got, want, err)
		}
		if got, err := s.IndexSearch(t.Context(), 10); err != nil || got != min(10, want) {
			t.Fatalf("%d were indexed: %v", got, err)
		}
	}
	if got := found(t, s, "gw"); len(got) != n {
		t.Errorf("found %d, want %d", len(got), n)
	}
	err := s.Update(t.Context(), []string{"gw-x"}, func(tx store.Tx, _ map[string]*store.Gateway) error {
		_ = tx.Put(&store.Batch{Gateways: []store.Gateway{Gateway("gw-x", 0)}})
		return errors.New("stop")
	})
	if waiting, werr := s.SearchWaiting(t.Context()); err == nil || werr != nil || waiting != 0 {
		t.Errorf("what was not stored waits: %d, %v, %v", waiting, err, werr)
	}
}

// FuzzTerms holds the words of questions and gateways to what both databases take for one word.
func FuzzTerms(f *testing.F) {
	for _, s := range []string{"gw-0417", "site=substation", "ZÜRICH süd", "a\x00b \xff", "🛰 x", "K ß İ ﬀ ①", strings.Repeat("a-", 100)} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		g := Gateway("gw", 0)
		g.Hostname = s
		words := store.SearchWords(&g.Gateway)
		for _, w := range append(store.SearchTerms(s), strings.Fields(words)...) {
			if w == "" || !utf8.ValidString(w) || strings.ContainsAny(w, " \"'\\\x00") || len(w) > 1000 || w != strings.Trim(w, "-") {
				t.Fatalf("%q gives the word %q", s, w)
			}
		}
		for _, w := range strings.Fields(s) { // what a name says, finds it
			for _, term := range store.SearchTerms(w) {
				if len(strings.Fields(words)) < 10 && !store.HasTerm(words, term) && len(s) < 40 {
					t.Fatalf("%q is not found by %q: %q lack %q", s, w, words, term)
				}
			}
		}
	})
}
