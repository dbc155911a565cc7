package api

import (
	"fmt"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// UsageError says which parameter cannot be used, and what it takes.
type UsageError struct{ Parameter, Text string }

func (e *UsageError) Error() string { return fmt.Sprintf("parameter %s: %s", e.Parameter, e.Text) }

// Query is what a list was asked for. Pages of the web ask with the same parameters.
type Query struct{ url.Values }

// maxValue bounds one value; no facet is longer.
const maxValue = 4096

// parse takes the parameters of a list: limit and cursor, and those named.
func parse(v url.Values, names ...string) (Query, error) {
	return parseSorted(v, store.ModuleSorts(), names...)
}

// parseSorted does the same where a list can be sorted otherwise than one of modules.
func parseSorted(v url.Values, sorts []string, names ...string) (Query, error) {
	for name, values := range v {
		if !slices.Contains(names, name) && name != "limit" && name != "cursor" {
			known := append(slices.Clone(names), "limit", "cursor")
			slices.Sort(known)
			return Query{}, &UsageError{name, "is not known here; known are " + strings.Join(known, ", ")}
		}
		for _, x := range values {
			if len(x) > maxValue {
				return Query{}, &UsageError{name, fmt.Sprintf("is longer than %d bytes", maxValue)}
			}
		}
		if len(values) > 100 {
			return Query{}, &UsageError{name, "stands more than 100 times"}
		}
		if !slices.Contains(alternatives(), name) && len(slices.DeleteFunc(slices.Clone(values), empty)) > 1 {
			return Query{}, &UsageError{name, "takes one value"}
		}
	}
	q := Query{v}
	if s := v.Get("limit"); s != "" {
		if n, err := strconv.Atoi(s); err != nil || n < 1 || n > 1000 {
			return Query{}, &UsageError{"limit", "takes a number from 1 to 1000"}
		}
	}
	if s := v.Get("sort"); s != "" && !slices.Contains(sorts, strings.TrimPrefix(s, "-")) {
		return Query{}, &UsageError{"sort", "takes one of " + strings.Join(sorts, ", ") + ", with - before it for the other way round"}
	}
	return q, nil
}

// alternatives are the parameters that take several values, of which one has to fit.
func alternatives() []string {
	return []string{"maker", "model", "firmware", "origin", "state", "badge", "severity", "kind", "rule", "list"}
}

// ParseModules takes the parameters of a list of modules.
func ParseModules(v url.Values) (Query, error) { return parse(v, ModuleParameters()...) }

// ParseGateways takes the parameters of a list of gateways.
func ParseGateways(v url.Values) (Query, error) { return parse(v, "state", "q") }

// ParseEvents takes the parameters of a list of events.
func ParseEvents(v url.Values) (Query, error) { return parse(v, "kind", "gateway", "module") }

// ModuleParameters are those of a list of modules, limit and cursor aside.
func ModuleParameters() []string {
	return []string{"maker", "model", "firmware", "origin", "state", "badge", "severity", "gateway", "conflict", "q", "sort"}
}

// Page gives which part of the list is wanted.
func (q Query) Page() store.Page {
	limit, _ := strconv.Atoi(q.Get("limit"))
	return store.Page{Limit: limit, Cursor: q.Get("cursor"), Sort: q.Get("sort")}
}

// values leaves out empty ones, which a form sends for fields that nobody filled in.
func (q Query) values(name string) []string {
	return slices.DeleteFunc(slices.Clone(q.Values[name]), empty)
}

func empty(s string) bool { return s == "" }

// ModuleFilter gives the filter of a list of modules.
func (q Query) ModuleFilter() (store.ModuleFilter, error) {
	f := store.ModuleFilter{
		State: q.values("state"), Maker: q.values("maker"), Badge: q.values("badge"), Model: q.values("model"),
		Severity: q.values("severity"), Firmware: q.values("firmware"), Origin: q.values("origin"), Gateway: q.Get("gateway"), Query: strings.TrimSpace(q.Get("q")),
	}
	if err := among("state", f.State, append(states(), store.None)); err != nil {
		return f, err
	}
	if err := among("severity", f.Severity, append(store.Severities(), store.None)); err != nil {
		return f, err
	}
	switch q.Get("conflict") {
	case "":
	case "true":
		f.Conflicted = true
	default:
		return f, &UsageError{"conflict", "takes true, or is left out"}
	}
	return f, nil
}

// among refuses a value that no module can have: a word that is written wrongly would look like
// one that fits nothing.
func among(name string, values, known []string) error {
	for _, v := range values {
		if !slices.Contains(known, v) {
			return &UsageError{name, fmt.Sprintf("there is no %s %q; it takes %s", name, v, strings.Join(known, ", "))}
		}
	}
	return nil
}

// states are those that a module can be in.
func states() []string {
	var out []string
	for _, s := range []inventory.State{inventory.StateIdentified, inventory.StatePartial, inventory.StateUnanswered, inventory.StateHeld,
		inventory.StateDenied, inventory.StateNotCellular, inventory.StateUnknown} {
		out = append(out, string(s))
	}
	return out
}

// GatewayFilter gives the filter of a list of gateways.
func (q Query) GatewayFilter() (store.GatewayFilter, error) {
	f := store.GatewayFilter{State: q.Get("state"), Query: strings.TrimSpace(q.Get("q"))}
	if len(q.values("state")) > 1 {
		return f, &UsageError{"state", "takes one value"}
	}
	if !slices.Contains([]string{"", "heard", "silent", "conflict"}, f.State) {
		return f, &UsageError{"state", "takes heard, silent or conflict"}
	}
	return f, nil
}

// EventFilter gives the filter of a list of events.
func (q Query) EventFilter() (store.EventFilter, error) {
	f := store.EventFilter{Gateway: q.Get("gateway"), Module: q.Get("module")}
	for _, k := range q.values("kind") {
		if !slices.Contains(store.EventKinds(), store.EventKind(k)) {
			return f, &UsageError{"kind", fmt.Sprintf("there is no kind %q", k)}
		}
		f.Kind = append(f.Kind, store.EventKind(k))
	}
	if f.Module != "" && f.Gateway == "" {
		return f, &UsageError{"module", "needs gateway, too"}
	}
	return f, nil
}

// ParseRejected takes the parameters of the list of rejected messages.
func ParseRejected(v url.Values) (Query, error) { return parse(v) }
