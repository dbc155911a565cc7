package storetest

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Finding makes a finding of a module, or of a gateway where module is "".
func Finding(gateway, module, rule, list, severity string, opened time.Time) store.Finding {
	f := store.Finding{Gateway: gateway, Module: module, Key: rule, Rule: rule, List: list, Severity: severity,
		Text: "what " + rule + " says", Opened: opened, Report: "report-" + gateway, Policy: "policy-1"}
	if list != "" {
		f.Key, f.Edition, f.Source, f.Since = rule+"/"+list, "2026-01", "https://example.org/"+list, Start
	}
	return f
}

// foundGateway is a gateway judged by the policy that Finding names.
func foundGateway(id string, fs []store.Finding) store.Gateway {
	g := Gateway(id, 1)
	g.Policy, g.Found = "policy-1@2026-11-01", store.FoundNumber(fs)
	return g
}

func putFound(t *testing.T, s store.Store, id string, fs ...store.Finding) {
	t.Helper()
	put(t, s, []string{id}, &store.Batch{Gateways: []store.Gateway{foundGateway(id, fs)}, Findings: []store.Found{{Gateway: id, Findings: fs}}})
}

func keepsFindings(t *testing.T, s store.Store) {
	listed := Finding("gw-1", "usb:1-1", "named", "list-a", "high", Start)
	listed.Exception, listed.Owner, listed.Until = "lab", "Jane", Start.AddDate(0, 1, 0)
	failed := Finding("gw-1", "usb:1-1", "breaks", "", "low", Start.Add(time.Hour))
	failed.Failed, failed.Report = true, ""
	own := Finding("gw-1", "", "silent", "", "low", Start.Add(2*time.Hour))
	putFound(t, s, "gw-1", listed, failed, own)
	l, err := s.Findings(t.Context(), store.FindingFilter{}, store.Page{})
	if err != nil {
		t.Fatal(err)
	}
	same(t, "newest first", l, store.FindingList{Items: []store.Finding{own, failed, listed}, Total: 3})
	g, err := s.Gateway(t.Context(), "gw-1")
	if err != nil {
		t.Fatal(err)
	}
	if g.Found == 0 || g.Found != store.FoundNumber([]store.Finding{own, listed, failed}) {
		t.Errorf("its findings are number %d", g.Found)
	}
	// One stays, one changes what it says, one closes, one opens.
	said := failed
	said.Text = "another reason"
	fresh := Finding("gw-1", "usb:1-1", "origin", "", "medium", Start.Add(3*time.Hour))
	err = s.Update(t.Context(), []string{"gw-1"}, func(tx store.Tx, _ map[string]*store.Gateway) error {
		now, err := tx.Findings([]string{"gw-1", "gw-2"})
		if err != nil {
			return err
		}
		want := []store.Finding{own, failed, listed}
		for i := range want {
			want[i].Policy = "" // stands in the gateway
		}
		same(t, "findings in the update", now, map[string][]store.Finding{"gw-1": want})
		return tx.Put(&store.Batch{Findings: []store.Found{{Gateway: "gw-1", Findings: []store.Finding{listed, said, fresh}}}})
	})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := s.Prune(t.Context(), store.Forget{Unchanged: Start}); err != nil { // what is said of open findings stays
		t.Fatal(err)
	}
	if l, err = s.Findings(t.Context(), store.FindingFilter{Gateway: "gw-1"}, store.Page{}); err != nil {
		t.Fatal(err)
	}
	same(t, "the worst first", l, store.FindingList{Items: []store.Finding{listed, fresh, said}, Total: 3})
	putFound(t, s, "gw-1")
	if l, err = s.Findings(t.Context(), store.FindingFilter{}, store.Page{}); err != nil || len(l.Items) > 0 || l.Total != 0 {
		t.Errorf("closed, there are %+v, %v", l, err)
	}
}

