package web

import (
	"cmp"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// chip is a filter that is on, and the address without it.
type chip struct{ Label, Value, Without string }

// choice is a value that a filter can take.
type choice struct {
	Value, Name string
	Modules     int
	On          bool
}

// column is a head of the table.
type column struct{ Label, Sort, Link, Direction string }

type modulesData struct {
	List      store.ModuleList
	Chips     []chip
	Kept      url.Values // filters that the form has no field for
	Makers    []choice
	Origins   []choice
	States    []choice
	Columns   []column
	Clear     string // address without any filter
	Next      string // address of the next page
	First     string // address of the first page, where this is not it
	Exports   exports
	Views     views
	FleetSize int
}

// with gives the address of a list with some parameters replaced; "" takes one away.
func with(path string, v url.Values, pairs ...string) string {
	w := url.Values{}
	for k, xs := range v {
		w[k] = slices.Clone(xs)
	}
	for i := 0; i < len(pairs); i += 2 {
		if pairs[i+1] == "" {
			w.Del(pairs[i])
		} else {
			w.Set(pairs[i], pairs[i+1])
		}
	}
	for k, xs := range w { // an empty field of the form is no filter
		if xs = slices.DeleteFunc(xs, func(s string) bool { return s == "" }); len(xs) == 0 {
			delete(w, k)
		} else {
			w[k] = xs
		}
	}
	if len(w) == 0 {
		return path
	}
	return path + "?" + w.Encode()
}

func (s *site) modules(r *http.Request) (*page, error) {
	q, err := api.ParseModules(r.URL.Query())
	if err != nil {
		return nil, err
	}
	f, err := q.ModuleFilter()
	if err != nil {
		return nil, err
	}
	list, err := looked(q.Page(), func(p store.Page) (store.ModuleList, int, string, error) {
		l, err := s.fleet.Store.Modules(r.Context(), f, p)
		return l, len(l.Items), l.Next, err
	})
	if err != nil {
		return nil, err
	}
	cohorts, err := s.fleet.Store.Cohorts(r.Context())
	if err != nil {
		return nil, err
	}
	d := &modulesData{List: list, Chips: chips(q.Values), Kept: kept(q.Values), Columns: columns(q), Clear: "/modules"}
	d.choices(cohorts, f)
	if list.Next != "" {
		d.Next = with("/modules", q.Values, "cursor", list.Next)
	}
	if q.Get("cursor") != "" {
		d.First = with("/modules", q.Values, "cursor", "")
	}
	d.Exports, d.Views = exportsOf(q.Values), moduleViews(r.URL.RequestURI())
	return &page{Template: "modules", Title: "Modules", Section: "modules", Query: f.Query, Live: q.Get("cursor") == "", Data: d}, nil
}

// chips lists the filters that are on.
func chips(v url.Values) []chip {
	labels := []struct{ name, label string }{{"q", "search"}, {"maker", "maker"}, {"badge", "badge"}, {"model", "model"}, {"firmware", "firmware"},
		{"origin", "origin"}, {"state", "state"}, {"severity", "worst finding"}, {"gateway", "gateway"}, {"conflict", "evidence"}}
	var out []chip
	for _, l := range labels {
		for i, x := range v[l.name] {
			if x == "" {
				continue
			}
			w := url.Values{}
			for k, xs := range v {
				w[k] = slices.Clone(xs)
			}
			w[l.name] = slices.Delete(slices.Clone(v[l.name]), i, i+1)
			out = append(out, chip{l.label, chipValue(l.name, x), with("/modules", w, "cursor", "")})
		}
	}
	return out
}

func chipValue(name, x string) string {
	switch {
	case name == "origin":
		return originKey(x)
	case name == "conflict":
		return "disagrees"
	case x == store.None:
		return "not known"
	}
	return x
}

// kept are the filters that the form carries on without a field of its own.
func kept(v url.Values) url.Values {
	out := url.Values{}
	for _, name := range []string{"badge", "model", "firmware", "severity", "gateway", "conflict", "sort", "limit"} {
		for _, x := range v[name] {
			if x != "" {
				out.Add(name, x)
			}
		}
	}
	return out
}

func columns(q api.Query) []column {
	by, desc := strings.CutPrefix(cmp.Or(q.Get("sort"), "gateway"), "-")
	if q.Get("gateway") != "" {
		by = ""
	}
	var out []column
	for _, c := range []column{{Label: "Maker", Sort: "maker"}, {Label: "Model", Sort: "model"}, {Label: "Firmware", Sort: "firmware"}, {Label: "Origin", Sort: "origin"},
		{Label: "State", Sort: "state"}, {Label: "Gateway", Sort: "gateway"}} {
		to := c.Sort
		if c.Sort == by {
			c.Direction = "ascending"
			if desc {
				c.Direction = "descending"
			} else {
				to = "-" + c.Sort
			}
		}
		c.Link = with("/modules", q.Values, "sort", to, "cursor", "")
		out = append(out, c)
	}
	return out
}

// choices lists what the fields of the form offer, with how many modules of the fleet each has.
func (d *modulesData) choices(cohorts []store.Cohort, f store.ModuleFilter) {
	makers, names, origins, states := map[string]int{}, map[string]string{}, map[string]int{}, map[string]int{}
	for i := range cohorts {
		c := &cohorts[i]
		d.FleetSize += c.Modules
		m := cmp.Or(c.Maker, store.None)
		makers[m] += c.Modules
		names[m] = cmp.Or(c.MakerName, "not known")
		o := store.None
		if c.Country != "" || c.ParentCountry != "" {
			o = cmp.Or(c.Country, store.None) + "/" + cmp.Or(c.ParentCountry, store.None)
		}
		origins[o] += c.Modules
		states[string(c.State)] += c.Modules
	}
	d.Makers = choose(makers, f.Maker, func(v string) string { return cmp.Or(names[v], v) })
	d.Origins = choose(origins, f.Origin, originKey)
	d.States = choose(states, f.State, func(v string) string { return v })
}

// mostChoices bounds a field of the form; the rest is found by the search.
const mostChoices = 100

func choose(counts map[string]int, on []string, name func(string) string) []choice {
	for _, v := range on { // also one that no module has now
		if _, ok := counts[v]; !ok {
			counts[v] = 0
		}
	}
	var out []choice
	for v, n := range counts {
		out = append(out, choice{Value: v, Name: name(v), Modules: n, On: slices.Contains(on, v)})
	}
	slices.SortFunc(out, func(a, b choice) int {
		if a.On != b.On && len(out) > mostChoices { // what is chosen is never cut off
			if a.On {
				return -1
			}
			return 1
		}
		return cmp.Or(-cmp.Compare(a.Modules, b.Modules), cmp.Compare(a.Name, b.Name))
	})
	return out[:min(len(out), mostChoices)]
}

// module shows one module.
func (s *site) module(r *http.Request) (*page, error) {
	id, err := api.DecodeModuleID(r.PathValue("id"))
	if err != nil {
		return nil, err
	}
	k := store.ModuleKey{Gateway: r.PathValue("gateway"), ID: id}
	m, err := s.fleet.Module(r.Context(), k)
	if errors.Is(err, store.ErrNotFound) {
		return s.gone(r, k)
	}
	if err != nil {
		return nil, err
	}
	title := cmp.Or(strings.TrimSpace(m.Identity.MakerName+" "+m.Identity.Model), "Module "+m.ID)
	v := newModuleView(m)
	v.Judged = s.fleet.Policy() != nil
	if v.Findings, err = s.findingsOf(r, store.FindingFilter{Gateway: k.Gateway, Module: k.ID}); err != nil {
		return nil, err
	}
	return &page{Template: "module", Title: title, Section: "modules", Live: true, Data: v}, nil
}

type goneData struct {
	store.ModuleKey
	History []store.Event
}

// gone shows what is known of a module that was once at a place and is no more.
func (s *site) gone(r *http.Request, k store.ModuleKey) (*page, error) {
	events, err := s.fleet.Store.Events(r.Context(), store.EventFilter{Gateway: k.Gateway, Module: k.ID}, store.Page{Limit: 100})
	if err != nil {
		return nil, err
	}
	if len(events.Items) == 0 {
		return nil, store.ErrNotFound
	}
	return &page{Template: "gone", Title: "No module at " + k.ID, Section: "modules", Data: goneData{k, events.Items}, status: http.StatusGone}, nil
}

// claim is one field of the identity and what supports it.
type claim struct {
	Label, Value, Note string
	Proofs             []proof
}

// proof is one piece of evidence. Exchange is the number of its exchange in the transcript
// from 1, or 0.
type proof struct {
	Source, Quote, Rule string
	Exchange            int
}

// exchange is one question and its answer, with the lines that prove something marked.
type exchange struct {
	Number           int
	Cmd, Final, Note string
	Millis           int64
	Lines            []line
	Raw              []byte
}

type line struct {
	Text   string
	Claims string // what it proves, "" for nothing
}

type moduleView struct {
	*fleet.Module
	Name       string
	Claims     []claim
	Transcript []exchange
	Exports    exports
	Findings   []found
	Judged     bool // there is a policy to find any by
}

func newModuleView(m *fleet.Module) *moduleView {
	v := &moduleView{Module: m, Name: cmp.Or(strings.TrimSpace(m.Identity.MakerName+" "+m.Identity.Model), "Not identified")}
	v.Exports = exportsOf(url.Values{"gateway": {m.Gateway}, "module": {m.ID}})
	i := m.Identity
	for _, c := range []claim{
		{Label: "maker", Value: cmp.Or(i.MakerName, i.Maker)}, {Label: "badge", Value: i.Badge}, {Label: "model", Value: i.Model}, {Label: "variant", Value: i.Variant},
		{Label: "firmware", Value: i.Firmware}, {Label: "hardware", Value: i.Hardware}, {Label: "imei", Value: i.IMEI},
		{Label: "chipset", Value: i.Chipset}, {Label: "technology", Value: i.Technology},
	} {
		c.Proofs = proofs(m, c.Label)
		if c.Value != "" || len(c.Proofs) > 0 {
			v.Claims = append(v.Claims, c)
		}
	}
	for n, x := range m.Transcript {
		e := exchange{Number: n + 1, Cmd: x.Cmd, Final: x.Final, Note: x.Note, Millis: x.Millis, Raw: x.Raw}
		for _, text := range x.Lines {
			e.Lines = append(e.Lines, line{text, proves(m, x.Cmd, text)})
		}
		v.Transcript = append(v.Transcript, e)
	}
	return v
}

func proofs(m *fleet.Module, claim string) []proof {
	var out []proof
	for _, e := range m.Evidence {
		if e.Claim != claim {
			continue
		}
		p := proof{Source: e.Source, Quote: e.Quote, Rule: e.Rule}
		if cmd, ok := strings.CutPrefix(e.Source, "at:"); ok {
			for n, x := range m.Transcript {
				if x.Cmd == cmd && p.Exchange == 0 {
					p.Exchange = n + 1
				}
			}
		}
		out = append(out, p)
	}
	return out
}

// proves says which claims a line of an answer supports.
func proves(m *fleet.Module, cmd, text string) string {
	var claims []string
	for _, e := range m.Evidence {
		if e.Source == "at:"+cmd && e.Quote != "" && strings.Contains(text, e.Quote) && !slices.Contains(claims, e.Claim) {
			claims = append(claims, e.Claim)
		}
	}
	return strings.Join(claims, ", ")
}
