package hbom

import (
	"cmp"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// sorted gives the items in the order of documents, without touching the caller's.
func sorted(items []Item) []Item {
	out := slices.Clone(items)
	slices.SortStableFunc(out, func(a, b Item) int {
		return cmp.Or(cmp.Compare(a.Gateway.ID, b.Gateway.ID), cmp.Compare(a.Module.ID, b.Module.ID))
	})
	return out
}

// oneGateway says whether all items are of the same known gateway.
func oneGateway(items []Item) bool {
	return len(items) > 0 && items[0].Gateway.ID != "" && !slices.ContainsFunc(items, func(i Item) bool { return i.Gateway.ID != items[0].Gateway.ID })
}

// refs gives the modules of one gateway references that are unique in the document, even if
// two modules carry the same id.
type refs struct {
	gateway string
	seen    map[string]int
}

// gatewayRef escapes the id: one that holds /module/ must not look like another gateway's module.
func gatewayRef(id string) string { return "gateway/" + url.PathEscape(id) }

// What follows a module's reference in those of its parts.
const (
	chipsetRef  = "/chipset"
	firmwareRef = "/firmware"
)

func newRefs(gateway string) *refs { return &refs{gateway: gateway, seen: map[string]int{}} }

func (r *refs) module(id string) string {
	ref := "module/" + strings.ToValidUTF8(id, "\ufffd") // as JSON will have it
	if r.gateway != "" {
		ref = gatewayRef(r.gateway) + "/" + ref
	}
	for r.seen[ref]++; r.seen[ref] > 1; r.seen[ref]++ {
		ref += "#" + strconv.Itoa(r.seen[ref])
	}
	r.seen[ref+chipsetRef], r.seen[ref+firmwareRef] = 1, 1
	return ref
}

// moduleName is the model, or what can be said instead of it.
func moduleName(m *inventory.Module) string {
	if m.Identity.Model != "" {
		return m.Identity.Model
	}
	name := "cellular module, not identified"
	if m.State == inventory.StateNotCellular {
		name = "not a cellular module"
	}
	if d := m.Device; d != nil && d.VID != "" {
		name += " (" + d.Bus + " " + d.VID + ":" + d.PID + ")"
	}
	return name
}

// company finds a company by slug. What the data do not know is named by its slug.
func (s Settings) company(slug, name, country string) (Company, bool) {
	if slug == "" {
		return Company{}, false
	}
	c, ok := s.Companies.Company(slug)
	if !ok {
		c = Company{Name: cmp.Or(name, slug), Country: country}
	}
	c.Name = cmp.Or(c.Name, name, slug)
	c.Country = cmp.Or(c.Country, country)
	return c, true
}

func (s Settings) maker(m *inventory.Module) (Company, bool) {
	return s.company(m.Identity.Maker, m.Identity.MakerName, m.Origin.Country)
}

// chipset splits "Qualcomm MDM9x07" into a company that the data know and the rest. If they
// know none by the first word or two, the whole is the name.
func (s Settings) chipset(text string) (maker Company, known bool, name string) {
	words := strings.Fields(text)
	for n := min(2, len(words)-1); n > 0; n-- {
		slug := strings.ToLower(strings.Join(words[:n], "-"))
		if c, ok := s.Companies.Company(slug); ok {
			return c, true, strings.Join(words[n:], " ")
		}
	}
	return Company{}, false, text
}

// property is a name of our own, or of the cdx:device taxonomy, and a value.
type property struct{ name, value string }

// properties gives what the formats have no field for. The order is fixed.
func (s Settings) properties(it *Item) []property {
	m := &it.Module
	var out []property
	add := func(name, value string) {
		if value != "" {
			out = append(out, property{name, value})
		}
	}
	if m.State != inventory.StateNotCellular {
		add("cdx:device:function", "cellular modem")
	}
	add("rollcall:state", string(m.State))
	add("rollcall:reason", s.mask(m.Reason))
	add("rollcall:seems", s.mask(m.Seems))
	add("rollcall:maker", m.Identity.Maker)
	add("rollcall:badge", m.Identity.Badge)
	add("rollcall:origin:country", m.Origin.Country)
	add("rollcall:origin:parent-country", m.Origin.ParentCountry)
	if m.Origin.Unconfirmed {
		add("rollcall:origin:unconfirmed", "true")
	}
	add("rollcall:variant", m.Identity.Variant)
	add("rollcall:technology", m.Identity.Technology)
	add("rollcall:confidence", number(m.Confidence))
	for _, p := range m.Possible {
		add("rollcall:possible-maker", p)
	}
	out = append(out, s.evidenceProperties(m)...)
	out = append(out, deviceProperties(m.Device)...)
	if s.IMEI {
		add("rollcall:imei", m.Identity.IMEI)
	}
	add("rollcall:data", m.Data)
	return append(out, s.findingProperties(it.Findings)...)
}

func (s Settings) evidenceProperties(m *inventory.Module) []property {
	var out []property
	for _, e := range m.Evidence {
		if e.Claim == "maker" || e.Claim == "chipset" {
			out = append(out, property{"rollcall:evidence:" + e.Claim, s.method(e)})
		}
	}
	for _, c := range m.Conflicts {
		why := c.Claim + ": " + c.Why
		if !personal(c.Claim) {
			why += " (" + strings.Join(c.Values, " | ") + ")"
		}
		out = append(out, property{"rollcall:conflict", s.mask(why)})
	}
	for _, p := range m.Parts {
		if s.IMEI || !personal(p.Name) {
			out = append(out, property{"rollcall:part", s.mask(p.Name + "=" + p.Value)})
		}
	}
	return out
}

func deviceProperties(d *inventory.Device) []property {
	if d == nil {
		return nil
	}
	out := []property{{"rollcall:device:bus", d.Bus}, {"rollcall:device:id", ids(d.VID, d.PID)},
		{"rollcall:device:path", d.Path}, {"rollcall:device:subsystem", ids(d.SubVID, d.SubPID)}}
	return slices.DeleteFunc(out, func(p property) bool { return p.value == "" })
}

// ids writes a pair of ids; a device on no bus that has them has none.
func ids(vendor, product string) string {
	if vendor == "" && product == "" {
		return ""
	}
	return vendor + ":" + product
}

func (s Settings) findingProperties(findings []Finding) []property {
	var out []property
	for _, f := range findings {
		if f.List != "" {
			out = append(out, property{"rollcall:list", listEntry(f)})
		}
		text := f.Rule + " (" + f.Severity + "): " + f.Text
		if f.Excepted != "" {
			text += " [excepted: " + f.Excepted + "]"
		}
		out = append(out, property{"rollcall:finding", s.mask(text)})
	}
	return out
}

func listEntry(f Finding) string {
	s := f.List
	if f.Edition != "" {
		s += "; edition=" + f.Edition
	}
	if !f.Since.IsZero() {
		s += "; since=" + f.Since.UTC().Format("2006-01-02")
	}
	return s
}

// method says in one line what was seen where.
func (s Settings) method(e inventory.Evidence) string {
	quote := cmp.Or(e.Quote, e.Value)
	if quote == "" {
		return e.Source
	}
	return s.mask(e.Source + ": " + quote)
}

func number(f float64) string { return strconv.FormatFloat(within(f), 'g', 4, 64) }

// within keeps a confidence to what JSON and the schemas can hold.
func within(f float64) float64 {
	switch {
	case f > 1:
		return 1
	case f > 0:
		return f
	}
	return 0 // also for what is no number
}