func countsFindings(t *testing.T, s store.Store) {
	named := func(gateway, module string) store.Finding {
		return Finding(gateway, module, "named", "list-a", "high", Start)
	}
	covered := named("gw-2", "usb:1-2")
	covered.Exception, covered.Owner, covered.Until = "lab", "Jane", Start
	putFound(t, s, "gw-1", named("gw-1", "usb:1-1"), named("gw-1", "usb:1-2"))
	putFound(t, s, "gw-2", named("gw-2", "usb:1-1"), covered, Finding("gw-2", "", "silent", "", "low", Start))
	counts := func(want ...store.FindingCount) {
		t.Helper()
		got, err := s.FindingCounts(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		slices.SortFunc(got, func(a, b store.FindingCount) int {
			return cmp.Or(-cmp.Compare(store.SeverityRank(a.Severity), store.SeverityRank(b.Severity)), -cmp.Compare(a.Modules, b.Modules))
		})
		same(t, "counts", got, want)
	}
	counts(store.FindingCount{Rule: "named", List: "list-a", Severity: "high", Modules: 3, Gateways: 2},
		store.FindingCount{Rule: "named", List: "list-a", Severity: "high", Covered: true, Modules: 1, Gateways: 1},
		store.FindingCount{Rule: "silent", Severity: "low", Gateways: 1})
	putFound(t, s, "gw-1", named("gw-1", "usb:1-1"))
	putFound(t, s, "gw-2", named("gw-2", "usb:1-1"), named("gw-2", "usb:1-2")) // the exception ended, the silence too
	counts(store.FindingCount{Rule: "named", List: "list-a", Severity: "high", Modules: 3, Gateways: 2})
	putFound(t, s, "gw-1")
	putFound(t, s, "gw-2")
	counts()
}

// An update that fails leaves findings and counts as they were.
func findingsAllOrNothing(t *testing.T, s store.Store) {
	stop := errors.New("stop")
	err := s.Update(t.Context(), []string{"gw-1"}, func(tx store.Tx, _ map[string]*store.Gateway) error {
		f := Finding("gw-1", "usb:1-1", "named", "list-a", "high", Start)
		if err := tx.Put(&store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 1)}, Findings: []store.Found{{Gateway: "gw-1", Findings: []store.Finding{f}}}}); err != nil {
			return err
		}
		return stop
	})
	if !errors.Is(err, stop) {
		t.Fatalf("the function's error is %v", err)
	}
	l, err := s.Findings(t.Context(), store.FindingFilter{}, store.Page{})
	counts, err2 := s.FindingCounts(t.Context())
	if err != nil || err2 != nil || len(l.Items) > 0 || len(counts) > 0 {
		t.Errorf("there are %v, %v (%v, %v)", l, counts, err, err2)
	}
}

// madeFindings are many: rules and lists of all severities, some covered, several at one time.
func madeFindings(t *testing.T, s store.Store) []store.Finding {
	t.Helper()
	var all []store.Finding
	for i := range 40 {
		id := fmt.Sprintf("gw-%02d", i)
		var fs []store.Finding
		for j := range i % 5 {
			f := Finding(id, fmt.Sprintf("usb:1-%d", j%2), fmt.Sprintf("rule-%d", j), []string{"", "list-a", "list-b"}[(i+j)%3],
				store.Severities()[(i*j+j)%5], Start.Add(time.Duration(i*j%7)*time.Minute))
			if (i+j)%4 == 0 {
				f.Exception, f.Owner, f.Until = "lab", "Jane", Start
			}
			fs = append(fs, f)
		}
		if i%6 == 0 {
			fs = append(fs, Finding(id, "", "silent", "", "low", Start.Add(time.Minute)))
		}
		if i == 7 { // rare
			fs = append(fs, Finding(id, "usb:9", "rare", "", "critical", Start))
		}
		putFound(t, s, id, fs...)
		all = append(all, fs...)
	}
	return all
}

func findingsEveryWay(t *testing.T, s store.Store) { findEveryFinding(t, s, true) }

func findEveryFinding(t *testing.T, s store.Store, exact bool) {
	all := madeFindings(t, s)
	Index(t, s)
	for _, f := range []store.FindingFilter{{}, {Severity: []string{"high"}}, {Severity: []string{"high", "low"}, Covered: "no"}, {Rule: []string{"rule-1"}},
		{Rule: []string{"rare"}}, {List: []string{"list-a"}}, {List: []string{store.None}}, {Covered: "yes"}, {Rule: []string{"none"}},
		{Query: "RULE-2"}, {Query: "list-b"}, {Query: "gw-1"}, {Query: "gw-", Severity: []string{"info"}}, {Query: "nothing"},
		{Query: "north"}, {Query: "list-a 24"}, {Query: "rule gw-3", Covered: "no"}, {Query: "%"}, {Gateway: "gw-24", Query: "list-a host"}, {Gateway: "gw-24"}, {Gateway: "gw-24", Module: "usb:1-1"}, {Gateway: "gw-24", Severity: []string{"low"}}, {Gateway: "no"}} {
		for _, sort := range []string{"", "opened", "-opened", "severity", "-severity", "rule", "-rule", "gateway", "-gateway"} {
			what := fmt.Sprintf("%+v sorted by %q", f, sort)
			want := wantFindings(all, f, sort)
			for _, limit := range []int{3, 1000} {
				got := collectFindings(t, s, f, store.Page{Limit: limit, Sort: sort}, len(want), what, exact)
				same(t, fmt.Sprintf("%s, %d at a time", what, limit), got, want)
			}
		}
	}
}

