package agent

import (
	"strings"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// health holds the named warnings now in force.
type health struct {
	now func() time.Time

	mu       sync.Mutex // guards warnings
	warnings inventory.Warnings
}

func newHealth(now func() time.Time) *health { return &health{now: now} }

// set raises the warning with err's text, or ends it where err is nil.
func (h *health) set(code string, severity inventory.Severity, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	if err == nil {
		h.warnings.Clear(code)
		return
	}
	h.warnings.Raise(h.now(), code, severity, strings.ReplaceAll(err.Error(), "\n", "; ")) // joined errors are lines
}

func (h *health) list() []inventory.Warning {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.warnings.List()
}
