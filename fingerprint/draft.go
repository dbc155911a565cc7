package fingerprint

import (
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Draft writes a first form of an overlay (knowledge/README.md) for a device that is not yet
// known: what it said, as the examples of a family and a firmware rule. A person completes it; what must be
// completed stands in capital letters, so that it does not load before. What is known already, or is said by
// anybody's module, is left out; nil: nothing remains.
func (b *Base) Draft(o Observation) []byte {
	var w work
	w.chipset, w.usb, w.pci = knowledge.None, -1, -1
	b.read(&w, o)
	v := b.Identify(o)
	guess := b.guess(&w, &v.Identity)
	var body strings.Builder
	if model := guess.model; model != "" && !b.isPlaceholder(model) && (v.Identity.Maker == "" || !b.wholeModel(model)) {
		fmt.Fprintf(&body, "families:\n  - {name: %q, technology: %q, examples: [%q]}\n", model, v.Identity.Technology, model)
	}
	if firmware := guess.firmware; firmware != "" && !b.takesFirmware(v.Identity.Maker, firmware) {
		b.draftRule(&body, v.Identity.Maker, firmware)
	}
	if o.USB != nil && b.newVendor(o.USB.VID) {
		fmt.Fprintf(&body, "usb: [{vid: %q, pid: %q, model: %q}]\n", o.USB.VID, o.USB.PID, guess.model)
	}
	if body.Len() == 0 {
		return nil
	}
	return []byte(draftHead(v.Identity.Maker, guess.maker) + body.String())
}

// draftHead begins the file: of a maker that is known, or of one that a person has to name.
func draftHead(slug, name string) string {
	if slug != "" {
		return "slug: " + slug + "\n"
	}
	head := "slug: SLUG-OF-THE-MAKER\nname: NAME OF THE MAKER\nrole: maker  # maker, badge or chipset\ncountry: \"\"  # its seat, two letters\nparent_country: \"\"\n" +
		"source: \"\"  # where that can be read; a file of this tree needs it\nas_of: \"\"  # and the day on which it could, like 2026-11-22\n"
	if name != "" {
		head += fmt.Sprintf("names: [%q]\n", name)
	}
	return head
}

// draftRule writes a rule for a firmware's name. One without letters is anybody's, and speaks only of a maker that
// something else proves.
func (b *Base) draftRule(out *strings.Builder, maker, firmware string) {
	id, strength := "firmware", "strength: fair  # proof, strong, fair or hint"
	for n := 2; b.ruleNamed(maker + "/" + id); n++ {
		id = fmt.Sprintf("firmware-%d", n)
	}
	if strings.Trim(firmware, "0123456789 .,:_-()VvRr") == "" {
		strength = "strength: hint  # numbers alone are anybody's\n    needs: maker"
	}
	fmt.Fprintf(out, "rules:\n  - id: %s\n    on: firmware\n    pattern: '%s'\n    %s\n    examples: [{text: %q, firmware: %q}]\n",
		id, draftPattern(firmware), strength, firmware, firmware)
}

func (b *Base) ruleNamed(id string) bool {
	return slices.ContainsFunc(b.pack.Rules, func(r knowledge.Rule) bool { return r.ID == id })
}

// takesFirmware: a rule knows the form and whose it is, or knows it of the maker that is proven.
func (b *Base) takesFirmware(maker, firmware string) bool {
	for _, n := range b.rules[knowledge.OnFirmware][firmware[0]] {
		r := &b.pack.Rules[n]
		if r.Maker == knowledge.None || b.match(n, firmware) == nil {
			continue
		}
		if r.Strength >= knowledge.Strong || b.pack.Makers[r.Maker].Slug == maker {
			return true
		}
	}
	return false
}

// newVendor: no row has this vendor id. Other products of one that is known may be anybody's.
func (b *Base) newVendor(text string) bool {
	vid, ok := hexID(text)
	return ok && !slices.ContainsFunc(b.pack.USB, func(u knowledge.USB) bool { return u.VID == vid })
}

// guessed is what a draft begins with. Unlike an identity it may be wrong: a person reads it.
type guessed struct{ maker, model, firmware string }

// guess takes what is known, and what its place suggests of lines that nothing labels: a name
// first, then the model, then the revision (V.250 6.1.3 leaves their form open).
func (b *Base) guess(w *work, id *inventory.Identity) guessed {
	g := guessed{maker: best(w, knowledge.FieldMaker), model: id.Model, firmware: id.Firmware}
	for i := range w.nReading {
		r := &w.readings[i]
		if r.field != knowledge.FieldInfo || digits(r.value) || len(r.value) > maxValue {
			continue
		}
		switch {
		case g.maker == "" && g.model == "" && !strings.ContainsAny(r.value, "0123456789"):
			g.maker = r.value
		case g.model == "" && modelLike(r.value) && !plainVersion(r.value):
			g.model = b.cleanModel(r.value)
		case g.firmware == "" && versionLike(r.value) && r.value != g.model:
			g.firmware = cleanFirmware(r.value)
		}
	}
	return g
}

// best is the reading of a field with the highest rank.
func best(w *work, field knowledge.Field) (value string) {
	rank := -1
	for i := range w.nReading {
		if r := &w.readings[i]; r.field == field && int(r.rank) > rank {
			rank, value = int(r.rank), r.value
		}
	}
	return value
}

var digitRuns = regexp.MustCompile(`[0-9]+`)

// draftPattern lets each run of digits be any digits of that length.
func draftPattern(s string) string {
	var out strings.Builder
	out.WriteByte('^')
	last := 0
	for _, at := range digitRuns.FindAllStringIndex(s, -1) {
		out.WriteString(regexp.QuoteMeta(s[last:at[0]]))
		out.WriteString("[0-9]")
		if n := at[1] - at[0]; n > 1 {
			fmt.Fprintf(&out, "{%d}", n)
		}
		last = at[1]
	}
	out.WriteString(regexp.QuoteMeta(s[last:]))
	return strings.ReplaceAll(out.String(), "'", "''")
}
