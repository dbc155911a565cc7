package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// judgeReadings holds every reading against the knowledge. Free lines are told apart first;
// what is left of them gets its meaning from its place.
func (b *Base) judgeReadings(w *work) {
	for i := range w.nReading {
		before := w.nMark
		b.judge(w, &w.readings[i])
		w.temper(w.readings[i].exchange, before)
	}
	b.judgePlaces(w)
	for i := range w.nReading { // labels of these three together are those of cellular firmware
		const all = 1<<knowledge.FieldMaker | 1<<knowledge.FieldModel | 1<<knowledge.FieldFirmware
		if r := &w.readings[i]; r.sure && r.field == knowledge.FieldMaker && b.fieldsOf(w, r.exchange)&all == all {
			w.cellular = true
		}
	}
}

func (b *Base) judge(w *work, r *reading) {
	switch r.field {
	case knowledge.FieldMaker:
		b.judgeMaker(w, r)
	case knowledge.FieldModel:
		b.judgeModel(w, r)
	case knowledge.FieldFirmware:
		b.judgeFirmware(w, r)
	case knowledge.FieldHardware:
		b.judgeRules(w, knowledge.OnHardware, byHardware, r)
	case knowledge.FieldInfo:
		b.judgeInfo(w, r)
	}
}

func (b *Base) judgeMaker(w *work, r *reading) {
	before := w.nMark
	n, known := b.findName(r.value, true)
	if known {
		b.markName(w, n, r, true)
	}
	b.judgeRules(w, knowledge.OnMaker, byName, r)
	if !known && w.nMark == before && (w.stranger == "" || r.value < w.stranger) && b.isCompany(r.value) {
		w.stranger = r.value
	}
}

// isCompany: text that may be a company's name, and no placeholder for one.
func (b *Base) isCompany(s string) bool {
	return len(s) > 2 && len(s) <= maxValue && letter(s[0]&^0x20) && !b.isPlaceholder(s) && b.findLabel(s) == nil
}

// markName notes a company's name: as the maker, as a badge, or as that of a chipset.
func (b *Base) markName(w *work, n named, r *reading, full bool) {
	m := mark{
		by: byName, maker: n.maker, badge: knowledge.None, strength: knowledge.Proof, rank: r.rank,
		rule: b.nameRule[n.maker], quote: r.quote, source: r.source,
	}
	switch {
	case n.weak && n.own:
		m.strength, m.badge = knowledge.Hint, n.maker // it wears that name, whoever built it
	case n.weak:
		m.strength = knowledge.Hint
	case !full:
		m.strength = knowledge.Strong
	}
	switch b.pack.Makers[n.maker].Role {
	case knowledge.RoleBadge:
		m.maker, m.badge = knowledge.None, n.maker
	case knowledge.RoleChipset:
		w.cellular = w.cellular || r.field == knowledge.FieldMaker && (r.sure || r.rank >= 100)
		w.chipsetSaid = w.chipsetSaid || r.field == knowledge.FieldMaker
		if w.chipset == knowledge.None {
			w.chipset, w.chipsetSource, w.chipsetQuote = n.maker, r.source, r.quote
		}
		return
	}
	w.mark(m)
}

// judgeModel takes a company's name off the beginning and looks the rest up.
func (b *Base) judgeModel(w *work, r *reading) {
	if len(r.value) > maxValue {
		r.value = ""
		return
	}
	r.value = b.cleanModel(r.value)
	before := w.nMark
	if r.value != "" {
		w.cellular = w.cellular || r.rank >= ownQuestion && b.describes(r.value) && b.namesTechnology(r.value)
		b.judgeRulesOf(w, knowledge.OnModel, byModel, r, knowledge.Strong, knowledge.Proof)
	}
	if w.nMark == before {
		b.takeNameOff(w, r)
	}
	if r.value != "" {
		b.judgeModelName(w, r, before)
		b.judgeOthers(w, knowledge.OnModel, r.value, r.source, r.quote)
	}
}

// ownQuestion is the least rank of an answer to a question for just this field.
const ownQuestion = 80

