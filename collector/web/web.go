package web

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/internal/clean"
)

// pageTime bounds the making of one page.
const pageTime = 20 * time.Second

// security lets a page have its own styles, scripts and pictures, and nothing else.
const security = "default-src 'none'; script-src 'self'; connect-src 'self'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

// Settings are what the pages need. Fleet is; the others have a zero value.
type Settings struct {
	Fleet *fleet.Fleet
	// Log takes what went wrong. Nil: nothing is logged.
	Log *slog.Logger
	// Guard says who asks, what they may, and keeps what they did. Nil: pages are for
	// reading only.
	Guard *access.Guard
}

type site struct {
	fleet     *fleet.Fleet
	log       *slog.Logger
	guard     *access.Guard
	templates map[string]*template.Template
	assets    *assets
	history   history
	asking    chan struct{} // one question at a time: a fleet is judged for it
}

// New serves the pages.
func New(settings Settings) http.Handler {
	s := &site{fleet: settings.Fleet, log: settings.Log, guard: settings.Guard, asking: make(chan struct{}, 1), assets: loadAssets()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.templates = s.parse()
	mux := http.NewServeMux()
	for pattern, page := range s.pages() {
		mux.HandleFunc("GET "+pattern, s.serve(pageTime, page))
	}
	for pattern, file := range s.files() {
		mux.HandleFunc("GET "+pattern, file)
	}
	for pattern, file := range s.takeaways() {
		var h http.Handler = file
		if strings.HasSuffix(pattern, ".csv") { // a bill of materials says when it was made: no two are equal
			h = api.Tag(h)
		}
		if s.guard != nil {
			h = s.guard.Long(h)
		}
		mux.Handle("GET "+pattern, h)
	}
	if s.guard != nil {
		s.doings(mux)
	}
	return headers(mux)
}

// doings are what somebody with a role may have done.
func (s *site) doings(mux *http.ServeMux) {
	mux.Handle("POST /gateways/{id}/scan", s.act("asked", s.scan))
	mux.Handle("POST /gateways/{id}/settle", s.act("settled", s.settle))
	mux.Handle("POST /policy/what-if", s.guard.Require(access.Operate, http.HandlerFunc(s.serve(askTime, s.whatIf))))
}

// pages are those that people read.
func (s *site) pages() map[string]func(*http.Request) (*page, error) {
	return map[string]func(*http.Request) (*page, error){
		"/{$}":                       s.overview,
		"/modules":                   s.modules,
		"/modules/{gateway}/{id...}": s.module,
		"/gateways":                  s.gateways,
		"/gateways/{id}":             s.gateway,
		"/changes":                   s.changes,
		"/findings":                  s.findings,
		"/policy":                    s.policy,
		"/rejected":                  s.rejected,
		"/report":                    s.report,
		"/":                          s.nothing,
	}
}

// files are what pages are made of.
func (s *site) files() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"/static/{name}": s.assets.serve}
}

// takeaways are files that are as long as the fleet is large.
func (s *site) takeaways() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{"/modules.csv": s.modulesCSV, "/findings.csv": s.findingsCSV, "/hbom/{format}": s.hbom}
}

func headers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for k, v := range map[string]string{
			"Content-Security-Policy":      security,
			"X-Content-Type-Options":       "nosniff",
			"Referrer-Policy":              "same-origin",
			"Cross-Origin-Opener-Policy":   "same-origin",
			"Cross-Origin-Resource-Policy": "same-origin",
			"Permissions-Policy":           "camera=(), geolocation=(), microphone=()",
		} {
			w.Header().Set(k, v)
		}
		h.ServeHTTP(w, r)
	})
}

// May says whether who asks has a role; a form that they may not send is not shown.
func (p *page) May(role string) bool { return p.Who != nil && p.Who.Role.Includes(access.Role(role)) }

// page is what a template shows.
type page struct {
	Template string
	Title    string
	// Section is the part of the navigation that is current.
	Section string
	// Query is what the search field holds.
	Query string
	// Live: what is shown is asked for again from time to time, where scripts run.
	Live bool
	// Chart: there is a chart to draw.
	Chart bool
	// Data is the template's own.
	Data any
	// Who asks, what their forms must hold, and Address to Now are set when it is shown.
	Who       *access.Person
	CSRF      string
	Address   string
	Knowledge string
	Now       time.Time
	status    int
}

// serve makes a handler of a page.
func (s *site) serve(most time.Duration, make func(*http.Request) (*page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), most)
		defer cancel()
		p, err := make(r.WithContext(ctx))
		if err != nil {
			p = s.trouble(r, err)
		}
		s.send(w, r, p)
	}
}

// send shows a page.
func (s *site) send(w http.ResponseWriter, r *http.Request, p *page) {
	body, err := s.render(r, p)
	if err != nil {
		s.log.Error("cannot show a page", "path", r.URL.Path, "error", err)
		http.Error(w, "This page could not be shown; the collector's log says why.", http.StatusInternalServerError)
		return
	}
	if p.status != 0 {
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		w.WriteHeader(p.status)
		_, _ = w.Write(body)
		return
	}
	api.Send(w, r, "text/html; charset=utf-8", body)
}

// render executes a template. What leaves here holds only printable text: the one place
// through which every foreign byte passes.
func (s *site) render(r *http.Request, p *page) ([]byte, error) {
	p.Address, p.Knowledge, p.Now = r.URL.RequestURI(), s.fleet.Base.Version(), s.fleet.Time()
	if who, ok := access.From(r.Context()); ok && s.guard != nil {
		p.Who, p.CSRF = &who, access.CSRF(r.Context())
	}
	var buf bytes.Buffer
	if err := s.templates[p.Template].ExecuteTemplate(&buf, "layout", p); err != nil {
		return nil, err
	}
	return []byte(clean.Text(buf.String())), nil
}
