package knowledge

import (
	"cmp"
	"encoding/hex"
	"errors"
	"slices"
	"strings"
	"unicode/utf8"
)

// Compile checks s and lays it over base (nil: nothing). An error names every mistake with
// its file and line; then there is no pack.
func Compile(base *Pack, s *Source) (*Pack, error) {
	b := newBuilder(base)
	b.vocabulary(s)
	for i := range s.Makers {
		b.maker(&s.Makers[i])
	}
	for i := range s.Makers {
		b.contents(&s.Makers[i])
	}
	for i := range s.Others {
		b.other(&s.Others[i])
	}
	b.ids(s)
	b.sort()
	if err := errors.Join(b.errs...); err != nil {
		return nil, err
	}
	return b.p, nil
}

type builder struct {
	p       *Pack
	overlay bool
	slugs   map[string]uint16
	rules   map[string]bool
	errs    []error
}

func newBuilder(base *Pack) *builder {
	b := &builder{p: &Pack{}, slugs: map[string]uint16{}, rules: map[string]bool{}}
	if base == nil {
		return b
	}
	b.overlay = true
	*b.p = *base
	// What the overlay appends must not write into the base's memory.
	b.p.Makers = slices.Clone(base.Makers)
	b.p.Names, b.p.Families = slices.Clone(base.Names), slices.Clone(base.Families)
	b.p.Aliases = slices.Clone(base.Aliases)
	b.p.Rules, b.p.Others = slices.Clone(base.Rules), slices.Clone(base.Others)
	b.p.USB, b.p.PCI, b.p.TAC = slices.Clone(base.USB), slices.Clone(base.PCI), slices.Clone(base.TAC)
	for i, m := range b.p.Makers {
		b.slugs[m.Slug] = uint16(i)
	}
	for _, r := range b.p.Rules {
		b.rules[r.ID] = true
	}
	return b
}

func (b *builder) wrong(w Where, format string, args ...any) {
	b.errs = append(b.errs, w.errorf(format, args...))
}

// maker adds the company itself; its contents may refer to any other company.
func (b *builder) maker(m *MakerFile) {
	if _, known := b.slugs[m.Slug]; known {
		if !b.overlay {
			b.wrong(m.Where.At("slug"), "slug %q stands twice", m.Slug)
		}
		return
	}
	if !slug(m.Slug) {
		b.wrong(m.Where.At("slug"), "slug %q: a name of a-z, 0-9 and - is wanted", m.Slug)
		return
	}
	role, ok := roles[m.Role]
	switch {
	case !ok:
		b.wrong(m.Where.At("role"), "role %q is none of maker, badge, chipset", m.Role)
	case m.Name == "" || m.Source == "" && !b.overlay || m.AsOf == "" && !b.overlay:
		b.wrong(m.Where, "name, source and as_of must be given")
	case !country(m.Country):
		b.wrong(m.Where.At("country"), "country codes are two capital letters or empty")
	case !country(m.ParentCountry):
		b.wrong(m.Where.At("parent_country"), "country codes are two capital letters or empty")
	case m.AsOf != "" && !date(m.AsOf):
		b.wrong(m.Where.At("as_of"), "as_of %q is no day like 2026-11-22", m.AsOf)
	}
	b.history(m)
	b.readings(m)
	b.slugs[m.Slug] = uint16(len(b.p.Makers))
	b.p.AsOf = max(b.p.AsOf, m.AsOf)
	b.p.Makers = append(b.p.Makers, Maker{
		Slug: m.Slug, Name: m.Name, Legal: cmp.Or(m.Legal, m.Name), Role: role, Group: cmp.Or(m.Group, m.Slug),
		Country: m.Country, Parent: m.Parent, ParentCountry: m.ParentCountry,
		AsOf: m.AsOf, Source: m.companySource(), Confirmed: m.Confirmed, Wide: m.Wide,
	})
}

// companySource is where the company's own facts were read; the file's source is that of its
// models, too.
func (m *MakerFile) companySource() string {
	if len(m.Read) > 0 {
		return m.Read[0].Source
	}
	return m.Source
}

// readings holds "confirmed" to its word: somebody read it somewhere, and it says a country.
func (b *builder) readings(m *MakerFile) {
	for _, r := range m.Read {
		if r.Says == "" || r.Source == "" || !date(r.Date) {
			b.wrong(m.Where.At("read"), "read: what the source says, its address and a date like 2026-11-22 must be given")
		}
	}
	switch {
	case b.overlay || !m.Confirmed:
	case len(m.Read) == 0:
		b.wrong(m.Where.At("confirmed"), "is confirmed, but read does not say where")
	case m.Country == "":
		b.wrong(m.Where.At("confirmed"), "is confirmed, but has no country")
	}
}

func (b *builder) history(m *MakerFile) {
	for _, e := range m.History {
		if e.What == "" || e.Source == "" && m.Source == "" {
			b.wrong(m.Where.At("history"), "history: what happened and its source must be given")
		}
	}
}

