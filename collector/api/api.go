package api

import (
	"context"
	_ "embed"
	"fmt"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

//go:embed openapi.json
var openAPI []byte

// questionTime bounds one question, readyTime the one whether the collector works.
const (
	questionTime = 20 * time.Second
	readyTime    = 5 * time.Second
)

// Settings are what the API needs. Fleet, Guard and Audits are needed.
type Settings struct {
	Fleet *fleet.Fleet
	// Guard says who may ask for what.
	Guard *access.Guard
	// Audits is where it is kept who did what.
	Audits access.Store
	// Ready says what keeps the collector from its work, or nil.
	Ready func(context.Context) error
	// Log gets what nobody outside should read. Nil: nothing.
	Log *slog.Logger
}

type server struct {
	Settings
	fleet  *fleet.Fleet
	log    *slog.Logger
	trying chan struct{} // one place: a fleet is judged by other rules by one at a time
}

// New serves /api/v1/…, /healthz and /readyz.
func New(s Settings) http.Handler {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	srv := &server{Settings: s, fleet: s.Fleet, log: s.Log, trying: make(chan struct{}, 1)}
	mux := http.NewServeMux()
	for _, r := range srv.routes() {
		var h http.Handler = r.handler
		if r.role != "" {
			h = s.Guard.Require(r.role, h)
		}
		mux.Handle(r.method+" "+r.path, h)
	}
	mux.Handle(elsewhere, srv.otherwise(mux))
	return mux
}

// elsewhere is the pattern of all that no route serves.
const elsewhere = "/api/"

// otherwise answers where nothing is, and says of an address that is there what it takes.
func (s *server) otherwise(mux *http.ServeMux) http.Handler {
	nothing := s.Guard.Require(access.Read, s.answer(s.nothing))
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var takes []string
		for _, method := range []string{http.MethodGet, http.MethodHead, http.MethodPost} {
			other := r.WithContext(r.Context())
			other.Method = method
			if _, pattern := mux.Handler(other); pattern != elsewhere {
				takes = append(takes, method)
			}
		}
		if len(takes) == 0 {
			nothing.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Allow", strings.Join(takes, ", "))
		s.problem(w, r, &methodError{r.Method, takes})
	})
}

// route is one thing that can be asked for. role "" is everybody's.
type route struct {
	method, path string
	role         access.Role
	handler      http.HandlerFunc
}

// routes are all of them; paths are written as ServeMux patterns.
func (s *server) routes() []route {
	const get, post = http.MethodGet, http.MethodPost
	return []route{
		{get, "/healthz", "", s.healthz},
		{get, "/readyz", "", s.readyz},
		{get, "/api/v1/openapi.json", "", s.document},
		{get, "/api/v1/me", access.Read, s.answer(s.me)},
		{get, "/api/v1/summary", access.Read, s.about(Summary)},
		{get, "/api/v1/gateways", access.Read, s.about(Gateways)},
		{get, "/api/v1/gateways/{id}", access.Read, s.answer(s.gateway)},
		{get, "/api/v1/gateways/{id}/reports", access.Read, s.answer(s.reports)},
		{post, "/api/v1/gateways/{id}/scan", access.Operate, s.answer(s.scan)},
		{post, "/api/v1/gateways/{id}/settle", access.Operate, s.answer(s.settle)},
		{get, "/api/v1/modules", access.Read, s.about(Modules)},
		{get, "/api/v1/modules/{gateway}/{id...}", access.Read, s.answer(s.module)},
		{get, "/api/v1/export/modules", access.Read, s.Guard.Long(Tag(http.HandlerFunc(s.exportModules))).ServeHTTP},
		{get, "/api/v1/events", access.Read, s.about(Events)},
		{get, "/api/v1/findings", access.Read, s.about(Findings)},
		{get, "/api/v1/findings/counts", access.Read, s.answer(s.findingCounts)},
		{get, "/api/v1/lists", access.Read, s.answer(s.lists)},
		{get, "/api/v1/rules", access.Read, s.answer(s.rules)},
		{post, "/api/v1/policy/what-if", access.Operate, s.whatIf},
		{get, "/api/v1/rejected", access.Read, s.about(Rejected)},
		{get, "/api/v1/audit", access.Admin, s.answer(s.audit)},
	}
}

func (s *server) nothing(*http.Request) (any, error) {
	return nil, fmt.Errorf("there is nothing at this address; see /api/v1/openapi.json: %w", store.ErrNotFound)
}
