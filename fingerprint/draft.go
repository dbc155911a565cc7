package fingerprint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Draft writes a first form of an overlay (knowledge/README.md) for a device that is not yet
// known: what it said, as the examples of a family and a firmware rule. A person completes it; what must be
// completed stands in capital letters, so that it does not load before.
func (b *Base) Draft(o Observation) []byte {
	var w work
	w.chipset, w.usb, w.pci = knowledge.None, -1, -1
	b.read(&w, o)
	v := b.Identify(o)
	guess := b.guess(&w, &v.Identity)
	var out strings.Builder
	slug := v.Identity.Maker
	if slug == "" {
		slug = "SLUG-OF-THE-MAKER"
	}
	fmt.Fprintf(&out, "slug: %s\n", slug)
	if v.Identity.Maker == "" {
		fmt.Fprintf(&out, "name: NAME OF THE MAKER\nrole: maker  # maker, badge or chipset\ncountry: \"\"  # its seat, two letters\nparent_country: \"\"\n"+
			"source: \"\"  # where that can be read; a file of this tree needs it\nas_of: \"\"  # and the day on which it could: 2026-11-22\n")
		if guess.maker != "" {
			fmt.Fprintf(&out, "names: [%q]\n", guess.maker)
		}
	}
	if model := guess.model; model != "" {
		fmt.Fprintf(&out, "families:\n  - {name: %q, technology: %q, examples: [%q]}\n", model, v.Identity.Technology, model)
	}
	if firmware := guess.firmware; firmware != "" {
		fmt.Fprintf(&out, "rules:\n  - id: firmware\n    on: firmware\n    pattern: '%s'\n    strength: fair  # proof, strong, fair or hint\n    examples: [{text: %q, firmware: %q}]\n",
			draftPattern(firmware), firmware, firmware)
	}
	if o.USB != nil && o.USB.VID != "" {
		fmt.Fprintf(&out, "usb: [{vid: %q, pid: %q, model: %q}]\n", o.USB.VID, o.USB.PID, guess.model)
	}
	return []byte(out.String())
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
		fmt.Fprintf(&out, "[0-9]{%d}", at[1]-at[0])
		last = at[1]
	}
	out.WriteString(regexp.QuoteMeta(s[last:]))
	return strings.ReplaceAll(out.String(), "'", "''")
}
