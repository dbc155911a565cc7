package web

import (
	"cmp"
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// shownEntries bounds how many names of one list a page shows.
const shownEntries = 200

// listed is one list as a page shows it.
type listed struct {
	*lists.List
	// Named are the first of its entries, More how many there are beyond.
	Named []entry
	More  int
	// Counted are its confirmed entries that hold now; only they raise findings.
	Counted int
	// Modules is how many modules of the fleet it is found of.
	Modules int
	// Days is the age of its state, and Old what to do about that.
	Days int
	Old  string
}

type entry struct {
	lists.Entry
	Ended bool
}

// ruled is one rule with how often it is found.
type ruled struct {
	policy.Rule
	Modules, Gateways int
}

// excepted is one exception and how it stands.
type excepted struct {
	policy.Exception
	Ended, Soon bool
}

type policyData struct {
	None       bool
	Version    string
	Lists      []listed
	Quiet      []listed // they name nobody who matters here
	Unread     []listed // never confirmed: they name nobody
	Rules      []ruled
	Exceptions []excepted
	Floors     []policy.Floor
	Warnings   []inventory.Warning
	Judging    judge.Progress
	Ask        *whatIf
}

// soon is how long before its end an exception is announced, as package policy has it.
const soon = 14 * 24 * time.Hour

// policy shows by which lists and rules the fleet is judged.
func (s *site) policy(r *http.Request) (*page, error) {
	d, err := s.policyData(r)
	if err != nil {
		return nil, err
	}
	if may(r.Context(), access.Operate) {
		d.Ask = s.ask(whatIf{})
	}
	return &page{Template: "policy", Title: "Policy", Section: "policy", Data: d}, nil
}

func (s *site) policyData(r *http.Request) (*policyData, error) {
	p := s.fleet.Policy()
	if p == nil {
		return &policyData{None: true}, nil
	}
	counts, err := s.fleet.Store.FindingCounts(r.Context())
	if err != nil {
		return nil, err
	}
	now := s.fleet.Time()
	d := &policyData{Version: p.Version(), Floors: p.Floors(), Warnings: s.fleet.Warnings(), Judging: s.fleet.Progress()}
	all := p.Lists().All()
	for i := range all {
		l := newListed(&all[i], counts, now)
		switch {
		case !l.Confirmed:
			d.Unread = append(d.Unread, l)
		case l.Counted == 0:
			d.Quiet = append(d.Quiet, l)
		default:
			d.Lists = append(d.Lists, l)
		}
	}
	slices.SortStableFunc(d.Lists, func(a, b listed) int {
		return cmp.Or(-cmp.Compare(a.Modules, b.Modules), -cmp.Compare(a.Counted, b.Counted), cmp.Compare(a.Name, b.Name))
	})
	for _, x := range p.Rules() {
		d.Rules = append(d.Rules, newRuled(x, counts))
	}
	for _, e := range p.Exceptions() {
		left := e.Until.Sub(now)
		d.Exceptions = append(d.Exceptions, excepted{e, left <= 0, left > 0 && left <= soon})
	}
	return d, nil
}

func newListed(l *lists.List, counts []store.FindingCount, now time.Time) listed {
	v := listed{List: l}
	for _, e := range l.Entries {
		ended := !e.Until.IsZero() && !e.Until.After(now)
		if e.Confirmed && !ended {
			v.Counted++
		}
		if len(v.Named) < shownEntries {
			v.Named = append(v.Named, entry{e, ended})
		}
	}
	v.More = len(l.Entries) - len(v.Named)
	for _, c := range counts {
		if c.List == l.ID && !c.Covered {
			v.Modules += c.Modules
		}
	}
	if !l.AsOf.IsZero() {
		v.Days = int(now.Sub(l.AsOf.Time()).Hours() / 24)
	}
	if w, old := l.Warning(now, 0); old {
		v.Old = w.Text
	}
	return v
}

func newRuled(r policy.Rule, counts []store.FindingCount) ruled {
	v := ruled{Rule: r}
	for _, c := range counts {
		if c.Rule == r.ID && !c.Covered {
			v.Modules += c.Modules
			if c.Modules == 0 {
				v.Gateways += c.Gateways
			}
		}
	}
	return v
}
