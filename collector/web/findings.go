package web

import (
	"cmp"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/policy"
)

// found is one finding as pages show it, with what the policy says about its rule.
type found struct {
	store.Finding
	// ListName is the list's own name, Doc what the rule is for and what to do.
	ListName, Doc string
	// Reason is why an exception was made.
	Reason string
	// Ended: the exception's time is over at the time of the page.
	Ended bool
}

// explain adds to findings what the policy in force says.
func (s *site) explain(fs []store.Finding) []found {
	p := s.fleet.Policy()
	docs, reasons := map[string]string{}, map[string]string{}
	if p != nil {
		for _, r := range p.Rules() {
			docs[r.ID] = r.Doc
		}
		for _, e := range p.Exceptions() {
			reasons[e.ID] = e.Reason
		}
	}
	out := make([]found, len(fs))
	for i, f := range fs {
		out[i] = found{Finding: f, ListName: listName(p, f.List), Doc: docs[f.Rule], Reason: reasons[f.Exception],
			Ended: f.Covered() && !f.Until.IsZero() && f.Until.Before(s.fleet.Time())}
	}
	return out
}

func listName(p *policy.Policy, id string) string {
	if p != nil {
		if l, ok := p.Lists().List(id); ok {
			return l.Name
		}
	}
	return id
}

// bySeverity puts the worst first, and what is covered last.
func bySeverity(fs []found) {
	slices.SortStableFunc(fs, func(a, b found) int {
		return cmp.Or(cmp.Compare(boolean(a.Covered()), boolean(b.Covered())), -cmp.Compare(store.SeverityRank(a.Severity), store.SeverityRank(b.Severity)),
			cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Module, b.Module), cmp.Compare(a.Key, b.Key))
	})
}

func boolean(b bool) int {
	if b {
		return 1
	}
	return 0
}

// mostFindings bounds those that stand on the page of one module or gateway.
const mostFindings = 200

// findingsOf gives what is found of one gateway, or of one module of it, the worst first.
func (s *site) findingsOf(r *http.Request, f store.FindingFilter) ([]found, error) {
	l, err := s.fleet.Store.Findings(r.Context(), f, store.Page{Limit: mostFindings, Sort: "-severity"})
	if err != nil {
		return nil, err
	}
	out := s.explain(l.Items)
	bySeverity(out)
	return out, nil
}

// grade is how many findings there are of one severity.
type grade struct {
	Severity          string
	Findings, Covered int
	Link              string
	On                bool
}

// tally is how many findings there are of one rule and list.
type tally struct {
	store.FindingCount
	ListName, Doc, Link string
}

// tallies puts counts into the order in which a person wants to read them.
func (s *site) tallies(counts []store.FindingCount) []tally {
	p := s.fleet.Policy()
	docs := map[string]string{}
	if p != nil {
		for _, r := range p.Rules() {
			docs[r.ID] = r.Doc
		}
	}
	out := make([]tally, len(counts))
	for i, c := range counts {
		covered := "no"
		if c.Covered {
			covered = "yes"
		}
		out[i] = tally{c, listName(p, c.List), docs[c.Rule], with("/findings", nil, "rule", c.Rule, "list", c.List, "severity", c.Severity, "covered", covered)}
	}
	slices.SortStableFunc(out, func(a, b tally) int {
		return cmp.Or(cmp.Compare(boolean(a.Covered), boolean(b.Covered)), -cmp.Compare(store.SeverityRank(a.Severity), store.SeverityRank(b.Severity)),
			-cmp.Compare(a.Modules, b.Modules), cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.List, b.List))
	})
	return out
}

func grades(counts []store.FindingCount) []grade {
	var out []grade
	for _, name := range slices.Backward(store.Severities()) {
		g := grade{Severity: name, Link: with("/findings", nil, "severity", name, "covered", "no")}
		for _, c := range counts {
			n := cmp.Or(c.Modules, c.Gateways) // a rule about gateways has no modules
			switch {
			case c.Severity != name:
			case c.Covered:
				g.Covered += n
			default:
				g.Findings += n
			}
		}
		if g.Findings+g.Covered > 0 {
			out = append(out, g)
		}
	}
	return out
}

type findingsData struct {
	List        store.FindingList
	Items       []found
	Grades      []grade
	Rules       []choice
	Lists       []choice
	Covered     []choice
	Severities  []choice
	Chips       []chip
	Kept        url.Values
	Query       string
	Sorts       []choice
	Views       views
	Next, First string
	CSV         string
	Any         bool // there are findings at all
	NoPolicy    bool
}

// worstFirst is the order of findings where none is asked for; the newest come first among equals.
const worstFirst = "-severity"

