package web

import (
	"bytes"
	"context"
	"html/template"
	"log/slog"
	"net/http"
	"time"

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
}

type site struct {
	fleet     *fleet.Fleet
	log       *slog.Logger
	templates map[string]*template.Template
	assets    *assets
	history   history
}

// New serves the pages.
func New(settings Settings) http.Handler {
	s := &site{fleet: settings.Fleet, log: settings.Log, assets: loadAssets()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.templates = s.parse()
	mux := http.NewServeMux()
	for pattern, page := range s.pages() {
		mux.HandleFunc("GET "+pattern, s.serve(page))
	}
	for pattern, file := range s.files() {
		mux.HandleFunc("GET "+pattern, file)
	}
	return headers(mux)
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
		"/rejected":                  s.rejected,
		"/report":                    s.report,
		"/":                          s.nothing,
	}
}

// files are those that are taken away.
func (s *site) files() map[string]http.HandlerFunc {
	return map[string]http.HandlerFunc{
		"/modules.csv":   s.modulesCSV,
		"/hbom/{format}": s.hbom,
		"/static/{name}": s.assets.serve,
	}
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
	// Address, Knowledge and Now are set when it is shown.
	Address   string
	Knowledge string
	Now       time.Time
	status    int
}

// serve makes a handler of a page.
func (s *site) serve(make func(*http.Request) (*page, error)) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		ctx, cancel := context.WithTimeout(r.Context(), pageTime)
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
	var buf bytes.Buffer
	if err := s.templates[p.Template].ExecuteTemplate(&buf, "layout", p); err != nil {
		return nil, err
	}
	return []byte(clean.Text(buf.String())), nil
}