func line(f *store.Finding) string {
	return fmt.Sprint(f.Gateway, " ", f.Module, " ", f.Key, " ", f.Severity, " ", f.Covered())
}

// collectFindings reads pages to the end.
func collectFindings(t *testing.T, s store.Store, f store.FindingFilter, p store.Page, total int, what string, exact bool) []string {
	t.Helper()
	var got []string
	for {
		l, err := s.Findings(t.Context(), f, p)
		if err != nil {
			t.Fatalf("%s: %v", what, err)
		}
		if l.AtLeast && !exact {
			l.Total = total
		} else if l.AtLeast {
			t.Errorf("%s: the total is not known", what)
		}
		if l.Total != total {
			t.Errorf("%s: total is %d (at least: %v), want %d", what, l.Total, l.AtLeast, total)
		}
		for i := range l.Items {
			got = append(got, line(&l.Items[i]))
		}
		if p.Cursor = l.Next; l.Next == "" || len(got) > total {
			return got
		}
	}
}

// wantFindings is the same question answered by looking at every finding.
func wantFindings(all []store.Finding, f store.FindingFilter, sort string) []string {
	var fs []store.Finding
	terms := store.SearchTerms(f.Query)
	lacks := func(k store.Kind) []string {
		return slices.DeleteFunc(slices.Clone(terms), func(t string) bool { return strings.Contains(k.SearchText(), t) })
	}
	text := f.Gateway == "" && slices.ContainsFunc(all, func(x store.Finding) bool { return f.Match(x.Kind()) && len(terms) > 0 && len(lacks(x.Kind())) == 0 })
	for _, x := range all {
		g := Gateway(x.Gateway, 0)
		words := store.SearchWords(&g.Gateway)
		missing := lacks(x.Kind())
		found := len(missing) == 0 || !text && !slices.ContainsFunc(missing, func(t string) bool { return !store.HasTerm(words, t) })
		if f.Match(x.Kind()) && (f.Gateway == "" || f.Gateway == x.Gateway) && (f.Module == "" || f.Module == x.Module) &&
			(f.Query == "" || len(terms) > 0 && found) {
			fs = append(fs, x)
		}
	}
	if !text && f.Query != "" && sort != "-gateway" {
		sort = "gateway"
	}
	slices.SortFunc(fs, compareBy(f, sort))
	var out []string
	for i := range fs {
		out = append(out, line(&fs[i]))
	}
	return out
}

func compareBy(f store.FindingFilter, sort string) func(a, b store.Finding) int {
	by, desc := strings.CutPrefix(sort, "-")
	turn := func(c int) int {
		if desc {
			return -c
		}
		return c
	}
	place := func(a, b store.Finding) int {
		return cmp.Or(cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Module, b.Module), cmp.Compare(a.Kind().Number(), b.Kind().Number()))
	}
	oldest := func(a, b store.Finding) int { return cmp.Or(a.Opened.Compare(b.Opened), place(a, b)) }
	return func(a, b store.Finding) int {
		switch {
		case f.Gateway != "":
			return cmp.Or(cmp.Compare(store.SeverityRank(b.Severity), store.SeverityRank(a.Severity)), store.CompareFindings(a, b))
		case by == "gateway":
			return turn(place(a, b))
		case by == "severity":
			return cmp.Or(turn(cmp.Compare(store.SeverityRank(a.Severity), store.SeverityRank(b.Severity))), -oldest(a, b))
		case by == "rule":
			return cmp.Or(turn(cmp.Compare(a.Rule+" "+a.List, b.Rule+" "+b.List)), -oldest(a, b))
		case sort == "opened":
			return oldest(a, b)
		}
		return -oldest(a, b)
	}
}

func findingCursors(t *testing.T, s store.Store) {
	madeFindings(t, s)
	for _, sort := range []string{"", "opened", "severity", "rule", "gateway"} {
		for _, cursor := range []string{"x", "%%%", store.EncodeCursor("events", "1"), store.EncodeCursor("findings/rule", "1", "2"),
			store.EncodeCursor("findings/"+sort, "", "x", "y", "z", "w"), store.EncodeCursor("findings/"+sort, "x", "y", "z")} {
			_, err := s.Findings(t.Context(), store.FindingFilter{}, store.Page{Cursor: cursor, Sort: sort})
			if !errors.Is(err, store.ErrCursor) {
				t.Errorf("sorted by %q, cursor %.40q: %v", sort, cursor, err)
			}
		}
	}
	if _, err := s.Findings(t.Context(), store.FindingFilter{Gateway: "gw-01"}, store.Page{Cursor: store.EncodeCursor("findings/of", "-1")}); !errors.Is(err, store.ErrCursor) {
		t.Errorf("of a gateway: %v", err)
	}
}

