package api

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// Findings answers a list of findings, for parameters as the address of the API has them.
func Findings(ctx context.Context, fl *fleet.Fleet, v url.Values) (any, error) {
	q, err := ParseFindings(v)
	if err != nil {
		return nil, err
	}
	f, err := q.FindingFilter()
	if err != nil {
		return nil, err
	}
	l, err := fl.Store.Findings(ctx, f, q.Page())
	return List[store.Finding]{Items: orEmpty(l.Items), Next: l.Next, Total: &l.Total, AtLeast: l.AtLeast}, err
}

func (s *server) findingCounts(r *http.Request) (any, error) {
	counts, err := s.fleet.Store.FindingCounts(r.Context())
	return List[store.FindingCount]{Items: orEmpty(counts)}, err
}

// ListItem is a list, and what of it holds now.
type ListItem struct {
	lists.List
	// AgeDays is how long ago AsOf was; nil where that is not known.
	AgeDays *int `json:"age_days"`
	// Makers are the slugs of those whom it names now, as far as it is confirmed.
	Makers []string `json:"makers"`
	// Warning says that it was not read for long, or never confirmed.
	Warning string `json:"warning,omitempty"`
}

func (s *server) lists(*http.Request) (any, error) {
	p := s.fleet.Policy()
	if p == nil {
		return List[ListItem]{Items: []ListItem{}}, nil
	}
	now, set := s.fleet.Time(), p.Lists()
	out := List[ListItem]{Items: []ListItem{}}
	for _, l := range set.All() {
		item := ListItem{List: l, Makers: []string{}}
		item.Entries = append([]lists.Entry{}, l.Entries...)
		for _, e := range l.Entries {
			if e.Maker != "" && !slices.Contains(item.Makers, e.Maker) && set.Named(e.Maker, l.ID, now) {
				item.Makers = append(item.Makers, e.Maker)
			}
		}
		if !l.AsOf.IsZero() && !l.AsOf.After(now) {
			days := int(now.Sub(l.AsOf.Time()) / (24 * time.Hour))
			item.AgeDays = &days
		}
		if w, ok := l.Warning(now, 0); ok {
			item.Warning = w.Text
		}
		out.Items = append(out.Items, item)
	}
	return out, nil
}

// Rules are the policy in force.
type Rules struct {
	// Policy is its version, "" where there is none.
	Policy     string              `json:"policy"`
	Items      []policy.Rule       `json:"items"`
	Exceptions []policy.Exception  `json:"exceptions"`
	Warnings   []inventory.Warning `json:"warnings"`
}

func (s *server) rules(*http.Request) (any, error) {
	p := s.fleet.Policy()
	if p == nil {
		return Rules{Items: []policy.Rule{}, Exceptions: []policy.Exception{}, Warnings: []inventory.Warning{}}, nil
	}
	return Rules{p.Version(), orEmpty(p.Rules()), orEmpty(p.Exceptions()), orEmpty(s.fleet.Warnings())}, nil
}

// Proposal is what to try out: rules over those in force, lists over those in force, or both.
type Proposal struct {
	Policy string `json:"policy"`
	List   string `json:"list"`
	// Limit is how many changes to tell one by one. 0 is 100.
	Limit int `json:"limit"`
}

// errTrying: judging a fleet takes a processor for a while.
var errTrying = errors.New("somebody tries out other rules now; try again in some seconds")

const (
	tryingTime  = 10 * time.Second
	maxProposal = 4 << 20
	maxChanges  = 10_000
	whatIfTime  = 55 * time.Second
)

// whatIf says what other rules or lists would change. Nothing is changed.
func (s *server) whatIf(w http.ResponseWriter, r *http.Request) {
	select {
	case s.trying <- struct{}{}:
		defer func() { <-s.trying }()
	default:
		s.problem(w, r, errTrying)
		return
	}
	_ = http.NewResponseController(w).SetWriteDeadline(time.Now().Add(whatIfTime + exportTime))
	s.asked(w, r, whatIfTime, s.tryOut)
}

