package knowledge

import (
	"slices"
	"strings"
)

// The words of the files, and what they mean in a pack.
var (
	roles     = map[string]Role{"maker": RoleMaker, "badge": RoleBadge, "chipset": RoleChipset}
	strengths = map[string]Strength{"": NoStrength, "hint": Hint, "fair": Fair, "strong": Strong, "proof": Proof}
	fields    = map[string]Field{
		"maker": FieldMaker, "model": FieldModel, "firmware": FieldFirmware, "hardware": FieldHardware,
		"imei": FieldIMEI, "svn": FieldSVN, "meid": FieldMEID, "esn": FieldESN, "serial": FieldSerial,
		"capability": FieldCapability, "part": FieldPart, "info": FieldInfo, "text": FieldText,
	}
	subjects = map[string]Subject{
		"maker": OnMaker, "model": OnModel, "firmware": OnFirmware, "hardware": OnHardware, "line": OnLine,
		"banner": OnBanner, "usb-manufacturer": OnUSBManufacturer, "usb-product": OnUSBProduct, "imei": OnIMEI,
	}
	idKinds = map[string]IDKind{
		"": KindModem, "modem": KindModem, "composite": KindComposite, "bootloader": KindBootloader,
		"storage": KindStorage, "chipset": KindChipset, "other": KindOther,
	}
)

// captures are the names that a pattern may give to its groups, beside part_….
var captures = []string{"model", "variant", "firmware", "hardware", "chipset", "imei", "code"}

// constants are the fields that a rule may set, beside part_….
var constants = []string{"model", "variant", "firmware", "hardware", "chipset", "technology", "badge", "maker"}

// vocabulary takes the words and the way replies are read. An overlay brings none.
func (b *builder) vocabulary(s *Source) {
	if b.overlay {
		return
	}
	p := b.p
	p.Technologies, p.Forms = s.Vocabulary.Technologies, s.Vocabulary.Forms
	p.ChipsetMakers = s.Vocabulary.ChipsetMakers
	for _, w := range s.Replies.CompanyWords {
		p.CompanyWords = append(p.CompanyWords, Words(w))
	}
	for _, w := range s.Replies.Placeholders {
		p.Placeholders = append(p.Placeholders, Key(w))
	}
	p.ModelTails, p.Noise, p.Refusals = s.Replies.ModelTails, s.Replies.Noise, s.Replies.Refusals
	for _, c := range s.Replies.Commands {
		b.command(c)
	}
	for _, l := range s.Replies.Labels {
		field, ok := fields[l.Field]
		if !ok || (field == FieldPart) != (l.Part != "") {
			b.wrong(l.Where, "label %q: field %q is unknown, or a part without its name", l.Label, l.Field)
		}
		p.Labels = append(p.Labels, Label{Key: strings.ToLower(l.Label), Field: field, Rank: uint8(l.Rank), Part: l.Part})
	}
	for _, t := range s.Replies.Translations {
		b.alias(t)
	}
	slices.Sort(p.CompanyWords)
	for _, a := range s.Plan.First {
		p.First = append(p.First, b.ask(a))
	}
}

func (b *builder) command(c CommandRow) {
	field, ok := fields[c.Field]
	if !ok || c.Rank < 0 || c.Rank > 200 {
		b.wrong(c.Where, "command %q: unknown field %q, or rank out of 0 to 200", c.Cmd, c.Field)
	}
	if c.Source == "" {
		b.wrong(c.Where, "command %q has no source", c.Cmd)
	}
	b.p.Commands = append(b.p.Commands, Command{
		Key: strings.ToUpper(strings.TrimPrefix(c.Cmd, "AT")), Source: "at:" + c.Cmd,
		Field: field, Rank: uint8(c.Rank), Fuller: c.Fuller, Cellular: c.Cellular, Part: c.Part,
	})
}
