package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// conflicts names what cannot all be true.
func (b *Base) conflicts(w *work, v *Verdict, t *tally, d decision, ids *identifiers, c *choice) {
	b.makerConflict(v, t, d)
	b.tacConflict(w, v, d, ids)
	c.firmwareConflict(v)
	b.repeatedConflict(w, v)
	if ids.other != "" {
		v.Conflicts = append(v.Conflicts, inventory.Conflict{
			Claim: "imei", Values: sorted(ids.imei, ids.other),
			Why: "two answers give different IMEIs: the answers may be of two modules, or the number was changed",
		})
	}
	if ids.invalid != "" && ids.imei == "" {
		v.Conflicts = append(v.Conflicts, inventory.Conflict{
			Claim: "imei", Values: []string{ids.invalid}, Why: invalidReason(ids.invalid),
		})
	}
}

func invalidReason(s string) string {
	switch {
	case len(s) != 15:
		return "the IMEI given has not 15 digits, so it is not valid"
	case strings.Trim(s, "0") == "":
		return "the IMEI given is all zeros, so it is not valid"
	}
	return "the last digit of the IMEI given is not its check digit, so it is not valid"
}

// makerConflict: something serious, or the descriptor, speaks for another maker.
func (b *Base) makerConflict(v *Verdict, t *tally, d decision) {
	if d.second == knowledge.None {
		return
	}
	first := d.maker
	if d.open {
		first, _ = b.speaker(t, b.strongest(t, -1))
	}
	if first == knowledge.None {
		return
	}
	against := t.of(d.second)
	itsModel := against.called && int(against.by[byModel]) >= enough && !b.lineage(t, b.strongest(t, -1)).called
	if !d.open && !itsModel && d.against < serious && int(against.by[byUSBID])+int(against.by[byPCI])+int(against.by[byFirmware]) < enough {
		return
	}
	x, y := &b.pack.Makers[first], &b.pack.Makers[d.second]
	why := "what it says points to " + x.Name + ", but " + originText(against) + " to " + y.Name
	if d.open {
		why += "; the maker is left open"
	}
	v.Conflicts = append(v.Conflicts, inventory.Conflict{Claim: "maker", Values: sorted(x.Slug, y.Slug), Why: why})
}

// originText names the strongest kind of evidence of a candidate.
func originText(c *candidate) string {
	texts := [origins]string{
		byName: "a name in its answers points", byModel: "its model points", byFirmware: "its firmware's name points",
		byHardware: "its hardware's name points", byReply: "the form of its answers points", byBanner: "its banner points",
		byUSBID: "its USB id points", byUSBText: "its USB descriptor's text points", byPCI: "its PCI id points", byTAC: "its IMEI points",
	}
	best := byName
	for i := range origins {
		if c.by[i] > c.by[best] {
			best = i
		}
	}
	return texts[best]
}

// tacConflict: the IMEI was allocated to another company than the one that built the module.
func (b *Base) tacConflict(w *work, v *Verdict, d decision, ids *identifiers) {
	if d.maker == knowledge.None {
		return
	}
	other := uint16(knowledge.None)
	for i := range w.nMark {
		m := &w.marks[i]
		if m.by != byTAC || m.maker == knowledge.None {
			continue
		}
		if b.sameLineage(m.maker, d.maker) {
			return
		}
		other = min(other, m.maker)
	}
	if other == knowledge.None {
		return
	}
	x, y := &b.pack.Makers[d.maker], &b.pack.Makers[other]
	v.Conflicts = append(v.Conflicts, inventory.Conflict{
		Claim: "maker", Values: sorted(x.Slug, y.Slug),
		Why: "what it says points to " + x.Name + ", but its IMEI's first digits (" + ids.imei[:8] + ") were given to " + y.Name,
	})
}

// firmwareConflict: a firmware that names another model than the one reported.
func (c *choice) firmwareConflict(v *Verdict) {
	model := c.boundModel()
	if model == nil {
		c.unknownConflict(v)
		return
	}
	for i := range c.w.nMark {
		m := &c.w.marks[i]
		if m.by != byFirmware || !m.binds || m.family == 0 || !c.mine(m) {
			continue
		}
		if c.related(model, m) {
			continue
		}
		v.Conflicts = append(v.Conflicts, inventory.Conflict{
			Claim: "model", Values: sorted(model.model, m.model),
			Why: "it says that it is a " + model.model + ", but its firmware is that of a " + m.model,
		})
		return
	}
}

