package web

import (
	"context"
	"errors"
	"net/http"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
)

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
