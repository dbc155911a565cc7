package agent

import (
	"sort"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// health holds the named warnings now in force. A warning keeps the time since which it holds.
type health struct {
	now func() time.Time

	mu       sync.Mutex // guards warnings
	warnings map[string]inventory.Warning
}

func newHealth(now func() time.Time) *health {
	return &health{now: now, warnings: map[string]inventory.Warning{}}
}

// set raises the warning with err's text, or ends it where err is nil.
func (h *health) set(code string, severity inventory.Severity, err error) {
	if err != nil {
		h.raise(code, severity, err.Error())
		return
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	delete(h.warnings, code)
}

func (h *health) raise(code string, severity inventory.Severity, text string) {
	h.mu.Lock()
	defer h.mu.Unlock()
	since := h.now().UTC()
	if old, ok := h.warnings[code]; ok {
		since = old.Since
	}
	h.warnings[code] = inventory.Warning{Code: code, Severity: severity, Text: text, Since: since}
}

func (h *health) list() []inventory.Warning {
	h.mu.Lock()
	defer h.mu.Unlock()
	list := make([]inventory.Warning, 0, len(h.warnings))
	for _, w := range h.warnings {
		list = append(list, w)
	}
	sort.Slice(list, func(i, j int) bool { return list[i].Code < list[j].Code })
	return list
}
