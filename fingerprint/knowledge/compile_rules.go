package knowledge

import (
	"cmp"
	"regexp"
	"regexp/syntax"
	"slices"
	"strings"
)

func (b *builder) family(m *MakerFile, row *FamilyRow, owner uint16) {
	names := row.Names
	if row.Name != "" {
		names = append([]string{row.Name}, names...)
	}
	f := Family{
		Owner: owner, Builder: owner, Is: row.Is, Form: row.Form, Chipset: row.Chipset, Technology: row.Technology,
		Unconfirmed: row.Unconfirmed, FirmwareVariants: row.FirmwareVariants == nil || *row.FirmwareVariants,
		Strength: strengths[cmp.Or(row.Strength, m.Strength, "fair")],
	}
	if row.Maker != "" {
		f.Builder = b.find(row.Where.At("maker"), row.Maker)
	}
	b.familyWords(m, row, names, f)
	join := "-"
	for _, j := range []*string{m.Join, row.Join} {
		if j != nil {
			join = *j
		}
	}
	for _, name := range names {
		f.Name, f.Key, f.ID = name, Key(name), m.Slug+"/"+name
		f.Variants = b.variants(row, name, join)
		for _, have := range b.p.Families {
			if have.Key == f.Key && have.Owner == owner && !b.overlay {
				b.wrong(row.Where.At("name"), "family %q stands twice", name)
			}
		}
		b.p.Families = append(b.p.Families, f)
	}
}

func (b *builder) familyWords(m *MakerFile, row *FamilyRow, names []string, f Family) {
	w := row.Where
	if len(names) == 0 || slices.ContainsFunc(names, func(n string) bool { return len(Key(n)) < 2 }) {
		b.wrong(w, "a family needs a name of at least two letters or digits")
	}
	if _, ok := strengths[row.Strength]; !ok || f.Strength == NoStrength {
		b.wrong(w.At("strength"), "strength %q is none of proof, strong, fair, hint", row.Strength)
	}
	if row.Form != "" && !slices.Contains(b.p.Forms, row.Form) {
		b.wrong(w.At("form"), "form %q is not in vocabulary.yaml", row.Form)
	}
	if b.p.Makers[f.Owner].Role == RoleChipset && row.Maker == "" {
		b.wrong(w, "a family of a chipset's maker must say who built it (maker:)")
	}
	b.technical(w, row.Technology, row.Chipset)
}

// technical checks a technology and a chipset against the vocabulary.
func (b *builder) technical(w Where, technology, chipset string) {
	if technology != "" && !slices.Contains(b.p.Technologies, technology) {
		b.wrong(w.At("technology"), "technology %q is not in vocabulary.yaml", technology)
	}
	if chipset != "" && !slices.ContainsFunc(b.p.ChipsetMakers, func(c ChipsetMaker) bool {
		return chipset == c.Name || strings.HasPrefix(chipset, c.Name+" ")
	}) {
		b.wrong(w.At("chipset"), "chipset %q begins with no name of chipset_makers in vocabulary.yaml", chipset)
	}
}

func (b *builder) variants(row *FamilyRow, name, join string) []FamilyVariant {
	var out []FamilyVariant
	for _, v := range row.Variants {
		b.technical(row.Where.At("variants"), v.Technology, v.Chipset)
		if Key(v.Name) == "" {
			b.wrong(row.Where.At("variants"), "variant %q holds no letter or digit", v.Name)
		}
		out = append(out, FamilyVariant{
			Key: Key(v.Name), Name: v.Name, Full: name + join + v.Name,
			Technology: v.Technology, Chipset: v.Chipset,
		})
	}
	slices.SortStableFunc(out, func(x, y FamilyVariant) int { return len(y.Key) - len(x.Key) })
	return out
}

