package web

import (
	"log/slog"
	"net/http"

	"github.com/rollcall-iot/rollcall/collector/fleet"
)

// New serves the pages.
func New(f *fleet.Fleet, log *slog.Logger) http.Handler { return http.NotFoundHandler() }