// hostileFindings are text like any other.
func hostileFindings(t *testing.T, s store.Store) {
	const evil = "'; DROP TABLE findings; -- % _ \\ \" <script>alert(1)</script> \u202e =HYPERLINK(1) ü"
	f := Finding("gw-1", "usb:"+evil, "rule"+evil, "list"+evil, "high", Start)
	f.Text, f.Edition, f.Source, f.Exception, f.Owner = evil, evil, evil, evil, evil
	putFound(t, s, "gw-1", f)
	for _, filter := range []store.FindingFilter{{}, {Rule: []string{f.Rule}}, {List: []string{f.List}}, {Gateway: "gw-1", Module: f.Module}, {Query: "drop table"}} {
		l, err := s.Findings(t.Context(), filter, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, "as stored", l.Items, []store.Finding{f})
	}
	e := store.Event{Kind: store.FindingOpened, Gateway: "gw-1", Module: f.Module, At: Start, Finding: f.Brief()}
	put(t, s, []string{"gw-1"}, &store.Batch{Events: []store.Event{e}})
	l, err := s.Events(t.Context(), store.EventFilter{Kind: []store.EventKind{store.FindingOpened}}, store.Page{})
	if err != nil || len(l.Items) != 1 {
		t.Fatalf("%v, %v", l, err)
	}
	e.No = l.Items[0].No
	same(t, "its event", l.Items[0], e)
}

// The severity of what is found of a module is a facet of it.
func modulesBySeverity(t *testing.T, s store.Store) {
	a, b := Module("gw-1", "usb:1-1", "alpha", "CN", "A25", "R1", ""), Module("gw-1", "usb:1-2", "alpha", "CN", "A25", "R1", "")
	a.Worst, a.Facts, a.Duplicate = "high", store.Facts{Reason: "held"}, true
	put(t, s, []string{"gw-1"}, &store.Batch{Gateways: []store.Gateway{Gateway("gw-1", 2)}, Modules: []store.Module{a, b}})
	for severity, want := range map[string]store.Module{"high": a, store.None: b} {
		l, err := s.Modules(t.Context(), store.ModuleFilter{Severity: []string{severity}}, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		same(t, severity, l, store.ModuleList{Items: []store.Module{want}, Total: 1})
	}
}

// Gateways are judged again with all that it takes, and marked, unless another was quicker.
func stale(t *testing.T, s store.Store) {
	now := store.Judgement{Data: "v0", Policy: "p0"}
	var b store.Batch
	var ids []string
	for i := range 4 {
		g := Gateway(fmt.Sprint("gw-", i), 1)
		g.Data, g.Policy = fmt.Sprint("v", i%2), fmt.Sprint("p", i/3)
		ids = append(ids, g.ID)
		b.Gateways, b.Modules = append(b.Gateways, g), append(b.Modules, Module(g.ID, "usb:1-1", "alpha", "CN", "A25", "R1", ""))
		b.Evidence = append(b.Evidence, store.Evidence{Gateway: g.ID, Digest: g.Digest, Report: "r", Body: []byte("body " + g.ID), Key: "k"})
	}
	put(t, s, ids, &b)
	want := func(what string, after string, evidence bool, want ...string) {
		t.Helper()
		ws, err := s.Stale(t.Context(), now, after, 10, evidence)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, w := range ws {
			got = append(got, w.Gateway.ID)
			if len(w.Modules) != 1 || w.Modules[0].Gateway != w.Gateway.ID || w.Modules[0].Identity.Model != "A25" {
				t.Errorf("%s: modules %+v", w.Gateway.ID, w.Modules)
			}
			body, err := store.Unpack(w.Packed)
			if evidence && (err != nil || string(body) != "body "+w.Gateway.ID) {
				t.Errorf("%s: evidence %q, %v", w.Gateway.ID, body, err)
			}
		}
		same(t, what, got, want)
		if n, err := s.CountStale(t.Context(), now); err != nil || after == "" && n != len(want) {
			t.Errorf("%s: %d are stale, %v", what, n, err)
		}
	}
	want("judged otherwise", "", false, "gw-1", "gw-3")
	want("behind the first", "gw-1", true, "gw-3")
	all, err := s.Whole(t.Context(), "gw-0", 2, false)
	if err != nil || len(all) != 2 || all[0].Gateway.ID != "gw-1" || all[1].Gateway.ID != "gw-2" {
		t.Errorf("whole: %v, %v", all, err)
	}
	if err := s.Judged(t.Context(), []string{"gw-1", "gw-3"}, store.Judgement{Data: "v1", Policy: "p0"}, now); err != nil {
		t.Fatal(err)
	}
	want("one was judged by something else meanwhile", "", true, "gw-3")
}
