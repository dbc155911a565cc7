package fingerprint

import (
	_ "embed"
	"regexp"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

//go:generate go run ./knowledge/pack

// packed is the embedded knowledge; knowledge/README.md says how it is made.
//
//go:embed knowledge/pack.bin
var packed string

// Base is loaded knowledge. It is immutable and safe for concurrent use.
type Base struct {
	pack     *knowledge.Pack
	version  string
	names    map[string]int32 // key → first of its entries in pack.Names
	families map[string]int32 // key → first of its entries in pack.Families
	commands map[string]int32
	labels   map[string]int32
	longest  struct{ name, family int }
	rules    [knowledge.Subjects]buckets // of makers
	others   [knowledge.Subjects]buckets // of devices that are not cellular
	patterns []pattern
	nameRule []string // by maker: how evidence by name is called
	refusals [][]byte
	chips    map[shape]bool // what names of chipsets look like
}

// buckets holds the numbers of the rules that may match a text, by its first byte.
type buckets [256][]uint16

// pattern is compiled when it is needed for the first time: most never are.
type pattern struct {
	once   sync.Once
	re     *regexp.Regexp
	groups []string
}

// Embedded loads the knowledge that is built into the program.
func Embedded() (*Base, error) { return Load() }

// Load loads the embedded knowledge and lays the overlays over it, in order. An error names
// every mistake with file, line and reason; then there is no base.
func Load(overlays ...Overlay) (*Base, error) {
	pack, err := knowledge.Decode(packed)
	if err != nil {
		return nil, err
	}
	b := newBase(pack, pack.AsOf+"+"+pack.Digest)
	for _, o := range overlays {
		if b, err = b.with(o); err != nil {
			return nil, err
		}
	}
	return b, nil
}

func newBase(p *knowledge.Pack, version string) *Base {
	b := &Base{
		pack: p, version: version, patterns: make([]pattern, len(p.Rules)),
		names: make(map[string]int32, len(p.Names)), families: make(map[string]int32, len(p.Families)),
		commands: make(map[string]int32, len(p.Commands)), labels: make(map[string]int32, len(p.Labels)), chips: chipShapes(p),
	}
	for i := len(p.Names) - 1; i >= 0; i-- {
		b.names[p.Names[i].Key] = int32(i)
		b.longest.name = max(b.longest.name, len(p.Names[i].Key))
	}
	for i := len(p.Families) - 1; i >= 0; i-- {
		b.families[p.Families[i].Key] = int32(i)
		b.longest.family = max(b.longest.family, len(p.Families[i].Key))
	}
	for i := range p.Commands {
		b.commands[p.Commands[i].Key] = int32(i)
	}
	for i := range p.Labels {
		b.labels[p.Labels[i].Key] = int32(i)
	}
	for i := range p.Makers {
		b.nameRule = append(b.nameRule, p.Makers[i].Slug+"/names")
	}
	for _, word := range p.Refusals {
		b.refusals = append(b.refusals, []byte(word))
	}
	for i := range p.Rules {
		b.index(&p.Rules[i], uint16(i))
	}
	return b
}

// index puts a rule into the buckets of all bytes with which its matches may begin.
func (b *Base) index(r *knowledge.Rule, n uint16) {
	to := &b.rules[r.On]
	if r.Other > 0 {
		to = &b.others[r.On]
	}
	for c := range to {
		if r.First == "" || strings.IndexByte(r.First, byte(c)) >= 0 {
			to[c] = append(to[c], n)
		}
	}
}

// match runs rule n on text and gives the submatch indexes, nil for no match.
func (b *Base) match(n uint16, text string) []int {
	r, p := &b.pack.Rules[n], &b.patterns[n]
	if !strings.HasPrefix(text, r.Prefix) || len(r.Inside) > len(r.Prefix) && !strings.Contains(text, r.Inside) {
		return nil
	}
	p.once.Do(func() {
		p.re = regexp.MustCompile(r.Pattern) // checked when the pack was made
		p.groups = p.re.SubexpNames()
	})
	return p.re.FindStringSubmatchIndex(text)
}

// Version names the knowledge: its newest day and the digest of its contents.
func (b *Base) Version() string { return b.version }

// Maker gives the company of a slug.
func (b *Base) Maker(slug string) (Maker, bool) {
	for i := range b.pack.Makers {
		if m := &b.pack.Makers[i]; m.Slug == slug {
			return Maker{
				Slug: m.Slug, Name: m.Name, Legal: m.Legal, Country: m.Country, Parent: m.Parent,
				ParentCountry: m.ParentCountry, AsOf: m.AsOf, Confirmed: m.Confirmed, Source: m.Source,
				Role: Role(m.Role),
			}, true
		}
	}
	return Maker{}, false
}

// Makers gives the slugs of all companies and brands, sorted.
func (b *Base) Makers() []string {
	out := make([]string, len(b.pack.Makers))
	for i := range out {
		out[i] = b.pack.Makers[i].Slug
	}
	return out
}

// Chipset gives the maker of a chipset as [inventory.Identity] names it: slug and country.
func (b *Base) Chipset(chipset string) (maker, country string) {
	for _, c := range b.pack.ChipsetMakers {
		if rest, ok := strings.CutPrefix(chipset, c.Name); ok && (rest == "" || rest[0] == ' ') {
			return c.Slug, c.Country
		}
	}
	return "", ""
}
