package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// choice picks one value for each field of the identity out of what was read.
type choice struct {
	b *Base
	w *work
	d decision
	*chosen
}

// chosen says where the chosen values stand. It is apart from choice, which stays on the stack.
type chosen struct {
	// modelMark is the mark that tells most of the chosen model, -1 none.
	modelMark                  int
	modelSource, modelQuote    string
	firmwareSource, firmwareAt string
	hardwareSource, hardwareAt string
	chipsetRule, chipsetQuote  string
	chipsetSource              string
}

// mine: the mark speaks of the decided maker, or of a device whose maker is open.
func (c *choice) mine(m *mark) bool {
	return c.d.maker == knowledge.None || m.maker == c.d.maker || m.maker == knowledge.None ||
		c.b.sameLineage(m.maker, c.d.maker)
}

// Bonuses and maluses of a model's sources, on top of their ranks.
const (
	knownModel  = 400  // the maker is known to have such a model
	placeholder = -600 // reference firmware says that on anybody's module
	fromRule    = 30   // named by a rule on another kind of text (firmware, banner)
	ownName     = 300  // a name of its own that nothing is known of: more than its firmware's tells of it
)

// model takes the best source's name, then lets more exact ones that begin with it replace it.
func (c *choice) model(id *inventory.Identity) {
	c.modelMark = -1
	best := -10000
	for i := range c.w.nReading {
		r := &c.w.readings[i]
		if r.field != knowledge.FieldModel || r.value == "" {
			continue
		}
		m := c.markOf(r)
		value, score := r.value, int(r.rank)
		if m >= 0 {
			score += knownModel
			if c.w.marks[m].model != "" {
				value = c.w.marks[m].model
			}
		}
		switch {
		case c.b.isPlaceholder(value), m >= 0 && c.w.marks[m].onlyChipset():
			score += placeholder
		case c.isOwnName(r):
			score += ownName
		}
		c.offer(id, value, score, &best, m, r.source, r.quote)
	}
	for i := range c.w.nMark {
		m := &c.w.marks[i]
		if m.stem != "" && c.d.maker != knowledge.None && c.mine(m) { // better than nothing, less than any name that it gives itself
			c.offer(id, m.stem, int(m.rank)/4, &best, -1, m.source, m.quote)
		}
		if m.model == "" || !c.mine(m) || m.by == byModel {
			continue
		}
		score := int(m.rank)/4 + fromRule
		switch {
		case m.labelled(): // its value is a reading, too
		case m.by == byReply || m.by == byBanner:
			score += knownModel + int(m.rank)/2
		case m.by == byHardware:
			score += knownModel - 100 // better than a firmware's name, less than what it calls itself
		case m.by == byFirmware && m.strength >= knowledge.Strong:
			score += knownModel / 2
		}
		c.offer(id, m.model, score, &best, i, m.source, m.quote)
	}
	c.descriptorModel(id, &best)
	c.refine(id)
	c.variant(id)
}

func (c *choice) offer(id *inventory.Identity, value string, score int, best *int, mark int, source, quote string) {
	if score > *best || score == *best && value < id.Model {
		*best = score
		id.Model, c.modelMark, c.modelSource, c.modelQuote = value, mark, source, quote
	}
}

// markOf finds the strongest mark of a family or rule that fits a reading as a whole.
func (c *choice) markOf(r *reading) int {
	best := -1
	for i := range c.w.nMark {
		m := &c.w.marks[i]
		if m.by != byModel || !m.exact || !c.mine(m) || m.source != r.source || m.quote != r.quote {
			continue
		}
		if best < 0 || m.strength > c.w.marks[best].strength {
			best = i
		}
	}
	return best
}

func (b *Base) isPlaceholder(value string) bool {
	k := spell(value)
	for _, p := range b.pack.Placeholders {
		if string(k.key[:k.n]) == p {
			return true
		}
	}
	return b.describes(value)
}

