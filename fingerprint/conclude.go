package fingerprint

import (
	"fmt"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// conclude weighs all marks and says what they prove.
func (b *Base) conclude(w *work, o Observation) Verdict {
	v := Verdict{Data: b.version}
	t := b.tally(w)
	d := b.decide(&t)
	ids := w.identifiers()
	if b.notCellular(w, o, &t, d, b.cellularIMEI(ids.imei)) {
		b.concludeOther(w, &v)
		return v
	}
	if !w.cellular && !ids.any() {
		switch {
		case d.maker == knowledge.None && !d.open && !d.tied:
			v.State, v.Reason = inventory.StateUnknown, unknownReason(o)
			return v
		case b.onlyWideName(w, d):
			v.State, v.Reason = inventory.StateUnknown, "it names "+b.pack.Makers[d.maker].Name+
				", which builds many other things with a serial port, and nothing shows that this one is a cellular module; ask AT+CGMM and AT+CGSN"
			return v
		}
	}
	b.concludeCellular(w, &v, &t, d, &ids)
	return v
}

// onlyWideName: nothing but its name, in one line of free text, speaks for a maker that builds many other things with a
// serial port, and what follows in that line is none of that maker's modules.
func (b *Base) onlyWideName(w *work, d decision) bool {
	if d.maker == knowledge.None || !b.pack.Makers[d.maker].Wide {
		return false
	}
	model := w.freeModel()
	for i := range w.nMark {
		if m := &w.marks[i]; m.maker != knowledge.None && (model == nil || m.by != byName || m.quote != model.quote) {
			return false
		}
	}
	return model != nil && !b.isPlaceholder(model.value)
}

// freeModel is the only name of a model, where that stands in a line that neither a question nor a label calls so.
func (w *work) freeModel() (model *reading) {
	for i := range w.nReading {
		r := &w.readings[i]
		switch {
		case r.field != knowledge.FieldModel || r.value == "":
		case r.sure || r.rank >= ownQuestion || model != nil && r.quote != model.quote:
			return nil
		default:
			model = r
		}
	}
	return model
}

func unknownReason(o Observation) string {
	if len(o.Transcript) == 0 && len(o.Banner) == 0 && o.Managed == nil {
		return "nothing was asked and its descriptor is not known here; ask its AT port"
	}
	return "what it said fits neither a cellular module nor another device that is known here; ask its AT port, and check that the port is the AT port"
}

func (b *Base) concludeCellular(w *work, v *Verdict, t *tally, d decision, ids *identifiers) {
	if d.maker != knowledge.None {
		m := &b.pack.Makers[d.maker]
		v.Identity.Maker, v.Identity.MakerName = m.Slug, m.Name
		v.Origin = inventory.Origin{Country: m.Country, ParentCountry: m.ParentCountry, Unconfirmed: !m.Confirmed && m.Country != ""}
	} else {
		v.Possible = b.possible(w, t)
	}
	var got chosen
	c := choice{b: b, w: w, d: d, chosen: &got}
	c.model(&v.Identity)
	c.firmware(&v.Identity)
	c.rest(&v.Identity)
	v.Identity.Badge = c.badge()
	v.Identity.IMEI = ids.imei
	b.parts(w, v, ids)
	b.conflicts(w, v, t, d, ids, &c)
	v.State = inventory.StatePartial
	if v.Identity.Maker != "" && v.Identity.Model != "" {
		v.State = inventory.StateIdentified
	}
	v.Confidence = confidence(d, v, got.modelMark >= 0)
	v.Reason = b.reason(w, v, d)
	b.evidence(w, v, d, &got, ids)
}

// confidence: points become a probability that grows ever more slowly; contradictions about them halve it.
func confidence(d decision, v *Verdict, known bool) float64 {
	if v.Identity.Maker == "" {
		return 0
	}
	p := float64(d.firm) / (float64(d.firm) + 12)
	switch {
	case v.Identity.Model == "":
		p *= 0.6
	case !known:
		p *= 0.95
	}
	for i := range v.Conflicts {
		if v.Conflicts[i].Claim == "imei" {
			p *= 0.9
		} else {
			p /= 2
		}
	}
	return float64(int(p*100+0.5)) / 100
}

func (b *Base) reason(w *work, v *Verdict, d decision) string {
	switch {
	case v.State == inventory.StateIdentified:
		return ""
	case d.open:
		return "its sources name different makers; read the label of the module"
	case v.Identity.Maker != "":
		return "its maker is proven but not its model; ask AT+CGMM"
	case w.stranger != "" && len(v.Possible) > 0:
		return fmt.Sprintf("it names %q as its maker, which is not known here, and resembles modules of %s: read its label", w.stranger, b.named(v.Possible))
	case len(v.Possible) == 1:
		return "it may be a module of " + b.named(v.Possible) + ", but nothing proves it; ask ATI and AT+CGMI, or read its label"
	case len(v.Possible) > 1:
		return "it may be a module of " + b.named(v.Possible) + "; ask ATI and AT+CGMI, or read its label"
	case w.chipset != knowledge.None:
		return "it names only the maker of its chipset, " + b.pack.Makers[w.chipset].Name + "; anybody's module may do so: read its label"
	case v.Identity.Badge != "":
		return "it names only a brand; who built it is not proven: read its label"
	case w.stranger != "":
		return fmt.Sprintf("it names %q as its maker, which is not known here: read its label, or tell of it in your own fingerprints", w.stranger)
	}
	return "it answers as a cellular module does, but names no maker that is known here; ask ATI and AT+CGMI, or read its label"
}

// notCellular: something proves another kind of device. Signs that are merely strong count only
// where nothing proves a cellular module.
func (b *Base) notCellular(w *work, o Observation, t *tally, d decision, imei bool) bool {
	switch {
	case w.otherModel:
		return true // whatever else its maker builds
	case d.maker != knowledge.None && b.strongestStructural(t) >= serious:
		return false
	}
	if w.parrot > 0 && w.parrot == w.answered && d.maker == knowledge.None {
		return true
	}
	b.readOthers(w, o)
	if w.usb >= 0 && b.pack.USB[w.usb].Kind == knowledge.KindOther && d.maker == knowledge.None {
		return true
	}
	switch w.otherStrength {
	case knowledge.Proof: // a boot loader's or another device's line beside a module's whole answer
		return d.maker == knowledge.None || !imei
	case knowledge.Strong, knowledge.Fair:
		return d.maker == knowledge.None && !imei
	}
	return false
}

// cellularIMEI: a number that is valid and, as far as the rules for other devices know, not one of theirs.
func (b *Base) cellularIMEI(imei string) bool {
	if imei == "" {
		return false
	}
	for _, n := range b.others[knowledge.OnIMEI][imei[0]] {
		if b.match(n, imei) != nil {
			return false
		}
	}
	return true
}

func (b *Base) strongestStructural(t *tally) (best int) {
	for i := range t.n {
		best = max(best, t.list[i].structural())
	}
	return best
}

// readOthers looks at every line, and at names, for signs of other devices.
func (b *Base) readOthers(w *work, o Observation) {
	for i := range w.nReading {
		switch r := &w.readings[i]; r.field {
		case knowledge.FieldMaker:
			b.judgeOthers(w, knowledge.OnMaker, r.value, r.source, r.quote)
		case knowledge.FieldIMEI:
			if kind, s := identify(r.value, r.field); kind == validIMEI || kind == invalidIMEI {
				b.judgeOthers(w, knowledge.OnIMEI, s, r.source, r.quote)
			}
		}
	}
	var buf [maxExchanges]uint16
	for _, i := range inOrder(o.Transcript, buf[:0]) {
		e := &o.Transcript[i]
		b.othersLines(w, e.Lines, "", e.Cmd, knowledge.OnLine)
	}
	b.othersLines(w, o.Banner, "banner", "", knowledge.OnLine)
	b.othersLines(w, o.Banner, "banner", "", knowledge.OnBanner)
}

func (b *Base) othersLines(w *work, lines []string, source, cmd string, on knowledge.Subject) {
	for _, line := range lines[:min(len(lines), maxLines)] {
		s := withoutArrow(trim(line[:min(len(line), maxLine)]))
		before := w.otherRule
		strength := w.otherStrength
		b.judgeOthers(w, on, s, source, line)
		if (w.otherRule != before || w.otherStrength != strength) && source == "" {
			w.otherSource = "at:" + cmd
		}
	}
}

func (b *Base) concludeOther(w *work, v *Verdict) {
	v.State = inventory.StateNotCellular
	v.Reason = "this is no cellular module; choose another port"
	switch {
	case w.other > 0:
		v.Seems = b.pack.Others[w.other-1].Seems
		v.Evidence = []inventory.Evidence{{
			Claim: "not-cellular", Value: b.pack.Others[w.other-1].Kind, Source: w.otherSource,
			Quote: w.otherQuote, Rule: b.pack.Rules[w.otherRule].ID,
		}}
	case w.usb >= 0 && b.pack.USB[w.usb].Kind == knowledge.KindOther:
		v.Seems = "a " + b.pack.USB[w.usb].Model
	default:
		v.Seems = "a loopback: it sends back what is sent to it"
	}
}

// parts names the further revisions and identifiers, each once, in the order of their names.
func (b *Base) parts(w *work, v *Verdict, ids *identifiers) {
	var buf [24]inventory.Part
	list := buf[:0]
	put := func(name, value string) {
		p := inventory.Part{Name: name, Value: value}
		if value != "" && len(list) < len(buf) && !slices.Contains(list, p) {
			list = append(list, p)
		}
	}
	for i := range w.nReading {
		switch r := &w.readings[i]; {
		case r.field == knowledge.FieldPart && r.part != "" && len(r.value) <= maxValue:
			put(r.part, r.value)
		case r.field == knowledge.FieldSVN && len(r.value) <= 4 && digits(r.value):
			put("svn", r.value)
		case r.field == knowledge.FieldFirmware && r.value != v.Identity.Firmware && !strings.HasPrefix(v.Identity.Firmware, r.value) && versionLike(r.value):
			put("revision", r.value)
		}
	}
	for i := range w.nMark {
		put(w.marks[i].part, w.marks[i].partValue)
	}
	put("maker-said", w.stranger)
	put("esn", ids.esn)
	put("imei-not-valid", ids.invalid)
	put("imei-second", ids.other)
	put("imeisv", ids.imeisv)
	put("meid", ids.meid)
	put("serial", ids.serial)
	if len(list) == 0 {
		return
	}
	slices.SortFunc(list, func(x, y inventory.Part) int {
		if c := strings.Compare(x.Name, y.Name); c != 0 {
			return c
		}
		return strings.Compare(x.Value, y.Value)
	})
	v.Parts = slices.Clone(list)
}
