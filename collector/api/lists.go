package api

import (
	"context"
	"net/http"
	"net/url"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// about makes an answer about the fleet one to a request.
func (s *server) about(ask func(context.Context, *fleet.Fleet, url.Values) (any, error)) http.HandlerFunc {
	return s.answer(func(r *http.Request) (any, error) { return ask(r.Context(), s.fleet, r.URL.Query()) })
}

// Summary answers what the fleet is at a glance.
func Summary(ctx context.Context, fl *fleet.Fleet, v url.Values) (any, error) {
	if len(v) > 0 {
		return nil, &UsageError{"summary", "takes none"}
	}
	s, err := fl.Summary(ctx)
	if err != nil {
		return nil, err
	}
	s.Origins, s.States, s.Makers, s.Severities, s.Warnings = orEmpty(s.Origins), orEmpty(s.States), orEmpty(s.Makers), orEmpty(s.Severities), orEmpty(s.Warnings)
	return s, nil
}

func (s *server) gateway(r *http.Request) (any, error) {
	g, err := s.fleet.Gateway(r.Context(), r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	return newGateway(g), nil
}

func (s *server) module(r *http.Request) (any, error) {
	id, err := DecodeModuleID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	m, err := s.fleet.Module(r.Context(), store.ModuleKey{Gateway: r.PathValue("gateway"), ID: id})
	if err != nil {
		return nil, err
	}
	return newModule(m), nil
}

// Gateways answers a list of gateways, for parameters as the address of the API has them.
func Gateways(ctx context.Context, fl *fleet.Fleet, v url.Values) (any, error) {
	q, err := ParseGateways(v)
	if err != nil {
		return nil, err
	}
	f, err := q.GatewayFilter()
	if err != nil {
		return nil, err
	}
	l, err := fl.Store.Gateways(ctx, f, q.Page())
	return NewGatewayList(l), err
}

// NewGatewayList makes a list as the API answers with it.
func NewGatewayList(l store.GatewayList) List[GatewayItem] {
	items := make([]GatewayItem, len(l.Items))
	for i := range l.Items {
		items[i] = newGatewayItem(&l.Items[i])
	}
	list := List[GatewayItem]{Items: items, Next: l.Next}
	if l.Total >= 0 {
		list.Total = &l.Total
	}
	return list
}

// Modules answers a list of modules, for parameters as the address of the API has them.
func Modules(ctx context.Context, fl *fleet.Fleet, v url.Values) (any, error) {
	q, err := ParseModules(v)
	if err != nil {
		return nil, err
	}
	f, err := q.ModuleFilter()
	if err != nil {
		return nil, err
	}
	l, err := fl.Store.Modules(ctx, f, q.Page())
	return List[store.Module]{Items: orEmpty(l.Items), Next: l.Next, Total: &l.Total, AtLeast: l.AtLeast}, err
}

// Events answers a list of events, for parameters as the address of the API has them.
func Events(ctx context.Context, fl *fleet.Fleet, v url.Values) (any, error) {
	q, err := ParseEvents(v)
	if err != nil {
		return nil, err
	}
	f, err := q.EventFilter()
	if err != nil {
		return nil, err
	}
	l, err := fl.Store.Events(ctx, f, q.Page())
	return List[store.Event]{Items: orEmpty(l.Items), Next: l.Next}, err
}

func (s *server) reports(r *http.Request) (any, error) {
	q, err := parse(r.URL.Query())
	if err != nil {
		return nil, err
	}
	if _, err := s.fleet.Store.Gateway(r.Context(), r.PathValue("id")); err != nil {
		return nil, err
	}
	l, err := s.fleet.Store.Reports(r.Context(), r.PathValue("id"), q.Page())
	return List[store.Report]{Items: orEmpty(l.Items), Next: l.Next}, err
}

// Rejected answers a list of messages that were not believed, for parameters as the address of
// the API has them.
func Rejected(ctx context.Context, fl *fleet.Fleet, v url.Values) (any, error) {
	q, err := ParseRejected(v)
	if err != nil {
		return nil, err
	}
	l, err := fl.Store.Rejected(ctx, q.Page())
	return List[store.Rejected]{Items: orEmpty(l.Items), Next: l.Next}, err
}

func (s *server) audit(r *http.Request) (any, error) {
	q, err := parse(r.URL.Query(), "who", "action")
	if err != nil {
		return nil, err
	}
	l, err := s.Audits.Audits(r.Context(), store.AuditFilter{Who: q.Get("who"), Action: q.Get("action")}, q.Page())
	return List[store.Audit]{Items: orEmpty(l.Items), Next: l.Next}, err
}
