package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// askedRank is the least rank of an answer that says "model" of itself: lower than ownQuestion, since a label among
// others is enough.
const askedRank = 60

// isOwnName: the module was asked for its model, and gave a name that nothing is known of.
func (c *choice) isOwnName(r *reading) bool {
	return r.field == knowledge.FieldModel && r.rank >= askedRank && modelLike(r.value) &&
		!c.b.isPlaceholder(r.value) && !c.b.ofChipset(r) && !c.b.ofTechnology(r.value) && c.markOf(r) < 0
}

// ofChipset: it is a chipset's name ("MDM9607"), or that of a chipset's maker stood before it ("Qualcomm Snapdragon X55").
func (b *Base) ofChipset(r *reading) bool {
	if b.chips[shapeOf(r.value)] {
		return true
	}
	before, _, found := strings.Cut(r.quote, r.value)
	n, ok := b.findName(trim(before[strings.LastIndexByte(before, ':')+1:]), false)
	return found && ok && b.pack.Makers[n.maker].Role == knowledge.RoleChipset
}

// onlyChipset: a rule that knows the name as a chipset's.
func (m *mark) onlyChipset() bool {
	return m.family == 0 && m.maker == knowledge.None && m.badge == knowledge.None && m.chipset != ""
}

// ofTechnology: its first word, or the letters of it, are a technology's ("LTE_Module_V1", "GSM900", "5G-Module").
func (b *Base) ofTechnology(s string) bool {
	end := 0
	for end < len(s) && knowledge.Alnum(s[end]) {
		end++
	}
	word := strings.ToUpper(s[:end])
	letters := strings.TrimRight(word, "0123456789")
	return len(word) == 2 && digit(word[0]) && word[1] == 'G' || b.namesTechnology(word) || b.namesTechnology(letters)
}

// shape is what the names of one line of chipsets share: the letters and the first digit that follows them, and how
// long the name is ("MDM9607" and "MDM9x07").
type shape struct {
	begin [8]byte
	n     int
}

// shapeOf gives the zero shape for what has no letters before its first digit, or but one.
func shapeOf(s string) (out shape) {
	k := spell(s)
	for i := range min(k.n, len(out.begin)) {
		out.begin[i] = k.key[i]
		if !digit(k.key[i]) {
			continue
		}
		if i < 2 {
			break
		}
		out.n = k.n
		return out
	}
	return shape{}
}

// chipShapes gives the shapes of all chipsets that families have, with their makers' names and without.
func chipShapes(p *knowledge.Pack) map[shape]bool {
	out := map[shape]bool{}
	last := ""
	for i := range p.Families {
		chipset := p.Families[i].Chipset
		if chipset == last || chipset == "" {
			continue
		}
		last = chipset
		_, code, _ := strings.Cut(chipset, " ")
		out[shapeOf(chipset)], out[shapeOf(code)] = true, true
	}
	delete(out, shape{})
	return out
}
