package store

import (
	"cmp"
	"encoding/base64"
	"encoding/json"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// None is the filter value that stands for "not known".
const None = "-"

// ModuleFilter chooses modules. Values of one field are alternatives; fields narrow down.
type ModuleFilter struct {
	State, Maker, Badge, Model, Firmware []string
	// Origin: "CN" is the seat of the maker or of its ultimate parent; "CA/US" is exactly that pair.
	Origin []string
	// Severity is that of the worst finding which no exception covers; None is no such finding.
	Severity []string
	// Conflicted keeps only modules whose evidence disagrees.
	Conflicted bool
	// Gateway is one gateway's id.
	Gateway string
	// Query is looked for in maker, badge, model, firmware, chipset and technology, in any part
	// of them; in the words of the gateway's id, hostname and labels; and, six digits or more,
	// at the beginning of the IMEI. See [SearchTerms]: all of its terms have to be found. One
	// that is six digits or more alone lists by IMEI first.
	Query string
}

// Match says whether modules of these facets pass, Gateway and Query aside.
func (f *ModuleFilter) Match(c *Facets) bool {
	return (!f.Conflicted || c.Conflicted) &&
		oneOf(f.State, string(c.State)) && oneOf(f.Maker, c.Maker) && oneOf(f.Badge, c.Badge) &&
		oneOf(f.Model, c.Model) && oneOf(f.Firmware, c.Firmware) && oneOf(f.Severity, c.Worst) && matchOrigin(f.Origin, c)
}

func oneOf(want []string, got string) bool {
	return len(want) == 0 || slices.Contains(want, cmp.Or(got, None))
}

func matchOrigin(want []string, c *Facets) bool {
	if len(want) == 0 {
		return true
	}
	country, parent := cmp.Or(c.Country, None), cmp.Or(c.ParentCountry, None)
	return slices.ContainsFunc(want, func(w string) bool {
		return w == country || w == parent && parent != None || w == country+"/"+parent
	})
}

// GatewayFilter chooses gateways.
type GatewayFilter struct {
	// State is "", "silent", "heard" or "conflict".
	State string
	// Query is looked for in the words of id, hostname and labels; see [SearchTerms].
	Query string
}

// EventFilter chooses events.
type EventFilter struct {
	Kind    []EventKind
	Gateway string
	Module  string // of Gateway
}

// Page says which part of a list is wanted.
type Page struct {
	// Limit is the number of rows; 0 is 50, and 1000 the most.
	Limit int
	// Cursor is Next of the page before; "" is the first page.
	Cursor string
	// Sort is a column of the list, "-" before it turns the order round; "" is the list's own order.
	Sort string
}

// Rows gives Limit with its default and bounds.
func (p Page) Rows() int {
	if p.Limit <= 0 {
		return 50
	}
	return min(p.Limit, 1000)
}

// ModuleSorts lists what modules can be sorted by.
func ModuleSorts() []string {
	return []string{"gateway", "maker", "model", "firmware", "origin", "state"}
}

// The lists. Next is the cursor of the next page, "" on the last one.
type (
	// ModuleList also says how many modules match.
	ModuleList struct {
		Items []Module
		Total int
		// AtLeast says that counting stopped at Total.
		AtLeast bool
		Next    string
	}
	// GatewayList is a page of gateways. Total is -1 where it is not known.
	//
	// With a query, a page of any list may be shorter than asked for, even empty, and have a next
	// one: what is between two that match was not looked through at once.
	GatewayList struct {
		Items []Gateway
		Total int
		Next  string
	}
	// EventList is a page of events, newest first.
	EventList struct {
		Items []Event
		Next  string
	}
	// ReportList is a page of reports, newest first.
	ReportList struct {
		Items []Report
		Next  string
	}
	// RejectedList is a page of rejected messages, newest first.
	RejectedList struct {
		Items []Rejected
		Next  string
	}
)

// EncodeCursor makes a cursor of a list's name and the keys of its last row.
func EncodeCursor(list string, keys ...string) string {
	b, _ := json.Marshal(append([]string{list}, keys...)) // strings always encode
	return base64.RawURLEncoding.EncodeToString(b)
}

// DecodeCursor gives the n keys of a cursor of that list, or nil for "".
func DecodeCursor(list, cursor string, n int) ([]string, error) {
	if cursor == "" {
		return nil, nil
	}
	b, err := base64.RawURLEncoding.DecodeString(cursor)
	if err != nil || len(b) > 8192 {
		return nil, ErrCursor
	}
	var keys []string
	if json.Unmarshal(b, &keys) != nil || len(keys) != n+1 || keys[0] != list || strings.Contains(strings.Join(keys, ""), "\x00") {
		return nil, ErrCursor // no key holds NUL, and not every database can be asked for one that does
	}
	return keys[1:], nil
}

// CompareCohorts orders cohorts for a sort of modules: by the named facet, then by all
// others, so that the order is the same on every page.
func CompareCohorts(sort string) func(a, b Cohort) int {
	first := facetOf(sort)
	return func(a, b Cohort) int {
		if c := cmp.Compare(first(&a.Facets), first(&b.Facets)); c != 0 {
			return c
		}
		for _, f := range []func(*Facets) string{
			func(f *Facets) string { return f.MakerName }, func(f *Facets) string { return f.Model },
			func(f *Facets) string { return f.Firmware }, func(f *Facets) string { return string(f.State) },
		} {
			if c := cmp.Compare(f(&a.Facets), f(&b.Facets)); c != 0 {
				return c
			}
		}
		return cmp.Compare(a.Number(), b.Number())
	}
}

func facetOf(sort string) func(*Facets) string {
	switch sort {
	case "model":
		return func(f *Facets) string { return f.Model }
	case "firmware":
		return func(f *Facets) string { return f.Firmware }
	case "origin":
		return func(f *Facets) string { return f.Country + "/" + f.ParentCountry }
	case "state":
		return func(f *Facets) string { return stateRank(f.State) }
	default:
		return func(f *Facets) string { return strings.ToLower(f.MakerName) }
	}
}

// stateRank sorts what needs a person first when turned round.
func stateRank(s inventory.State) string {
	order := []inventory.State{inventory.StateIdentified, inventory.StatePartial, inventory.StateHeld, inventory.StateDenied,
		inventory.StateUnanswered, inventory.StateUnknown, inventory.StateNotCellular}
	return string(rune('a' + slices.Index(order, s) + 1))
}
