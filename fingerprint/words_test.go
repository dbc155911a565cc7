package fingerprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// TestEveryWordIsUsed: what vocabulary.yaml allows, some family, variant or rule says.
func TestEveryWordIsUsed(t *testing.T) {
	p := embedded(t).pack
	said := map[string]bool{}
	var chipsets []string
	say := func(technology, chipset, form string) {
		said["technology "+technology], said["form "+form] = true, true
		chipsets = append(chipsets, chipset)
	}
	for _, f := range p.Families {
		say(f.Technology, f.Chipset, f.Form)
		for _, v := range f.Variants {
			say(v.Technology, v.Chipset, "")
		}
	}
	for _, r := range p.Rules {
		for _, s := range r.Set {
			switch s.Field {
			case "technology":
				say(s.Value, "", "")
			case "chipset":
				say("", s.Value, "")
			}
		}
	}
	for _, m := range p.Makers {
		if m.Role == knowledge.RoleChipset {
			say("", m.Name, "") // an answer that names it makes it the chipset
		}
	}
	for _, w := range p.Technologies {
		if !said["technology "+w] {
			t.Errorf("technology %q is used by nothing", w)
		}
	}
	for _, w := range p.Forms {
		if !said["form "+w] {
			t.Errorf("form %q is used by nothing", w)
		}
	}
	for _, c := range p.ChipsetMakers {
		if !slices.ContainsFunc(chipsets, func(s string) bool { return s == c.Name || strings.HasPrefix(s, c.Name+" ") }) {
			t.Errorf("chipset maker %q is used by nothing", c.Name)
		}
	}
}

// TestNoRuleTakesAnothersExamples: where an example names its maker, no rule that could name another one matches it.
func TestNoRuleTakesAnothersExamples(t *testing.T) {
	b := embedded(t)
	for _, m := range readKnowledge(t).Makers {
		for i := range m.Rules {
			r := &m.Rules[i]
			own := b.ruleNumber(m.Slug + "/" + r.ID)
			if x := &b.pack.Rules[own]; x.Needs || x.Strength == knowledge.Hint {
				continue
			}
			for _, e := range r.Examples {
				text := trim(e.Text)
				for _, n := range b.rules[b.pack.Rules[own].On][text[0]] {
					x, y := &b.pack.Rules[own], &b.pack.Rules[n]
					if x.Maker == knowledge.None || y.Maker == knowledge.None || b.sameLineage(x.Maker, y.Maker) || y.Strength < x.Strength {
						continue
					}
					if y.Strength >= knowledge.Fair && !y.Needs && b.match(n, text) != nil {
						t.Errorf("%s:%d: rule %s: its example %q is also one of %s", r.Where.File, r.Where.Line, x.ID, text, y.ID)
					}
				}
			}
		}
	}
}

func (b *Base) ruleNumber(id string) uint16 {
	n, _ := slices.BinarySearchFunc(b.pack.Rules, id, func(x knowledge.Rule, id string) int { return strings.Compare(x.ID, id) })
	return uint16(n)
}