// namesTechnology: one of the words is that of a cellular technology ("HSPA Modem").
func (b *Base) namesTechnology(s string) bool {
	for word := range strings.FieldsSeq(s) {
		for _, t := range b.pack.Technologies {
			if at := strings.Index(t, word); len(word) > 2 && at >= 0 && (at == 0 || !knowledge.Alnum(t[at-1])) {
				return true
			}
		}
	}
	return false
}

func (b *Base) takeNameOff(w *work, r *reading) {
	n, ok := b.findName(r.value, false)
	if !ok || n.end >= len(r.value) || knowledge.Alnum(r.value[n.end]) {
		return
	}
	rest := b.withoutCompanyWords(r.value[n.end:])
	if rest == "" || n.weak && !modelLike(rest) {
		return
	}
	b.markName(w, n, r, true)
	r.value = b.withoutTails(rest)
}

// withoutCompanyWords takes off what may follow a company's name before a model ("N.V. ", "_Ltd "),
// where it is set apart from what follows by a blank.
func (b *Base) withoutCompanyWords(s string) string {
	s = strings.TrimLeft(s, nameEnd)
	for {
		word, rest, more := strings.Cut(s, " ")
		if !more || len(word) < 2 || !b.onlyCompanyWords(word) {
			return s
		}
		s = strings.TrimLeft(rest, nameEnd)
	}
}

// nameEnd are the signs between a company's name and a model.
const nameEnd = " _-/,."

// judgeModelName: a rule that is sure of the name comes first, then families, then the rules for
// ranges of names. What a sure rule has said of the maker, a weaker family doesn't contradict.
func (b *Base) judgeModelName(w *work, r *reading, before int) {
	sure := uint16(knowledge.None)
	if w.nMark == before {
		b.judgeRulesOf(w, knowledge.OnModel, byModel, r, knowledge.Strong, knowledge.Proof)
	}
	for i := before; i < w.nMark; i++ {
		if m := &w.marks[i]; m.exact && m.family == 0 && m.by == byModel {
			sure = m.maker
		}
	}
	if !b.judgeFamilies(w, r, byModel, sure) && sure == knowledge.None {
		b.judgeRulesOf(w, knowledge.OnModel, byModel, r, knowledge.Hint, knowledge.Fair)
	}
}

// judgeFamilies marks the families that a value names; true when it is one as a whole. Where a maker
// is given, families of others don't count.
func (b *Base) judgeFamilies(w *work, r *reading, by origin, only uint16) bool {
	k := spell(r.value)
	whole := false
	words := 0
	for from := 0; from < k.n && words < 4; from++ {
		if !k.separated(from) {
			continue
		}
		words++
		var each [4]found
		n := b.findFamilies(&k, from, &each)
		limit := b.sharedStrength(each[:n])
		for i := range n {
			f := &b.pack.Families[each[i].family]
			if from > 0 && (len(f.Key) < 4 || f.Strength < knowledge.Fair) || only != knowledge.None && only != f.Builder {
				continue
			}
			if from > 0 && f.Strength < knowledge.Strong && !b.describes(strings.TrimRight(r.value[:k.pos[from]], nameEnd)) {
				limit = min(limit, knowledge.Hint) // a name that others may use, behind what is not known
			}
			b.markFamily(w, each[i], r, by, from == 0, limit)
			whole = whole || from == 0
		}
	}
	return whole
}

// sharedStrength: a name that several makers gave proves no more than the weakest of them claims.
func (b *Base) sharedStrength(each []found) knowledge.Strength {
	limit := knowledge.Proof
	for i := range each {
		if b.pack.Families[each[i].family].Builder != b.pack.Families[each[0].family].Builder {
			for j := range each {
				limit = min(limit, b.pack.Families[each[j].family].Strength)
			}
			return limit
		}
	}
	return limit
}

func (b *Base) markFamily(w *work, f found, r *reading, by origin, whole bool, limit knowledge.Strength) {
	fam := &b.pack.Families[f.family]
	m := b.familyMark(f)
	m.by, m.strength, m.exact, m.rank = by, min(fam.Strength, limit), whole, r.rank
	m.rule, m.quote, m.source = fam.ID, r.quote, r.source
	if fam.Unconfirmed {
		m.strength = knowledge.Hint
	}
	if whole {
		w.cellular = w.cellular || fam.Strength >= knowledge.Fair
		m.model = r.value
		if f.joined {
			m.model = fam.Variants[f.variant].Full
		} else if f.rest > 0 && strings.Count(r.value[f.rest:], " ") > 2 {
			m.model = firstWords(r.value, f.rest) // the rest describes it
		} else if m.variant == "" && f.rest > 0 && f.rest < len(r.value) {
			m.variant = suffix(r.value[f.rest:])
		}
	}
	w.mark(m)
}

