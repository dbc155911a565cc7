package fingerprint

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// checkExamples runs every example of a source through the whole judgement: each field that it
// names must come out so, and no other piece of knowledge may turn it into something else.
func (b *Base) checkExamples(s *knowledge.Source) error {
	var all []error
	for i := range s.Makers {
		m := &s.Makers[i]
		for j := range m.Families {
			all = append(all, b.checkFamily(m, &m.Families[j]))
		}
		for j := range m.Rules {
			all = append(all, b.checkRule(&m.Rules[j], m))
		}
	}
	for i := range s.Others {
		o := &s.Others[i]
		for j := range o.Rules {
			all = append(all, b.checkOther(&o.Rules[j], o))
		}
	}
	return errors.Join(all...)
}

func wrong(w knowledge.Where, format string, args ...any) error {
	return &knowledge.Error{File: w.File, Line: w.Line, Reason: fmt.Sprintf(format, args...)}
}

// observe puts a text where a rule of this subject looks for it.
func observe(on, text string) Observation {
	reply := func(cmd string) Observation {
		return Observation{Transcript: []inventory.Exchange{{Cmd: cmd, Lines: []string{text}, Final: "OK"}}}
	}
	switch on {
	case "maker":
		return reply("AT+CGMI")
	case "model":
		return reply("AT+CGMM")
	case "firmware":
		return reply("AT+CGMR")
	case "hardware":
		return reply("AT^HWVER")
	case "imei":
		return reply("AT+CGSN")
	case "banner":
		return Observation{Banner: []string{text}}
	case "usb-manufacturer":
		return Observation{USB: &inventory.Device{Bus: "usb", Manufacturer: text}}
	case "usb-product":
		return Observation{USB: &inventory.Device{Bus: "usb", Product: text}}
	}
	return reply("ATI")
}

func (b *Base) checkFamily(m *knowledge.MakerFile, f *knowledge.FamilyRow) error {
	maker := m.Slug
	if f.Maker != "" {
		maker = f.Maker
	}
	var all []error
	for _, text := range f.Examples {
		v := b.Identify(observe("model", text))
		switch {
		case v.Identity.Maker != maker && !f.Unconfirmed:
			all = append(all, wrong(f.Where.At("examples"), "example %q: the maker comes out as %q, not %q", text, v.Identity.Maker, maker))
		case f.Technology != "" && v.Identity.Technology == "":
			all = append(all, wrong(f.Where.At("examples"), "example %q is not recognised as this family", text))
		}
	}
	return errors.Join(all...)
}

func (b *Base) checkRule(r *knowledge.RuleRow, m *knowledge.MakerFile) error {
	maker, given := r.Set["maker"]
	if !given && m.Role == "maker" {
		maker = m.Slug
	}
	var all []error
	for _, e := range r.Examples {
		if e.Text == "" {
			all = append(all, wrong(e.Where, "rule %s: an example has no text", r.ID))
			continue
		}
		v := b.Identify(observe(r.On, e.Text))
		want := maps.Clone(e.Fields)
		if _, named := want["maker"]; !named && maker != "" && r.Strength != "hint" && r.Needs == "" {
			want["maker"] = maker
		}
		all = append(all, b.checkFired(r, m.Slug, e), checkFields(r, e, want, v))
	}
	return errors.Join(all...)
}

// checkFired: the rule's own pattern matches its example.
func (b *Base) checkFired(r *knowledge.RuleRow, file string, e knowledge.Example) error {
	id := file + "/" + r.ID
	n, ok := slices.BinarySearchFunc(b.pack.Rules, id, func(x knowledge.Rule, id string) int { return strings.Compare(x.ID, id) })
	if ok && b.match(uint16(n), trim(e.Text)) != nil {
		return nil
	}
	return wrong(e.Where, "rule %s does not match its example %q", r.ID, e.Text)
}

func checkFields(r *knowledge.RuleRow, e knowledge.Example, want map[string]string, v Verdict) error {
	got := map[string]string{
		"maker": v.Identity.Maker, "badge": v.Identity.Badge, "model": v.Identity.Model, "variant": v.Identity.Variant,
		"firmware": v.Identity.Firmware, "hardware": v.Identity.Hardware, "imei": v.Identity.IMEI,
		"chipset": v.Identity.Chipset, "technology": v.Identity.Technology,
	}
	var all []error
	for _, field := range slices.Sorted(maps.Keys(want)) {
		if name, part := strings.CutPrefix(field, "part_"); part {
			if !slices.Contains(v.Parts, inventory.Part{Name: partName(name), Value: want[field]}) {
				all = append(all, wrong(e.Where, "rule %s, example %q: no part %s %q", r.ID, e.Text, partName(name), want[field]))
			}
			continue
		}
		value, known := got[field]
		switch {
		case !known:
			all = append(all, wrong(e.Where, "rule %s, example %q: %q is no field", r.ID, e.Text, field))
		case value != want[field]:
			all = append(all, wrong(e.Where, "rule %s, example %q: %s comes out as %q, not %q", r.ID, e.Text, field, value, want[field]))
		}
	}
	return errors.Join(all...)
}

func (b *Base) checkOther(r *knowledge.RuleRow, o *knowledge.OtherFile) error {
	var all []error
	for _, e := range r.Examples {
		v := b.Identify(observe(r.On, e.Text))
		if v.State != inventory.StateNotCellular || v.Seems != o.Seems {
			all = append(all, wrong(e.Where, "rule %s, example %q: comes out as %s %q, not as %q", r.ID, e.Text, v.State, v.Seems, o.Seems))
		}
	}
	return errors.Join(all...)
}