// descriptorModel: what the ids' table calls the device, where it says nothing itself.
func (c *choice) descriptorModel(id *inventory.Identity, best *int) {
	if c.w.usb >= 0 && c.d.maker != knowledge.None {
		if row := &c.b.pack.USB[c.w.usb]; row.Model != "" && row.Kind != knowledge.KindChipset {
			c.offer(id, row.Model, 0, best, -1, "usb:id", row.Model)
		}
	}
	if c.w.pci >= 0 && c.d.maker != knowledge.None {
		if row := &c.b.pack.PCI[c.w.pci]; row.Model != "" {
			c.offer(id, row.Model, 0, best, -1, "pci:id", row.Model)
		}
	}
}

// refine replaces the model by a longer form of the same ("EC25" by the firmware's "EC25-E",
// "SARA-G350" by ATI's "SARA-G350-02S-01"), or by the usual spelling of the same letters.
func (c *choice) refine(id *inventory.Identity) {
	base := spell(id.Model)
	if base.n < 3 || c.modelMark < 0 && c.d.maker == knowledge.None {
		return
	}
	for i := range c.w.nMark {
		m := &c.w.marks[i]
		if m.model == "" || !c.mine(m) || m.by == byUSBText || !m.exact && m.variant == "" {
			continue
		}
		k := spell(m.model)
		if k.n < base.n || string(k.key[:base.n]) != string(base.key[:base.n]) {
			continue
		}
		longer := k.n > base.n && (m.by == byModel || m.by == byReply || m.variant != "" || letter(k.key[base.n]))
		if longer || k.n == base.n && m.family > 0 && m.variant != "" && len(m.model) > len(id.Model) {
			id.Model, c.modelMark, c.modelSource, c.modelQuote = m.model, i, m.source, m.quote
			base = k
		}
	}
}

func letter(c byte) bool { return c >= 'A' && c <= 'Z' }

func (c *choice) variant(id *inventory.Identity) {
	if c.modelMark >= 0 {
		id.Variant = c.w.marks[c.modelMark].variant
	}
}

// firmware takes the value of the highest rank. A fuller one replaces it where it begins with it.
func (c *choice) firmware(id *inventory.Identity) {
	best, line := -1000, uint8(0)
	for i := range c.w.nReading {
		r := &c.w.readings[i]
		if r.field != knowledge.FieldFirmware || r.value == "" || r.fuller {
			continue
		}
		score := int(r.rank) * 8
		if r.sure { // among the lines of one answer
			score++
		}
		switch {
		case c.isFirmware(r):
			score += 6
		case versionLike(r.value):
			score += 4
		case !strings.ContainsAny(r.value, "0123456789"):
			score -= 800
		}
		if score > best || score == best && (r.line < line || r.line == line && r.value < id.Firmware) {
			best, line = score, r.line
			id.Firmware, c.firmwareSource, c.firmwareAt = r.value, r.source, r.quote
		}
	}
	c.firmwareOfRules(id, best)
	c.fuller(id)
	for i := range c.w.nReading { // nothing better: the application among the parts
		if r := &c.w.readings[i]; id.Firmware == "" && r.field == knowledge.FieldPart && r.part == "application" && c.d.maker != knowledge.None && versionLike(r.value) {
			id.Firmware, c.firmwareSource, c.firmwareAt = r.value, r.source, r.quote
		}
	}
	for i := range c.w.nMark { // nothing better: the release that a build belongs to
		if m := &c.w.marks[i]; id.Firmware == "" && m.part == "release" && c.mine(m) {
			id.Firmware, c.firmwareSource, c.firmwareAt = m.partValue, m.source, m.quote
		}
	}
}

// isFirmware: a rule of the maker knows this form.
func (c *choice) isFirmware(r *reading) bool {
	for i := range c.w.nMark {
		if m := &c.w.marks[i]; m.by == byFirmware && m.source == r.source && m.quote == r.quote && c.mine(m) && m.maker != knowledge.None {
			return true
		}
	}
	return false
}