// familyMark gives what a family itself tells.
func (b *Base) familyMark(f found) mark {
	fam := &b.pack.Families[f.family]
	m := mark{family: f.family + 1, maker: fam.Builder, badge: knowledge.None, technology: fam.Technology, chipset: fam.Chipset}
	if fam.Builder != fam.Owner {
		m.badge = fam.Owner
	} else if b.pack.Makers[fam.Owner].Role == knowledge.RoleBadge {
		m.maker, m.badge = knowledge.None, fam.Owner
	}
	if f.variant >= 0 {
		v := &fam.Variants[f.variant]
		m.variant = v.Name
		if v.Technology != "" {
			m.technology = v.Technology
		}
		if v.Chipset != "" {
			m.chipset = v.Chipset
		}
	}
	return m
}

// firstWords cuts a value where a family's name ends, or, where a second name follows behind a stroke
// ("GTA01/GTA02 Embedded …"), behind that.
func firstWords(s string, end int) string {
	if blank := strings.IndexByte(s[end:], ' '); s[end-1] == '/' && blank > 0 {
		end += blank
	}
	return s[:end]
}

// suffix gives a short suffix of a model, not a sentence.
func suffix(s string) string {
	if len(s) > 12 || strings.ContainsAny(s, " ()") {
		return ""
	}
	return s
}

// severalFirmwares: the answer has more lines that may be the revision.
func (w *work) severalFirmwares(r *reading) bool {
	for i := range w.nReading {
		if o := &w.readings[i]; o != r && o.field == knowledge.FieldFirmware && o.exchange == r.exchange && versionLike(o.value) {
			return true
		}
	}
	return false
}

const (
	capitals = "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	small    = "abcdefghijklmnopqrstuvwxyz"
)

// versionMark gives the place of the first "V" and digit that follow a name directly, 0 for none.
func versionMark(s string) int {
	for i := 4; i+1 < len(s); i++ {
		if s[i] == 'V' && s[i+1] >= '0' && s[i+1] <= '9' {
			return i
		}
	}
	return 0
}

// judgeInfo tells what a line of free text is: an IMEI, a model, a revision or a company.
func (b *Base) judgeInfo(w *work, r *reading) {
	if len(r.value) > maxValue || w.understood(r) {
		r.field = knowledge.FieldText
		return
	}
	if n := len(r.value); n >= 14 && n <= 16 && digits(r.value) {
		r.field = knowledge.FieldIMEI
		return
	}
	if model, revision, ok := b.splitRevision(r.value); ok {
		second := *r
		second.field, second.value, second.rank = knowledge.FieldFirmware, revision, r.rank-min(r.rank, 10)
		b.judgeFirmware(w, &second)
		w.add(second)
		r.value = model
	}
	if !b.isFamily(r.value) && b.judgeInfoFirmware(w, r) {
		return
	}
	if n, ok := b.findName(r.value, false); ok && b.judgeInfoName(w, r, n) {
		return
	}
	before := w.nMark
	model := *r
	model.value = b.cleanModel(model.value)
	if model.value != "" {
		b.judgeModelName(w, &model, before)
	}
	if w.nMark > before {
		*r = model
		r.field = knowledge.FieldModel
		b.judgeOthers(w, knowledge.OnModel, r.value, r.source, r.quote)
	}
}

// understood: a rule for whole lines has taken the line apart already.
func (w *work) understood(r *reading) bool {
	for i := range w.nMark {
		m := &w.marks[i]
		if m.by == byReply && m.quote == r.quote && m.source == r.source && (m.model != "" || m.firmware != "" || m.part != "") {
			return true
		}
	}
	return false
}