// findings lists what is found of the fleet.
func (s *site) findings(r *http.Request) (*page, error) {
	q, err := api.ParseFindings(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f, err := q.FindingFilter()
	if err != nil {
		return nil, err
	}
	sort := cmp.Or(q.Get("sort"), worstFirst)
	list, err := looked(q.Page(), func(p store.Page) (store.FindingList, int, string, error) {
		p.Sort = sort
		l, err := s.fleet.Store.Findings(r.Context(), f, p)
		return l, len(l.Items), l.Next, err
	})
	if err != nil {
		return nil, err
	}
	counts, err := s.fleet.Store.FindingCounts(r.Context())
	if err != nil {
		return nil, err
	}
	d := &findingsData{List: list, Items: s.explain(list.Items), Grades: grades(counts), Query: f.Query, Any: len(counts) > 0, NoPolicy: s.fleet.Policy() == nil}
	d.Chips, d.Kept = findingChips(q.Values), keep(q.Values, "gateway", "module", "limit")
	d.choose(s, counts, f, sort)
	d.Views = viewsOf("/findings", r.URL.RequestURI(), link{"Open", "/findings?covered=no"}, link{"All", "/findings"},
		link{"Accepted by an exception", "/findings?covered=yes"}, link{"High and critical", "/findings?covered=no&severity=critical&severity=high"})
	d.CSV = with("/findings.csv", q.Values, "cursor", "", "limit", "")
	if list.Next != "" {
		d.Next = with("/findings", q.Values, "cursor", list.Next)
	}
	if q.Get("cursor") != "" {
		d.First = with("/findings", q.Values, "cursor", "")
	}
	return &page{Template: "findings", Title: "Findings", Section: "findings", Live: q.Get("cursor") == "", Data: d}, nil
}

func (d *findingsData) choose(s *site, counts []store.FindingCount, f store.FindingFilter, sort string) {
	rules, names, severities := map[string]int{}, map[string]int{}, map[string]int{}
	for _, c := range counts {
		n := cmp.Or(c.Modules, c.Gateways)
		rules[c.Rule] += n
		severities[c.Severity] += n
		if c.List != "" {
			names[c.List] += n
		}
	}
	same := func(v string) string { return v }
	d.Rules = choose(rules, f.Rule, same)
	d.Lists = choose(names, f.List, func(v string) string { return listName(s.fleet.Policy(), v) })
	d.Severities = choose(severities, f.Severity, same)
	for _, c := range []choice{{Value: "no", Name: "open"}, {Value: "yes", Name: "accepted"}} {
		c.On = c.Value == f.Covered
		d.Covered = append(d.Covered, c)
	}
	for _, c := range []choice{{Value: worstFirst, Name: "worst first"}, {Value: "-opened", Name: "newest first"}, {Value: "gateway", Name: "by gateway"}, {Value: "rule", Name: "by rule"}} {
		c.On = c.Value == sort
		d.Sorts = append(d.Sorts, c)
	}
}

func findingChips(v url.Values) []chip {
	labels := []struct{ name, label string }{{"q", "search"}, {"severity", "severity"}, {"rule", "rule"}, {"list", "list"}, {"covered", "exception"}, {"gateway", "gateway"}, {"module", "module"}}
	var out []chip
	for _, l := range labels {
		for i, x := range v[l.name] {
			if x == "" {
				continue
			}
			w := url.Values{}
			for k, xs := range v {
				if l.name != "gateway" || k != "module" { // a module is one of a gateway
					w[k] = slices.Clone(xs)
				}
			}
			w[l.name] = slices.Delete(slices.Clone(v[l.name]), i, i+1)
			if l.name == "covered" {
				x = map[string]string{"yes": "accepted", "no": "none"}[x]
			}
			out = append(out, chip{l.label, x, with("/findings", w, "cursor", "")})
		}
	}
	return out
}

// keep leaves over the parameters of those names that have a value.
func keep(v url.Values, names ...string) url.Values {
	out := url.Values{}
	for _, name := range names {
		for _, x := range v[name] {
			if x != "" {
				out.Add(name, x)
			}
		}
	}
	return out
}

// outside gives an address that a page may lead to: of the web, and nothing else.
func outside(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "https" && u.Scheme != "http" || u.Host == "" {
		return ""
	}
	return address
}

// host is where an address leads, for words that stand as a link.
func host(address string) string {
	u, err := url.Parse(address)
	if err != nil {
		return ""
	}
	return strings.TrimPrefix(u.Hostname(), "www.")
}

// dayOf writes a day, "" for none.
func dayOf(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.DateOnly)
}