// firmwareOfRules takes what a rule caught in a line or banner.
func (c *choice) firmwareOfRules(id *inventory.Identity, best int) {
	for i := range c.w.nMark {
		m := &c.w.marks[i]
		if m.firmware == "" || m.by != byReply && m.by != byBanner || !c.mine(m) {
			continue
		}
		score := int(m.rank)*8 + 6
		if score > best || score == best && m.firmware < id.Firmware {
			best = score
			id.Firmware, c.firmwareSource, c.firmwareAt = m.firmware, m.source, m.quote
		}
	}
}

func (c *choice) fuller(id *inventory.Identity) {
	for i := range c.w.nReading {
		r := &c.w.readings[i]
		if r.field != knowledge.FieldFirmware || !r.fuller || !versionLike(r.value) {
			continue
		}
		fuller := len(r.value) > len(id.Firmware) && strings.HasPrefix(r.value, id.Firmware)
		if fuller || !strings.ContainsAny(id.Firmware, "0123456789") { // none, or a placeholder ("XX-YY-ZZ")
			id.Firmware, c.firmwareSource, c.firmwareAt = r.value, r.source, r.quote
		}
	}
}

// rest fills hardware, technology and chipset.
func (c *choice) rest(id *inventory.Identity) {
	best := -1
	for i := range c.w.nReading {
		if r := &c.w.readings[i]; r.field == knowledge.FieldHardware && int(r.rank) > best && len(r.value) <= maxValue {
			best = int(r.rank)
			id.Hardware, c.hardwareSource, c.hardwareAt = r.value, r.source, r.quote
		}
	}
	for i := range c.w.nMark {
		if m := &c.w.marks[i]; m.hardware != "" && c.mine(m) {
			id.Hardware, c.hardwareSource, c.hardwareAt = m.hardware, m.source, m.quote
			break
		}
	}
	c.technical(id)
}

// technical takes technology and chipset from the mark of the chosen model, else from the
// strongest one of the same maker.
func (c *choice) technical(id *inventory.Identity) {
	if c.modelMark >= 0 {
		c.takeTechnical(id, &c.w.marks[c.modelMark])
	}
	for s := knowledge.Proof; s >= knowledge.Hint; s-- {
		for i := range c.w.nMark {
			if m := &c.w.marks[i]; m.strength == s && c.mine(m) {
				c.takeTechnical(id, m)
			}
		}
	}
	if id.Chipset == "" && c.w.chipset != knowledge.None {
		id.Chipset = c.b.pack.Makers[c.w.chipset].Name
		c.chipsetRule = c.b.nameRule[c.w.chipset]
		c.chipsetSource, c.chipsetQuote = c.w.chipsetSource, c.w.chipsetQuote
	}
}

func (c *choice) takeTechnical(id *inventory.Identity, m *mark) {
	if id.Technology == "" {
		id.Technology = m.technology
	}
	if id.Chipset == "" && m.chipset != "" {
		id.Chipset, c.chipsetRule, c.chipsetSource, c.chipsetQuote = m.chipset, m.rule, m.source, m.quote
	}
}

// badge is the brand that the device wears where that is not its maker.
func (c *choice) badge() string {
	best, strength := knowledge.None, knowledge.NoStrength
	for i := range c.w.nMark {
		m := &c.w.marks[i]
		if m.badge == knowledge.None || int(m.badge) == int(c.d.maker) || !c.mine(m) {
			continue
		}
		if m.strength > strength || m.strength == strength && int(m.badge) < best {
			best, strength = int(m.badge), m.strength
		}
	}
	if best == knowledge.None && c.d.worn != knowledge.None {
		best = int(c.d.worn)
	}
	if best == knowledge.None {
		return ""
	}
	return c.b.pack.Makers[best].Slug
}