// rule adds a pattern of a company, or (other > 0) of a kind of other device.
func (b *builder) rule(row *RuleRow, file, source string, owner, other uint16) {
	on, ok := subjects[row.On]
	r := Rule{
		ID: file + "/" + row.ID, On: on, Pattern: row.Pattern, Owner: owner, Maker: owner, Other: other,
		Strength: strengths[row.Strength], Needs: row.Needs == "maker", Binds: row.Binds,
		Before: row.Before,
	}
	if other > 0 || b.p.Makers[owner].Role != RoleMaker {
		r.Maker = None // unless it says who
	}
	switch {
	case row.ID == "" || b.rules[r.ID]:
		b.wrong(row.Where.At("id"), "rule id %q is empty or stands twice", row.ID)
	case !ok:
		b.wrong(row.Where.At("on"), "rule %s: on %q is unknown", r.ID, row.On)
	case on == OnIMEI && other == 0:
		b.wrong(row.Where.At("on"), "rule %s: on imei is for devices that are not cellular; a maker's IMEIs are listed by their TAC", r.ID)
	case r.Strength == NoStrength:
		b.wrong(row.Where.At("strength"), "rule %s: strength %q is none of proof, strong, fair, hint", r.ID, row.Strength)
	case row.Needs != "" && row.Needs != "maker":
		b.wrong(row.Where.At("needs"), "rule %s: needs %q: only maker is known", r.ID, row.Needs)
	case row.Source == "" && source == "" && !b.overlay:
		b.wrong(row.Where, "rule %s has no source", r.ID)
	case len(row.Examples) == 0:
		b.wrong(row.Where, "rule %s has no example: give a text that it takes", r.ID)
	case other > 0 && len(row.Set) > 0:
		b.wrong(row.Where.At("set"), "rule %s: a device that is not cellular has no fields to set", r.ID)
	}
	b.rules[r.ID] = true
	b.pattern(row, &r)
	b.set(row, &r)
	b.p.Rules = append(b.p.Rules, r)
}

func (b *builder) pattern(row *RuleRow, r *Rule) {
	tree, err := syntax.Parse(row.Pattern, syntax.Perl)
	if err != nil {
		b.wrong(row.Where.At("pattern"), "rule %s: %v", r.ID, err)
		return
	}
	r.Prefix, r.First = beginnings(tree)
	r.Inside = inside(tree)
	for _, name := range tree.CapNames()[1:] {
		if name == "" {
			b.wrong(row.Where.At("pattern"), "rule %s: every group has a name, or begins with ?:", r.ID)
		} else if !slices.Contains(captures, name) && !strings.HasPrefix(name, "part_") {
			b.wrong(row.Where.At("pattern"), "rule %s: group %q is none of %s, part_…", r.ID, name, strings.Join(captures, ", "))
		} else if r.Other > 0 {
			b.wrong(row.Where.At("pattern"), "rule %s: a device that is not cellular has no groups", r.ID)
		}
	}
	prog, err := syntax.Compile(tree.Simplify())
	if err != nil || len(prog.Inst) > maxProgram {
		b.wrong(row.Where.At("pattern"), "rule %s: the pattern is too large", r.ID)
		return
	}
	if re, err := regexp.Compile(row.Pattern); err != nil || re.MatchString("") {
		b.wrong(row.Where.At("pattern"), "rule %s: the pattern matches nothing or everything", r.ID)
	}
}

func (b *builder) set(row *RuleRow, r *Rule) {
	for field, value := range row.Set {
		switch {
		case field == "maker" && value == "":
			r.Maker = None
		case field == "maker":
			r.Maker = b.find(row.Where.At("set"), value)
		case field == "badge":
			b.find(row.Where.At("set"), value)
		case field == "technology":
			b.technical(row.Where.At("set"), value, "")
		case field == "chipset":
			b.technical(row.Where.At("set"), "", value)
		case !slices.Contains(constants, field) && !strings.HasPrefix(field, "part_"):
			b.wrong(row.Where.At("set"), "rule %s: %q cannot be set", r.ID, field)
		}
		if field != "maker" {
			r.Set = append(r.Set, Constant{field, value})
		}
	}
	slices.SortFunc(r.Set, func(x, y Constant) int { return cmp.Compare(x.Field, y.Field) })
}