// judgeInfoFirmware: a rule knows the line as a revision.
func (b *Base) judgeInfoFirmware(w *work, r *reading) bool {
	before := w.nMark
	b.judgeFirmwareRules(w, r)
	if w.nMark == before {
		if !b.namesFirmware(r.value) {
			return false
		}
		b.judgeFirmwareHead(w, r)
	}
	r.field = knowledge.FieldFirmware
	for i := before; i < w.nMark; i++ { // a long name of a form that some maker of cellular modules uses
		w.cellular = w.cellular || w.marks[i].maker != knowledge.None && len(r.value) >= 14 && letter(r.value[0])
	}
	r.value = w.firmwareOf(r.value, before)
	return true
}

// judgeInfoName: the line is a company's name, or begins with one and goes on with a model.
func (b *Base) judgeInfoName(w *work, r *reading, n named) bool {
	rest := b.withoutCompanyWords(r.value[n.end:])
	switch {
	case b.onlyCompanyWords(rest):
		r.field = knowledge.FieldMaker
		b.markName(w, n, r, true)
	case modelLike(rest) || b.isFamily(rest):
		r.field = knowledge.FieldModel
		b.judgeModel(w, r)
	default:
		return false
	}
	return true
}

// isFamily: the value is the name of a known model, as a whole.
func (b *Base) isFamily(s string) bool {
	k := spell(s)
	i, ok := b.families[string(k.key[:k.n])]
	return ok && b.pack.Families[i].Strength >= knowledge.Fair
}

// firmwareOf gives what a rule caught of a revision, else all but its date and builder.
func (w *work) firmwareOf(value string, before int) string {
	for i := before; i < w.nMark; i++ {
		if f := w.marks[i].firmware; f != "" {
			return f
		}
	}
	return cleanFirmware(value)
}

// judgePlaces gives the lines that are left their usual meaning: in a reply that names its maker or
// model, the first is the model where none is named yet, and the next the revision.
func (b *Base) judgePlaces(w *work) {
	for i := range w.nReading {
		r := &w.readings[i]
		if r.field != knowledge.FieldInfo {
			continue
		}
		has := b.fieldsOf(w, r.exchange)
		switch {
		case has&(1<<knowledge.FieldMaker|1<<knowledge.FieldModel) == 0:
			r.field = knowledge.FieldText
		case has&(1<<knowledge.FieldModel) == 0 && modelLike(r.value) && !endsInVersion(r.value):
			r.field = knowledge.FieldModel
			r.value = b.cleanModel(r.value)
			r.rank -= min(r.rank, 20)
			b.judgeOthers(w, knowledge.OnModel, r.value, r.source, r.quote)
		case has&(1<<knowledge.FieldFirmware) == 0 && versionLike(r.value):
			r.field = knowledge.FieldFirmware
			r.value = cleanFirmware(r.value)
			r.rank -= min(r.rank, 20)
		default:
			r.field = knowledge.FieldText
			if w.stranger == "" && has&(1<<knowledge.FieldMaker) == 0 && b.heads(w, r) {
				w.stranger = r.value
			}
		}
	}
}

// heads: words in the first line of an answer that goes on with a model, where its maker's name usually stands.
func (b *Base) heads(w *work, r *reading) bool {
	if strings.ContainsAny(r.value, "0123456789:") || !b.isCompany(r.value) {
		return false
	}
	for i := range w.nReading {
		if o := &w.readings[i]; o.exchange == r.exchange && o.line < r.line {
			return false
		}
	}
	return true
}

// fieldsOf gives the set of fields that one exchange has told.
func (b *Base) fieldsOf(w *work, exchange uint8) (set uint32) {
	for i := range w.nReading {
		if r := &w.readings[i]; r.exchange == exchange {
			set |= 1 << r.field
		}
	}
	return set
}

// judgeBannerName: a banner line that is a company's name and nothing else.
func (b *Base) judgeBannerName(w *work, s string) {
	n, ok := b.findName(s, false)
	if !ok || n.weak || !b.onlyCompanyWords(s[n.end:]) || b.pack.Makers[n.maker].Role != knowledge.RoleMaker {
		return
	}
	w.mark(mark{
		by: byBanner, maker: n.maker, badge: knowledge.None, strength: knowledge.Fair,
		rule: b.nameRule[n.maker], quote: s, source: "banner",
	})
}
