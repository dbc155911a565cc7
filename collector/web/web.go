package web

import (
	"bytes"
	"context"
	"errors"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/clean"
)

// pageTime bounds the making of one page.
const pageTime = 20 * time.Second

// policy lets a page have its own styles and pictures, and nothing else.
const policy = "default-src 'none'; style-src 'self'; img-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"

type site struct {
	fleet     *fleet.Fleet
	log       *slog.Logger
	templates map[string]*template.Template
	assets    *assets
}

// New serves the pages.
func New(f *fleet.Fleet, log *slog.Logger) http.Handler {
	s := &site{fleet: f, log: log, assets: loadAssets()}
	s.templates = s.parse()
	mux := http.NewServeMux()
	for pattern, page := range map[string]func(*http.Request) (*page, error){
		"/{$}":                       s.overview,
		"/modules":                   s.modules,
		"/modules/{gateway}/{id...}": s.module,
		"/gateways":                  s.gateways,
		"/gateways/{id}":             s.gateway,
		"/changes":                   s.changes,
		"/rejected":                  s.rejected,
		"/":                          s.nothing,
	} {
		mux.HandleFunc("GET "+pattern, s.serve(page))
	}
	mux.HandleFunc("GET /modules.csv", s.modulesCSV)
	mux.HandleFunc("GET /static/{name}", s.assets.serve)
	return headers(mux)
}

func headers(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		for k, v := range map[string]string{
			"Content-Security-Policy":      policy,
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
	// Data is the template's own.
	Data any
	// Knowledge, Now and Style are the same on all pages.
	Knowledge string
	Now       time.Time
	Style     string
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
		body, err := s.render(p)
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
}

// render executes a template. What leaves here holds only printable text: the one place
// through which every foreign byte passes.
func (s *site) render(p *page) ([]byte, error) {
	p.Knowledge, p.Now, p.Style = s.fleet.Base.Version(), s.fleet.Time(), s.assets.path("style.css")
	var buf bytes.Buffer
	if err := s.templates[p.Template].ExecuteTemplate(&buf, "layout", p); err != nil {
		return nil, err
	}
	return []byte(clean.Text(buf.String())), nil
}

// problem is what the page of an error shows.
type problem struct {
	Heading, Text string
	Back          string
}

// trouble makes a page of an error. What was typed stays in the search field.
func (s *site) trouble(r *http.Request, err error) *page {
	p := &page{Template: "problem", Query: r.URL.Query().Get("q"), status: http.StatusInternalServerError}
	d := problem{Heading: "This could not be shown", Text: "The collector could not answer. Its log says why.", Back: r.URL.Path}
	var usage *api.UsageError
	switch {
	case errors.As(err, &usage):
		p.status = http.StatusBadRequest
		d.Heading, d.Text = "This question cannot be answered", usage.Error()+"."
	case errors.Is(err, store.ErrCursor):
		p.status = http.StatusBadRequest
		d.Heading, d.Text = "This page of the list is gone", "The list changed, or the address is not whole. Start again at its beginning."
	case errors.Is(err, store.ErrNotFound):
		p.status = http.StatusNotFound
		d.Heading, d.Text, d.Back = "There is nothing here", "It may have been removed, or the address is not whole. The search finds modules and gateways.", "/"
	case errors.Is(err, context.DeadlineExceeded):
		p.status = http.StatusGatewayTimeout
		d.Heading, d.Text = "This took too long", "Narrow the question down with a filter."
	default:
		s.log.Error("cannot answer", "path", r.URL.Path, "error", err)
	}
	p.Title, p.Data = d.Heading, d
	return p
}

func (s *site) nothing(*http.Request) (*page, error) { return nil, store.ErrNotFound }
