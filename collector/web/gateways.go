package web

import (
	"net/http"
	"net/url"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// tab is one of a few views of a list.
type tab struct {
	Label, Link string
	Count       int
	On          bool
}

type gatewaysData struct {
	List        store.GatewayList
	Tabs        []tab
	Query       string
	State       string
	Next, First string
	Any         bool // there are gateways at all
}

func (s *site) gateways(r *http.Request) (*page, error) {
	q, err := api.ParseGateways(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f, err := q.GatewayFilter()
	if err != nil {
		return nil, err
	}
	list, err := looked(q.Page(), func(p store.Page) (store.GatewayList, int, string, error) {
		l, err := s.fleet.Store.Gateways(r.Context(), f, p)
		return l, len(l.Items), l.Next, err
	})
	if err != nil {
		return nil, err
	}
	n, err := s.fleet.Store.Figures(r.Context())
	if err != nil {
		return nil, err
	}
	d := &gatewaysData{List: list, Query: f.Query, State: f.State, Any: n.Gateways > 0}
	for _, t := range []tab{{Label: "all", Link: "", Count: n.Gateways}, {Label: "heard", Link: "heard", Count: n.Gateways - n.Silent},
		{Label: "silent", Link: "silent", Count: n.Silent}, {Label: "conflict", Link: "conflict", Count: n.Conflicts}} {
		t.On = t.Link == f.State
		t.Link = with("/gateways", q.Values, "state", t.Link, "cursor", "")
		d.Tabs = append(d.Tabs, t)
	}
	if list.Next != "" {
		d.Next = with("/gateways", q.Values, "cursor", list.Next)
	}
	if q.Get("cursor") != "" {
		d.First = with("/gateways", q.Values, "cursor", "")
	}
	return &page{Template: "gateways", Title: "Gateways", Section: "gateways", Live: q.Get("cursor") == "", Data: d}, nil
}

type gatewayData struct {
	*fleet.Gateway
	// Asked and Left count ports.
	Asked, Left int
	Exports     exports
	// Findings are those about the gateway itself, then those of its modules.
	Findings []found
	Judged   bool
	// Said tells what came of what was asked for, in the tone of Tone.
	Said, Tone string
}

func (s *site) gateway(r *http.Request) (*page, error) {
	g, err := s.fleet.Gateway(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	d := &gatewayData{Gateway: g, Judged: s.fleet.Policy() != nil, Exports: exportsOf(url.Values{"gateway": {g.ID}})}
	for _, p := range g.Places {
		for _, port := range p.Ports {
			if port.State == "identified" || port.State == "partial" {
				d.Asked++
			} else {
				d.Left++
			}
		}
	}
	d.Said, d.Tone = said(r.URL.Query().Get("said"))
	if d.Findings, err = s.findingsOf(r, store.FindingFilter{Gateway: g.ID}); err != nil {
		return nil, err
	}
	return &page{Template: "gateway", Title: "Gateway " + g.ID, Section: "gateways", Live: true, Data: d}, nil
}

type changesData struct {
	List          store.EventList
	Kinds         []choice
	Gateway, Mod  string
	Next, First   string
	Filtered, Any bool
}

func (s *site) changes(r *http.Request) (*page, error) {
	q, err := api.ParseEvents(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f, err := q.EventFilter()
	if err != nil {
		return nil, err
	}
	p := q.Page()
	if p.Limit == 0 {
		p.Limit = 100
	}
	list, err := s.fleet.Store.Events(r.Context(), f, p)
	if err != nil {
		return nil, err
	}
	d := &changesData{List: list, Gateway: f.Gateway, Mod: f.Module, Filtered: f.Gateway != "" || len(f.Kind) > 0, Any: len(list.Items) > 0}
	for _, k := range store.EventKinds() {
		on := false
		for _, x := range f.Kind {
			on = on || x == k
		}
		d.Kinds = append(d.Kinds, choice{Value: string(k), Name: kindWords(k), On: on})
	}
	if list.Next != "" {
		d.Next = with("/changes", q.Values, "cursor", list.Next)
	}
	if q.Get("cursor") != "" {
		d.First = with("/changes", q.Values, "cursor", "")
	}
	return &page{Template: "changes", Title: "Changes", Section: "changes", Live: q.Get("cursor") == "", Data: d}, nil
}

type rejectedData struct {
	List        store.RejectedList
	Next, First string
}

func (s *site) rejected(r *http.Request) (*page, error) {
	q, err := api.ParseRejected(r.URL.Query())
	if err != nil {
		return nil, err
	}
	list, err := s.fleet.Store.Rejected(r.Context(), q.Page())
	if err != nil {
		return nil, err
	}
	d := &rejectedData{List: list}
	if list.Next != "" {
		d.Next = with("/rejected", q.Values, "cursor", list.Next)
	}
	if q.Get("cursor") != "" {
		d.First = with("/rejected", q.Values, "cursor", "")
	}
	return &page{Template: "rejected", Title: "Rejected messages", Section: "rejected", Live: q.Get("cursor") == "", Data: d}, nil
}
