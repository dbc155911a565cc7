package api

import (
	"net/http"

	"github.com/rollcall-iot/rollcall/collector/store"
)

func (s *server) summary(r *http.Request) (any, error) { return s.fleet.Summary(r.Context()) }

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

func (s *server) gateways(r *http.Request) (any, error) {
	q, err := ParseGateways(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f, err := q.GatewayFilter()
	if err != nil {
		return nil, err
	}
	l, err := s.fleet.Store.Gateways(r.Context(), f, q.Page())
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

func (s *server) modules(r *http.Request) (any, error) {
	q, err := ParseModules(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f, err := q.ModuleFilter()
	if err != nil {
		return nil, err
	}
	l, err := s.fleet.Store.Modules(r.Context(), f, q.Page())
	return List[store.Module]{Items: orEmpty(l.Items), Next: l.Next, Total: &l.Total, AtLeast: l.AtLeast}, err
}

func (s *server) events(r *http.Request) (any, error) {
	q, err := ParseEvents(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f, err := q.EventFilter()
	if err != nil {
		return nil, err
	}
	l, err := s.fleet.Store.Events(r.Context(), f, q.Page())
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

func (s *server) rejected(r *http.Request) (any, error) {
	q, err := ParseRejected(r.URL.Query())
	if err != nil {
		return nil, err
	}
	l, err := s.fleet.Store.Rejected(r.Context(), q.Page())
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