func (b *builder) contents(m *MakerFile) {
	owner, ok := b.slugs[m.Slug]
	if !ok {
		return
	}
	for _, also := range m.Also {
		if have, taken := b.slugs[also]; taken && have != owner {
			b.wrong(m.Where.At("also"), "also %q is the slug of another company", also)
		}
		b.slugs[also] = owner
	}
	for _, n := range m.Names {
		b.name(m.Where.At("names"), n, owner, false)
	}
	for _, n := range m.WeakNames {
		b.name(m.Where.At("weak_names"), n, owner, true)
	}
	for _, a := range m.Aliases {
		if len(m.Names) == 0 || a.As != "" {
			b.wrong(a.Where, "alias %q: stands for the first of names, which must be given; as must not", a.Text)
			continue
		}
		a.As = " " + m.Names[0] + " "
		b.alias(a)
	}
	for i := range m.Families {
		b.family(m, &m.Families[i], owner)
	}
	for i := range m.Rules {
		b.rule(&m.Rules[i], m.Slug, m.Source, owner, 0)
	}
	b.p.Makers[owner].Ask = slices.Clip(b.p.Makers[owner].Ask) // the base's, which the overlay must not write into
	for _, a := range m.Ask {
		b.p.Makers[owner].Ask = append(b.p.Makers[owner].Ask, b.ask(a))
	}
}

func (b *builder) name(w Where, text string, owner uint16, weak bool) {
	key := Words(text)
	for !weak {
		cut := strings.LastIndexByte(key, ' ')
		if cut < 0 || !slices.Contains(b.p.CompanyWords, key[cut+1:]) {
			break
		}
		key = key[:cut]
	}
	if key == "" {
		b.wrong(w, "name %q holds no word", text)
		return
	}
	for _, n := range b.p.Names {
		if n.Key == key && n.Maker == owner {
			return
		}
		if n.Key == key && !weak && !n.Weak {
			b.wrong(w, "name %q is also one of %s", text, b.p.Makers[n.Maker].Slug)
		}
	}
	b.p.Names = append(b.p.Names, Name{Key: key, Maker: owner, Weak: weak})
}

// alias takes a word in another script, in each of its encodings.
func (b *builder) alias(a AliasRow) {
	gbk, err := hex.DecodeString(a.GBK)
	if !allHigh(a.Text) || !allHigh(string(gbk)) || err != nil || a.GBK != "" && len(gbk) != 2*utf8.RuneCountInString(a.Text) {
		b.wrong(a.Where, "alias %q: must be letters beyond ASCII, and gbk %q two bytes for each of them, above 7f", a.Text, a.GBK)
		return
	}
	for _, text := range []string{a.Text, string(gbk)} {
		taken := slices.ContainsFunc(b.p.Aliases, func(have Alias) bool { return have.Text == text })
		switch {
		case text == "":
		case taken:
			b.wrong(a.Where, "alias %q stands twice", a.Text)
		default:
			b.p.Aliases = append(b.p.Aliases, Alias{Text: text, As: a.As})
		}
	}
}

func allHigh(s string) bool {
	return strings.IndexFunc(s, func(r rune) bool { return r < 0x80 }) < 0
}

func (b *builder) other(o *OtherFile) {
	if o.Kind == "" || o.Seems == "" || o.Source == "" && !b.overlay {
		b.wrong(o.Where, "kind, seems and source must be given")
	}
	b.p.Others = append(b.p.Others, Other{Kind: o.Kind, Seems: o.Seems})
	n := uint16(len(b.p.Others))
	for i := range o.Rules {
		b.rule(&o.Rules[i], o.Kind, o.Source, None, n)
	}
}

func (b *builder) ask(a AskRow) Ask {
	field, ok := fields[a.For]
	if !ok {
		b.wrong(a.Where.At("for"), "ask: %q is no field", a.For)
	}
	if !strings.HasPrefix(a.Cmd, "AT") {
		b.wrong(a.Where.At("cmd"), "ask: %q is no command", a.Cmd)
	}
	out := Ask{Cmd: a.Cmd, For: field, Fuller: a.Fuller}
	for _, f := range a.Families {
		out.Families = append(out.Families, Key(f))
	}
	return out
}

// find gives the number of a company, or None with an error.
func (b *builder) find(w Where, slug string) uint16 {
	n, ok := b.slugs[slug]
	if !ok {
		b.wrong(w, "%q is no known slug", slug)
		return None
	}
	return n
}

func (b *builder) sort() {
	p := b.p
	slices.SortFunc(p.Names, func(x, y Name) int { return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Maker, y.Maker)) })
	slices.SortFunc(p.Aliases, func(x, y Alias) int {
		return cmp.Or(cmp.Compare(len(y.Text), len(x.Text)), cmp.Compare(x.Text, y.Text))
	})
	slices.SortStableFunc(p.Families, func(x, y Family) int { return cmp.Or(cmp.Compare(x.Key, y.Key), cmp.Compare(x.Owner, y.Owner)) })
	slices.SortFunc(p.Rules, func(x, y Rule) int { return cmp.Compare(x.ID, y.ID) })
	slices.SortStableFunc(p.USB, func(x, y USB) int { return cmp.Compare(usbOrder(x), usbOrder(y)) })
	slices.SortStableFunc(p.PCI, func(x, y PCI) int { return slices.Compare(x.IDs[:], y.IDs[:]) })
	slices.SortStableFunc(p.TAC, func(x, y TAC) int { return cmp.Compare(x.Prefix, y.Prefix) })
}

// usbOrder puts a vendor's own row before its products.
func usbOrder(u USB) uint64 {
	if u.AnyPID {
		return uint64(u.VID) << 20
	}
	return uint64(u.VID)<<20 | uint64(u.PID) + 1
}

func slug(s string) bool {
	return s != "" && strings.Trim(s, "abcdefghijklmnopqrstuvwxyz0123456789-") == "" && s[0] != '-'
}

func country(s string) bool {
	return s == "" || len(s) == 2 && strings.Trim(s, "ABCDEFGHIJKLMNOPQRSTUVWXYZ") == ""
}

func date(s string) bool {
	return len(s) == 10 && s[4] == '-' && s[7] == '-' && strings.Trim(s, "0123456789-") == ""
}