// unknownConflict: a firmware that names a model, where the module gives itself a name that nothing is known of.
func (c *choice) unknownConflict(v *Verdict) {
	for i := range c.w.nReading {
		r := &c.w.readings[i]
		if !c.isOwnName(r) || r.value != v.Identity.Model {
			continue
		}
		own := spell(r.value)
		for j := range c.w.nMark {
			m := &c.w.marks[j]
			if m.by != byFirmware || !m.binds || m.family == 0 || !c.mine(m) {
				continue
			}
			key := c.b.pack.Families[m.family-1].Key
			if strings.Contains(string(own.key[:own.n]), key) || hasPrefixKey(key, string(own.key[:own.n])) {
				return
			}
			v.Conflicts = append(v.Conflicts, inventory.Conflict{
				Claim: "model", Values: sorted(r.value, m.model),
				Why: "it says that it is a " + r.value + ", of which nothing is known, and its firmware is that of a " + m.model,
			})
			return
		}
	}
}

// repeatedConflict: the same question, asked again, was answered otherwise.
func (b *Base) repeatedConflict(w *work, v *Verdict) {
	for _, f := range [...]struct {
		field knowledge.Field
		claim string
	}{{knowledge.FieldModel, "model"}, {knowledge.FieldFirmware, "firmware"}} {
		x, y := w.twoAnswers(f.field)
		if x == "" {
			continue
		}
		values := sorted(x, y)
		v.Conflicts = append(v.Conflicts, inventory.Conflict{
			Claim: f.claim, Values: values,
			Why: "the same question was answered with " + values[0] + " and with " + values[1] + ": the answers may be of two modules, or of one that was changed in between",
		})
	}
}

// twoAnswers gives the values of a field that two answers to the same question don't share.
func (w *work) twoAnswers(field knowledge.Field) (string, string) {
	for i := range w.nReading {
		x := &w.readings[i]
		if x.field != field || x.value == "" || !strings.HasPrefix(x.source, "at:") {
			continue
		}
		for j := i + 1; j < w.nReading; j++ {
			y := &w.readings[j]
			if y.field != field || y.value == "" || y.exchange == x.exchange || y.source != x.source || y.value == x.value {
				continue
			}
			if !w.answers(y.exchange, field, x.value) && !w.answers(x.exchange, field, y.value) {
				return x.value, y.value
			}
		}
	}
	return "", ""
}

// answers: one of the readings of an exchange is the value, or the beginning of it, or goes on where it ends.
func (w *work) answers(exchange uint8, field knowledge.Field, value string) bool {
	for i := range w.nReading {
		if r := &w.readings[i]; r.exchange == exchange && r.field == field && r.value != "" {
			if n := min(len(r.value), len(value)); strings.EqualFold(r.value[:n], value[:n]) {
				return true
			}
		}
	}
	return false
}

// boundModel is the strongest mark of a family for a reported model.
func (c *choice) boundModel() *mark {
	var best *mark
	for i := range c.w.nMark {
		m := &c.w.marks[i]
		if m.by == byModel && m.exact && m.family > 0 && c.mine(m) && (best == nil || m.rank > best.rank) {
			best = m
		}
	}
	return best
}

// related: the same family with no other variant, or one model's name begins with the other's.
func (c *choice) related(x, y *mark) bool {
	fx, fy := &c.b.pack.Families[x.family-1], &c.b.pack.Families[y.family-1]
	if fx.Key == fy.Key {
		return x.variant == "" || y.variant == "" || !listed(fx, x.variant) || hasPrefixKey(x.variant, y.variant) || hasPrefixKey(y.variant, x.variant)
	}
	return hasPrefixKey(fx.Key, fy.Key) || hasPrefixKey(fy.Key, fx.Key)
}

func listed(f *knowledge.Family, variant string) bool {
	for i := range f.Variants {
		if f.Variants[i].Name == variant {
			return true
		}
	}
	return false
}

func hasPrefixKey(s, prefix string) bool {
	return len(s) >= len(prefix) && s[:len(prefix)] == prefix
}

func sorted(x, y string) []string {
	if y < x {
		x, y = y, x
	}
	return []string{x, y}
}
