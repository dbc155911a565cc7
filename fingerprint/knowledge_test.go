package fingerprint

import (
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// readKnowledge reads the folder as people edit it.
func readKnowledge(t testing.TB) *knowledge.Source {
	t.Helper()
	s, err := knowledge.Read(os.DirFS("knowledge"))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func embedded(t testing.TB) *Base {
	t.Helper()
	b, err := Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestPackIsInStep(t *testing.T) {
	pack, err := knowledge.Compile(nil, readKnowledge(t))
	if err != nil {
		t.Fatal(err)
	}
	pack.Encode()
	embedded, err := knowledge.Decode(packed) // not the bytes: compressors differ
	if err != nil {
		t.Fatal(err)
	}
	if embedded.Digest != pack.Digest || !cmp.Equal(pack, embedded) {
		t.Fatal("knowledge/pack.bin is not what the files give: run go generate ./fingerprint")
	}
}

func TestExamples(t *testing.T) {
	if err := embedded(t).checkExamples(readKnowledge(t)); err != nil {
		t.Fatal(err)
	}
}

// Every group of a pattern must be seen to catch something in one of the rule's examples.
func TestEveryGroupIsUsed(t *testing.T) {
	b := embedded(t)
	for _, m := range readKnowledge(t).Makers {
		for i := range m.Rules {
			r := &m.Rules[i]
			caught := map[string]bool{}
			for _, e := range r.Examples {
				for n := range b.pack.Rules {
					if b.pack.Rules[n].ID != m.Slug+"/"+r.ID {
						continue
					}
					loc := b.match(uint16(n), trim(e.Text))
					for g, name := range b.patterns[n].groups {
						if name != "" && len(loc) > 2*g && loc[2*g] >= 0 && loc[2*g] < loc[2*g+1] {
							caught[name] = true
						}
					}
				}
			}
			for _, name := range strings.Split(r.Pattern, "(?P<")[1:] {
				name, _, _ = strings.Cut(name, ">")
				if !caught[name] {
					t.Errorf("%s:%d: rule %s: no example shows what group %q catches", r.Where.File, r.Where.Line, r.ID, name)
				}
			}
		}
	}
}

// Every company is there for something: a name, a family, a rule, an id, a reference, or a list
// that names it. Makers of components may stand alone, too.
func TestEveryCompanyIsUsed(t *testing.T) {
	p := embedded(t).pack
	used := make([]bool, len(p.Makers))
	use := func(n uint16) {
		if n != knowledge.None {
			used[n] = true
		}
	}
	for _, n := range p.Names {
		use(n.Maker)
	}
	for _, f := range p.Families {
		use(f.Owner)
		use(f.Builder)
	}
	for _, r := range p.Rules {
		use(r.Owner)
		use(r.Maker)
		for _, s := range r.Set {
			if s.Field == "badge" {
				use(embedded(t).slugNumber(s.Value))
			}
		}
	}
	for _, u := range p.USB {
		use(u.Badge)
		for _, m := range u.Makers {
			use(m.Maker)
		}
	}
	for _, u := range p.PCI {
		use(u.Badge)
		for _, m := range u.Makers {
			use(m.Maker)
		}
	}
	set, err := lists.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	for _, l := range set.All() {
		for _, e := range l.Entries {
			use(embedded(t).slugNumber(e.Maker))
		}
	}
	for i, u := range used {
		if !u && p.Makers[i].Role != knowledge.RoleChipset {
			t.Errorf("%s is used by nothing", p.Makers[i].Slug)
		}
	}
}
