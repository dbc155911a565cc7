package fingerprint

import (
	"slices"
	"testing"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// Clearing a device of one origin because it says another company's name is the worst mistake. Each model that is
// known, however surely, is asked with the names of companies of other origins: none of them is named that is not
// known to call a model so.
func TestNameAloneDoesNotClear(t *testing.T) {
	b := embedded(t)
	callers := map[string][]uint16{}
	for i := range b.pack.Families {
		f := &b.pack.Families[i]
		callers[f.Key] = append(callers[f.Key], f.Builder, f.Owner)
	}
	asks := 0
	for i := range b.pack.Families {
		f := &b.pack.Families[i]
		if f.Builder != f.Owner || b.pack.Makers[f.Builder].Role != knowledge.RoleMaker {
			continue
		}
		for n := range 3 {
			other := b.stranger(f.Builder, i+n*97)
			name := b.pack.Makers[other].Name
			if _, ok := b.findName(name, false); !ok || slices.Contains(callers[f.Key], other) {
				continue
			}
			asks++
			v := b.Identify(asked("AT+CGMI = "+name, "AT+CGMM = "+f.Name))
			if v.Identity.Maker == b.pack.Makers[other].Slug {
				t.Errorf("%q that says %q is taken for %s", f.Name, name, v.Identity.Maker)
			}
		}
	}
	if asks < 5000 {
		t.Errorf("only %d were asked", asks)
	}
}

// stranger gives a company of another origin, a different one for each n.
func (b *Base) stranger(maker uint16, n int) uint16 {
	for {
		n++
		other := uint16(n % len(b.pack.Makers))
		m := &b.pack.Makers[other]
		if m.Role == knowledge.RoleMaker && !b.sameOrigin(maker, other) && !b.sameLineage(maker, other) {
			return other
		}
	}
}

// A maker is not believed when it says a model that is known as another's only, be it a telephone's kind of name; of a
// model that both have, it is.
func TestAnothersModelClearsNobody(t *testing.T) {
	b := embedded(t)
	for _, c := range []struct{ says, model, maker string }{
		{"u-blox", "B260", ""},
		{"Nordic Semiconductor", "B260", ""},
		{"Nokia", "B260", ""},
		{"Nokia", "N75", "nokia"},
		{"Neoway", "N75", "neoway"},
		{"Sierra Wireless", "MC8305", "sierra-wireless"},
	} {
		v := b.Identify(asked("AT+CGMI = "+c.says, "AT+CGMM = "+c.model))
		if v.Identity.Maker != c.maker {
			t.Errorf("%s that says %q is taken for %q, not %q", c.model, c.says, v.Identity.Maker, c.maker)
		}
	}
}

func TestChipsetMakersNameWithAShortModelNamesNobody(t *testing.T) {
	v := embedded(t).Identify(asked("AT+CGMI = MediaTek Inc.", "AT+CGMM = T700"))
	if v.Identity.Maker != "" || v.Identity.Model != "T700" {
		t.Errorf("MediaTek's T700 is taken for %q %q", v.Identity.Maker, v.Identity.Model)
	}
}
