package api

import (
	"context"
	_ "embed"
	"errors"
	"log/slog"
	"net/http"
	"time"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

//go:embed openapi.json
var openAPI []byte

// questionTime bounds one question.
const questionTime = 20 * time.Second

type server struct {
	fleet *fleet.Fleet
	ready func(context.Context) error
	log   *slog.Logger
}

// New serves /api/v1/…, /healthz and /readyz. ready says what keeps the collector from its
// work, or nil.
func New(f *fleet.Fleet, ready func(context.Context) error, log *slog.Logger) http.Handler {
	s := &server{f, ready, log}
	mux := http.NewServeMux()
	for pattern, h := range s.routes() {
		mux.HandleFunc("GET "+pattern, h)
	}
	return mux
}

// routes are the paths, written as ServeMux patterns.
func (s *server) routes() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/healthz":                          s.healthz,
		"/readyz":                           s.readyz,
		"/api/v1/openapi.json":              s.document,
		"/api/v1/summary":                   s.answer(s.summary),
		"/api/v1/gateways":                  s.answer(s.gateways),
		"/api/v1/gateways/{id}":             s.answer(s.gateway),
		"/api/v1/gateways/{id}/reports":     s.answer(s.reports),
		"/api/v1/modules":                   s.answer(s.modules),
		"/api/v1/modules/{gateway}/{id...}": s.answer(s.module),
		"/api/v1/events":                    s.answer(s.events),
		"/api/v1/rejected":                  s.answer(s.rejected),
		"/api/":                             s.answer(s.nothing),
	}
}

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
	q, err := parse(r.URL.Query(), "state", "q")
	if err != nil {
		return nil, err
	}
	f, err := q.GatewayFilter()
	if err != nil {
		return nil, err
	}
	l, err := s.fleet.Store.Gateways(r.Context(), f, q.Page())
	items := make([]GatewayItem, len(l.Items))
	for i := range l.Items {
		items[i] = newGatewayItem(&l.Items[i])
	}
	list := List[GatewayItem]{Items: items, Next: l.Next}
	if l.Total >= 0 {
		list.Total = &l.Total
	}
	return list, err
}

func (s *server) modules(r *http.Request) (any, error) {
	q, err := parse(r.URL.Query(), ModuleParameters()...)
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
	q, err := parse(r.URL.Query(), "kind", "gateway", "module")
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
	q, err := parse(r.URL.Query())
	if err != nil {
		return nil, err
	}
	l, err := s.fleet.Store.Rejected(r.Context(), q.Page())
	return List[store.Rejected]{Items: orEmpty(l.Items), Next: l.Next}, err
}

func (s *server) nothing(*http.Request) (any, error) {
	return nil, errors.Join(errors.New("there is nothing at this address; see /api/v1/openapi.json"), store.ErrNotFound)
}
