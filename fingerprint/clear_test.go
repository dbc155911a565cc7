package fingerprint

import (
	"testing"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// Clearing a device of one origin because it says another company's name is the worst mistake. Each model that
// is known for sure is asked with the names of companies of other origins before it: none of them is
// named. (Names of one letter and a few digits are left out: makers of telephones gave them too.)
func TestNameAloneDoesNotClear(t *testing.T) {
	b := embedded(t)
	shared := map[string]uint16{}
	for i := range b.pack.Families {
		f := &b.pack.Families[i]
		if builder, ok := shared[f.Key]; ok && builder != f.Builder {
			shared[f.Key] = knowledge.None
			continue
		}
		shared[f.Key] = f.Builder
	}
	asks := 0
	for i := range b.pack.Families {
		f := &b.pack.Families[i]
		own := mark{by: byModel, strength: f.Strength, family: int32(i) + 1}
		if f.Builder != f.Owner || f.Unconfirmed || shared[f.Key] != f.Builder || b.pack.Makers[f.Builder].Role != knowledge.RoleMaker || !b.distinct(&own) {
			continue
		}
		for n := range 3 {
			other := b.stranger(f.Builder, i+n*97)
			name := b.pack.Makers[other].Name
			if _, ok := b.findName(name, false); !ok {
				continue
			}
			asks++
			v := b.Identify(asked("AT+CGMI = "+name, "AT+CGMM = "+f.Name))
			if v.Identity.Maker == b.pack.Makers[other].Slug {
				t.Errorf("%q that says %q is taken for %s", f.Name, name, v.Identity.Maker)
			}
		}
	}
	if asks < 1000 {
		t.Errorf("only %d were asked", asks)
	}
}

// stranger gives a company of another origin, a different one for each n.
func (b *Base) stranger(maker uint16, n int) uint16 {
	for {
		n++
		other := uint16(n % len(b.pack.Makers))
		m := &b.pack.Makers[other]
		if m.Role == knowledge.RoleMaker && !b.sameOrigin(decision{maker: maker, second: other}) && !b.sameLineage(maker, other) {
			return other
		}
	}
}

// A maker that gives its modules no names of a letter and a number is not believed when it says one that is another's;
// a maker of telephones is, as it may well have one of that name.
func TestLetterAndNumberClearsNoModuleMaker(t *testing.T) {
	b := embedded(t)
	for _, c := range []struct{ says, maker string }{
		{"u-blox", ""},
		{"Nordic Semiconductor", ""},
		{"Nokia", "nokia"},
	} {
		v := b.Identify(asked("AT+CGMI = "+c.says, "AT+CGMM = B260"))
		if v.Identity.Maker != c.maker {
			t.Errorf("B260 that says %q is taken for %q, not %q", c.says, v.Identity.Maker, c.maker)
		}
	}
}

func TestChipsetMakersNameWithAShortModelNamesNobody(t *testing.T) {
	v := embedded(t).Identify(asked("AT+CGMI = MediaTek Inc.", "AT+CGMM = T700"))
	if v.Identity.Maker != "" || v.Identity.Model != "T700" {
		t.Errorf("MediaTek's T700 is taken for %q %q", v.Identity.Maker, v.Identity.Model)
	}
}
