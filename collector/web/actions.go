package web

import (
	"context"
	"errors"
	"net/http"
	"net/url"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// said are what a page says after an action, by the word that the address carries: words of
// ours only, whoever makes up the address.
func said(word string) (text, tone string) {
	switch word {
	case "asked":
		return "The gateway was asked to look. What it sees appears here within a minute.", "info"
	case "away":
		return "The gateway is not connected, or its agent takes no requests. It reports by itself when it is back.", ""
	case "busy":
		return "The gateway was asked just now. Ask again in a minute.", ""
	case "settled":
		return "The conflict was taken away. If two machines still speak for this gateway, it comes back.", "info"
	case "failed":
		return "That did not work; the collector’s log says why.", "alert"
	}
	return "", ""
}

// action does something to a gateway, and answers with a word for the address.
type action func(ctx context.Context, gateway string) error

// act makes a handler of an action: it is kept who did it, and the gateway's page tells.
func (s *site) act(name string, do action) http.Handler {
	return s.guard.Require(access.Operate, http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		ctx, id := r.Context(), r.PathValue("id")
		_, err := s.fleet.Store.Gateway(ctx, id)
		if err != nil {
			s.send(w, r, s.trouble(r, err))
			return
		}
		word, err := name, do(ctx, id)
		var busy *fleet.BusyError
		switch {
		case err == nil:
		case errors.As(err, &busy):
			word = "busy"
		case errors.Is(err, fleet.ErrAway):
			word = "away"
		case errors.Is(err, store.ErrNotFound):
			s.send(w, r, s.trouble(r, err))
			return
		default:
			word = "failed"
			s.log.Error("cannot do what was asked", "action", r.URL.Path, "error", err)
		}
		result := word
		if err != nil {
			result = err.Error()
		}
		s.guard.Log(ctx, map[string]string{"asked": "scan", "settled": "settle"}[name], id, result)
		http.Redirect(w, r, "/gateways/"+url.PathEscape(id)+"?said="+word, http.StatusSeeOther)
	}))
}

func (s *site) scan(ctx context.Context, gateway string) error {
	if s.fleet.Scanner == nil {
		return fleet.ErrAway
	}
	return s.fleet.Scanner.Scan(ctx, gateway)
}

// settle notes that a person has looked at a gateway's conflict.
func (s *site) settle(ctx context.Context, gateway string) error {
	p, _ := access.From(ctx) // the guard let them in
	return s.fleet.ClearConflict(ctx, gateway, p.Name)
}
