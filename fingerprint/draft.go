package fingerprint

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// Draft writes a first form of an overlay (knowledge/README.md) for a device that is not yet
// known: what it said, as the examples of a family and a firmware rule. A person completes it; what must be
// completed stands in capital letters, so that it does not load before.
func (b *Base) Draft(o Observation) []byte {
	var w work
	w.chipset, w.usb, w.pci = knowledge.None, -1, -1
	b.read(&w, o)
	v := b.Identify(o)
	var out strings.Builder
	slug := v.Identity.Maker
	if slug == "" {
		slug = "SLUG-OF-THE-MAKER"
	}
	fmt.Fprintf(&out, "slug: %s\n", slug)
	if v.Identity.Maker == "" {
		fmt.Fprintf(&out, "name: NAME OF THE MAKER\nrole: maker  # maker, badge or chipset\ncountry: \"\"  # its seat, two letters\nparent_country: \"\"\n")
		if name := best(&w, knowledge.FieldMaker); name != "" {
			fmt.Fprintf(&out, "names: [%q]\n", name)
		}
	}
	if model := v.Identity.Model; model != "" {
		fmt.Fprintf(&out, "families:\n  - {name: %q, technology: %q, examples: [%q]}\n", model, v.Identity.Technology, model)
	}
	if firmware := v.Identity.Firmware; firmware != "" {
		fmt.Fprintf(&out, "rules:\n  - id: firmware\n    on: firmware\n    pattern: '%s'\n    strength: fair  # proof, strong, fair or hint\n    examples: [{text: %q, firmware: %q}]\n",
			draftPattern(firmware), firmware, firmware)
	}
	if o.USB != nil && o.USB.VID != "" {
		fmt.Fprintf(&out, "usb: [{vid: %q, pid: %q, model: %q}]\n", o.USB.VID, o.USB.PID, v.Identity.Model)
	}
	return []byte(out.String())
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
