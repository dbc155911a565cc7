package api

import (
	"net/http"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/fleet"
)

// Asked says that a gateway was asked to look, or what else was done about it.
type Asked struct {
	Gateway string `json:"gateway"`
	Result  string `json:"result"`
}

func (s *server) me(r *http.Request) (any, error) {
	p, _ := access.From(r.Context()) // the guard let them in
	return p, nil
}

// scan asks a gateway to look at its modules now. The report comes later.
func (s *server) scan(r *http.Request) (any, error) {
	ctx, id := r.Context(), r.PathValue("id")
	if _, err := s.fleet.Store.Gateway(ctx, id); err != nil {
		return nil, err
	}
	if s.fleet.Scanner == nil {
		return nil, fleet.ErrAway
	}
	err := s.fleet.Scanner.Scan(ctx, id)
	s.Guard.Log(ctx, "scan", id, outcome(err, "asked"))
	return Asked{id, "asked"}, err
}

// settle notes that a person has looked at a gateway's conflict.
func (s *server) settle(r *http.Request) (any, error) {
	ctx, id := r.Context(), r.PathValue("id")
	if _, err := s.fleet.Store.Gateway(ctx, id); err != nil {
		return nil, err
	}
	p, _ := access.From(ctx) // the guard let them in
	err := s.fleet.ClearConflict(ctx, id, p.Name)
	s.Guard.Log(ctx, "settle", id, outcome(err, "settled"))
	return Asked{id, "settled"}, err
}

func outcome(err error, ok string) string {
	if err != nil {
		return err.Error()
	}
	return ok
}
