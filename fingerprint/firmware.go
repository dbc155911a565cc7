package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

func (b *Base) judgeFirmware(w *work, r *reading) {
	if len(r.value) > maxValue {
		r.value = r.value[:maxValue]
	}
	if n := len(r.value); n >= 14 && n <= 16 && digits(r.value) {
		r.field, r.rank = knowledge.FieldIMEI, 10 // an IMEI or IMEISV in the wrong place
		return
	}
	if isTime(r.value) || !r.sure && w.severalFirmwares(r) && b.wholeModel(r.value) {
		r.field = knowledge.FieldText // when it was built, or a line of its name above the revision
		return
	}
	before := w.nMark
	b.judgeFirmwareRules(w, r)
	if w.strongest(before) < knowledge.Strong {
		b.judgeFirmwareHead(w, r)
	}
	r.value = w.firmwareOf(r.value, before)
	for i := before; i < w.nMark; i++ { // a form that some maker of cellular modules uses
		w.cellular = w.cellular || w.marks[i].maker != knowledge.None
	}
	b.judgeOthers(w, knowledge.OnFirmware, r.value, r.source, r.quote)
}

// judgeFirmwareRules runs the rules for revisions, also on one that is written in small letters.
func (b *Base) judgeFirmwareRules(w *work, r *reading) {
	before := w.nMark
	b.judgeRules(w, knowledge.OnFirmware, byFirmware, r)
	if w.nMark > before || strings.ContainsAny(r.value, capitals) || !strings.ContainsAny(r.value, small) {
		return
	}
	tall := *r
	tall.value = strings.ToUpper(r.value)
	b.judgeRulesOf(w, knowledge.OnFirmware, byFirmware, &tall, knowledge.Strong, knowledge.Proof)
	for i := before; i < w.nMark; i++ { // what it reports stays as it is
		if at := strings.Index(tall.value, w.marks[i].firmware); at >= 0 {
			w.marks[i].firmware = r.value[at : at+len(w.marks[i].firmware)]
		}
	}
}

// judgeFirmwareHead: a firmware that begins with a module's name and goes on with a version
// ("N720-CA-STD-BZ-V1.1.7", "LX265V05") hints at that module, whose maker has no rule for it.
func (b *Base) judgeFirmwareHead(w *work, r *reading) {
	head := r.value
	if n, ok := b.findName(head, false); ok && !n.weak && n.end < len(head) && !knowledge.Alnum(head[n.end]) {
		b.markFirmwareName(w, n, r)
		head = head[n.end+1:]
	}
	if i := versionMark(head); i > 0 {
		head = head[:i]
	}
	k := spell(head)
	var each [4]found
	n := b.findFamilies(&k, 0, &each)
	limit := min(b.sharedStrength(each[:n]), knowledge.Fair)
	for _, f := range each[:n] {
		fam := &b.pack.Families[f.family]
		if len(fam.Key) < 4 || fam.Strength < knowledge.Fair || len(fam.Key) == spell(r.value).n {
			continue
		}
		m := b.familyMark(f)
		m.by, m.strength, m.rank, m.exact = byFirmware, min(fam.Strength, limit), r.rank, true
		m.rule, m.quote, m.source, m.model = fam.ID, r.quote, r.source, fam.Name
		if f.variant >= 0 {
			m.model = fam.Variants[f.variant].Full
		}
		w.mark(m)
	}
}

// markFirmwareName: a maker's own name before its firmware's ("MAKER_…") hints at it and no more: firmware is built for
// others, and named after those whose part it updates. Of who builds many other things, and of brands, it says nothing.
func (b *Base) markFirmwareName(w *work, n named, r *reading) {
	if m := &b.pack.Makers[n.maker]; m.Role != knowledge.RoleMaker || m.Wide || !versionLike(r.value[n.end:]) {
		return
	}
	w.mark(mark{
		by: byName, maker: n.maker, badge: knowledge.None, strength: knowledge.Hint, rank: r.rank,
		rule: b.nameRule[n.maker], quote: r.quote, source: r.source,
	})
}
