package hbom

import (
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// column is one field of a table of modules.
type column struct {
	name string
	get  func(s *Settings, it *Item) string
}

// columns is the order of tables. Names and order are public: scripts rely on them.
func columns(imei bool) []column {
	c := []column{
		{"gateway", func(_ *Settings, it *Item) string { return it.Gateway.ID }},
		{"hostname", func(_ *Settings, it *Item) string { return it.Gateway.Hostname }},
		{"labels", func(_ *Settings, it *Item) string { return labels(it.Gateway.Labels) }},
		{"module", func(_ *Settings, it *Item) string { return it.Module.ID }},
		{"state", func(_ *Settings, it *Item) string { return string(it.Module.State) }},
		{"maker", func(_ *Settings, it *Item) string { return it.Module.Identity.Maker }},
		{"maker_name", func(s *Settings, it *Item) string { c, _ := s.maker(&it.Module); return c.Name }},
		{"maker_seat", func(_ *Settings, it *Item) string { return it.Module.Origin.Country }},
		{"parent_seat", func(_ *Settings, it *Item) string { return it.Module.Origin.ParentCountry }},
		{"badge", func(_ *Settings, it *Item) string { return it.Module.Identity.Badge }},
		{"model", func(s *Settings, it *Item) string { return s.maskName(it.Module.Identity.Model) }},
		{"variant", func(s *Settings, it *Item) string { return s.maskName(it.Module.Identity.Variant) }},
		{"hardware", func(s *Settings, it *Item) string { return s.maskName(it.Module.Identity.Hardware) }},
		{"firmware", func(s *Settings, it *Item) string { return s.maskName(it.Module.Identity.Firmware) }},
		{"imei", func(_ *Settings, it *Item) string { return it.Module.Identity.IMEI }},
		{"chipset", func(_ *Settings, it *Item) string { return it.Module.Identity.Chipset }},
		{"technology", func(_ *Settings, it *Item) string { return it.Module.Identity.Technology }},
		{"confidence", func(_ *Settings, it *Item) string { return number(it.Module.Confidence) }},
		{"lists", func(_ *Settings, it *Item) string { return lists(it.Findings) }},
		{"findings", func(s *Settings, it *Item) string { return named(s.findingProperties(it.Findings), "rollcall:finding") }},
		{"conflicts", func(s *Settings, it *Item) string {
			return named(s.evidenceProperties(&it.Module), "rollcall:conflict")
		}},
		{"possible_makers", func(_ *Settings, it *Item) string { return strings.Join(it.Module.Possible, ", ") }},
		{"evidence", func(s *Settings, it *Item) string { return s.proofs(&it.Module) }},
		{"device", func(_ *Settings, it *Item) string { return device(it.Module.Device) }},
		{"reason", func(s *Settings, it *Item) string { return s.mask(cmp.Or(it.Module.Reason, it.Module.Seems)) }},
		{"data", func(_ *Settings, it *Item) string { return it.Module.Data }},
	}
	if !imei {
		c = slices.DeleteFunc(c, func(c column) bool { return c.name == "imei" })
	}
	return c
}

// Columns gives the names of the fields of a table of modules. The IMEI has a column only if
// IMEIs are asked for.
func Columns(s Settings) []string {
	var out []string
	for _, c := range columns(s.IMEI) {
		out = append(out, c.name)
	}
	return out
}

// Rows gives a function that makes the row of an item: as many texts as there are columns,
// exactly as the module gave them. Whoever writes them encodes them.
func Rows(s Settings) func(it *Item) []string {
	s = s.withDefaults()
	cols := columns(s.IMEI)
	return func(it *Item) []string {
		out := make([]string, len(cols))
		for i, c := range cols {
			out[i] = c.get(&s, it)
		}
		return out
	}
}

func labels(m map[string]string) string {
	var out []string
	for _, k := range sortedKeys(m) {
		out = append(out, k+"="+m[k])
	}
	return strings.Join(out, ", ")
}

func lists(findings []Finding) string {
	var out []string
	for _, f := range findings {
		if f.List != "" {
			out = append(out, strings.ReplaceAll(listEntry(f), "; ", " "))
		}
	}
	return strings.Join(out, ", ")
}

// named joins the values of the properties of that name.
func named(props []property, name string) string {
	var out []string
	for _, p := range props {
		if p.name == name {
			out = append(out, p.value)
		}
	}
	return strings.Join(out, " | ")
}

// proofs gives the evidence for what a table shows: maker, model, firmware.
func (s Settings) proofs(m *inventory.Module) string {
	var out []string
	for _, e := range m.Evidence {
		if e.Claim == "maker" || e.Claim == "model" || e.Claim == "firmware" {
			out = append(out, e.Claim+" "+s.method(e))
		}
	}
	return strings.Join(out, " | ")
}

func device(d *inventory.Device) string {
	if d == nil {
		return ""
	}
	return strings.Join(strings.Fields(d.Bus+" "+d.Path+" "+ids(d.VID, d.PID)), " ")
}