func (s *server) tryOut(r *http.Request) (any, error) {
	proposal, err := readProposal(r)
	if err != nil {
		return nil, err
	}
	after, err := s.proposed(proposal)
	if err != nil {
		return nil, err
	}
	e, err := s.fleet.WhatIf(r.Context(), after, proposal.Limit)
	s.Guard.Log(r.Context(), "what-if", after.Version(), outcome(err, fmt.Sprintf("%d modules in %d gateways", e.Modules, e.Gateways)))
	e.Counts, e.Changes = orEmpty(e.Counts), orEmpty(e.Changes)
	for i := range e.Changes {
		c := &e.Changes[i]
		c.Opened, c.Closed, c.Changed = orEmpty(c.Opened), orEmpty(c.Closed), orEmpty(c.Changed)
	}
	return e, err
}

// readProposal takes JSON, or YAML of rules alone.
func readProposal(r *http.Request) (Proposal, error) {
	p := Proposal{Limit: 100}
	body, err := io.ReadAll(http.MaxBytesReader(nil, r.Body, maxProposal))
	if err != nil {
		return p, &UsageError{"body", fmt.Sprintf("is longer than %d bytes, or was cut off", maxProposal)}
	}
	switch media, _, _ := mime.ParseMediaType(r.Header.Get("Content-Type")); {
	case strings.HasSuffix(media, "yaml"):
		p.Policy = string(body)
	case media == "application/json":
		d := json.NewDecoder(bytes.NewReader(body))
		d.DisallowUnknownFields() // a proposal of which a part is left out would be answered as another one
		if err := d.Decode(&p); err != nil || d.More() {
			return p, &UsageError{"body", "is no JSON such as {\"policy\": \"…\", \"list\": \"…\", \"limit\": 100}"}
		}
	default:
		return p, &UsageError{"body", "is of no type that is taken: application/yaml (rules), or application/json with policy and list"}
	}
	if p.Policy == "" && p.List == "" {
		return p, &UsageError{"body", "holds neither rules nor a list"}
	}
	if p.Limit < 0 || p.Limit > maxChanges {
		return p, &UsageError{"limit", fmt.Sprintf("takes a number from 0 to %d", maxChanges)}
	}
	return p, nil
}

// proposed puts a proposal over the policy in force.
func (s *server) proposed(p Proposal) (*policy.Policy, error) {
	before := s.fleet.Policy()
	if before == nil {
		return nil, fleet.ErrNoPolicy
	}
	set, overlays := before.Lists(), []policy.Overlay{}
	var err error
	if p.List != "" {
		if set, err = set.With(lists.Overlay{Name: "list", Data: []byte(p.List)}); err != nil {
			return nil, &UsageError{"list", err.Error()}
		}
	}
	if p.Policy != "" {
		overlays = append(overlays, policy.Overlay{Name: "policy", Data: []byte(p.Policy)})
	}
	after, err := before.With(set, overlays...)
	if err != nil {
		return nil, &UsageError{"policy", err.Error()}
	}
	return after, nil
}

// ParseFindings takes the parameters of a list of findings.
func ParseFindings(v url.Values) (Query, error) {
	return parseSorted(v, store.FindingSorts(), FindingParameters()...)
}

// FindingParameters are those of a list of findings, limit and cursor aside.
func FindingParameters() []string {
	return []string{"severity", "rule", "list", "gateway", "module", "covered", "q", "sort"}
}

// FindingFilter gives the filter of a list of findings.
func (q Query) FindingFilter() (store.FindingFilter, error) {
	f := store.FindingFilter{Severity: q.values("severity"), Rule: q.values("rule"), List: q.values("list"),
		Gateway: q.Get("gateway"), Module: q.Get("module"), Query: strings.TrimSpace(q.Get("q")), Covered: q.Get("covered")}
	if err := among("severity", f.Severity, store.Severities()); err != nil {
		return f, err
	}
	if !slices.Contains([]string{"", "yes", "no"}, f.Covered) {
		return f, &UsageError{"covered", "takes yes or no, or is left out"}
	}
	if f.Module != "" && f.Gateway == "" {
		return f, &UsageError{"module", "needs gateway, too"}
	}
	return f, nil
}
