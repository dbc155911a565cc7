package web

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

const (
	// askTime bounds one question; the server cuts an answer off after a minute.
	askTime = 50 * time.Second
	// askBytes bounds what is asked.
	askBytes = 64 << 10
	// askShown is how many touched modules are shown.
	askShown = 100
)

// whatIf is a question, and once it was asked its answer. It changes nothing.
type whatIf struct {
	// Maker and List ask what would follow if that list named that maker, Text what other
	// rules or lists would.
	Maker, List, Text string
	// Makers and Lists are what the fields offer.
	Makers, Lists []choice
	// Problem says why there is no answer.
	Problem string
	Effect  *fleet.Effect
}

// ask fills in what the form offers.
func (s *site) ask(q whatIf) *whatIf {
	if p := s.fleet.Policy(); p != nil {
		all := p.Lists().All()
		for i := range all {
			if all[i].Confirmed {
				q.Lists = append(q.Lists, choice{Value: all[i].ID, Name: all[i].Name, On: all[i].ID == q.List})
			}
		}
	}
	return &q
}

// whatIf answers what another rule or list would change in the fleet.
func (s *site) whatIf(r *http.Request) (*page, error) {
	q := whatIf{Maker: strings.TrimSpace(r.PostFormValue("maker")), List: r.PostFormValue("list"), Text: strings.ReplaceAll(r.PostFormValue("text"), "\r\n", "\n")}
	d, err := s.policyData(r)
	if err != nil {
		return nil, err
	}
	after, err := s.proposed(q)
	if err != nil {
		q.Problem = err.Error()
	} else if q.Effect, err = s.effect(r.Context(), after); errors.Is(err, errBusy) {
		q.Problem = err.Error()
	} else if err != nil {
		return nil, err
	}
	d.Ask = s.ask(q)
	p := &page{Template: "policy", Title: "Policy: what if", Section: "policy", Data: d}
	if q.Problem != "" {
		p.status = http.StatusUnprocessableEntity
	}
	return p, nil
}

var errBusy = errors.New("another question is being answered; ask again in a minute")

func (s *site) effect(ctx context.Context, after *policy.Policy) (*fleet.Effect, error) {
	select {
	case s.asking <- struct{}{}:
		defer func() { <-s.asking }()
	default:
		return nil, errBusy
	}
	e, err := s.fleet.WhatIf(ctx, after, askShown)
	return &e, err
}

// proposed makes the policy that is asked about.
func (s *site) proposed(q whatIf) (*policy.Policy, error) {
	p := s.fleet.Policy()
	var err error
	switch {
	case p == nil:
		return nil, fleet.ErrNoPolicy
	case len(q.Text) > askBytes:
		return nil, fmt.Errorf("the text is longer than %d bytes; rollcall policy diff takes larger files", askBytes)
	case strings.TrimSpace(q.Text) == "" && q.Maker == "":
		return nil, errors.New("say what would be different: a maker and a list, or rules or a list as YAML")
	case q.Maker != "":
		k, ok := s.knower()
		if !ok {
			return nil, errors.New("this collector's knowledge has no makers")
		}
		m, ok := k.Maker(q.Maker)
		if !ok {
			return nil, fmt.Errorf("there is no maker %q; write it as modules have it in identity.maker", q.Maker)
		}
		if p, err = findings.Propose(p, findings.Proposal{Maker: q.Maker, Name: m.Name, List: q.List, Since: s.fleet.Time()}); err != nil {
			return nil, err
		}
	}
	if strings.TrimSpace(q.Text) == "" {
		return p, nil
	}
	return over(p, q.Text)
}

// over puts documents of YAML over a policy: rules, which begin with "policy: NAME", and
// lists, which have "id: NAME" or "extend: NAME".
func over(p *policy.Policy, text string) (*policy.Policy, error) {
	var rules []policy.Overlay
	var named []lists.Overlay
	line := 0
	for doc := range strings.SplitSeq(text, "\n---\n") {
		data := []byte(strings.Repeat("\n", line) + doc) // so that faults name the lines of the form
		line += strings.Count(doc, "\n") + 2
		var keys map[string]yaml.Node
		err := yaml.Unmarshal(data, &keys)
		_, isList := keys["id"]
		_, extends := keys["extend"]
		_, isRules := keys["policy"]
		switch {
		case strings.TrimSpace(strings.TrimPrefix(strings.TrimSpace(doc), "---")) == "":
		case isRules || err != nil: // a reader of rules says where it is no YAML
			rules = append(rules, policy.Overlay{Name: "line", Data: data})
		case isList || extends:
			named = append(named, lists.Overlay{Name: "line", Data: data})
		default:
			return nil, errors.New("neither rules, which begin with \"policy: NAME\", nor a list, which has \"id: NAME\" or \"extend: NAME\"")
		}
	}
	set, err := p.Lists().With(named...)
	if err != nil {
		return nil, err
	}
	return p.With(set, rules...)
}

// may says whether who asks has a role. Where nobody guards, nobody may change anything.
func may(ctx context.Context, role access.Role) bool {
	p, ok := access.From(ctx)
	return ok && p.Role.Includes(role)
}
