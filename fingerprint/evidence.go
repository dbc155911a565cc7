package fingerprint

import (
	"cmp"
	"slices"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// maxEvidence bounds what a verdict shows; a real module gives about ten.
const maxEvidence = 24

// fact is one line of evidence with what its order depends on.
type fact struct {
	inventory.Evidence
	strength knowledge.Strength
	claim    uint8
}

// facts collects evidence, each once.
type facts struct {
	list [maxEvidence]fact
	n    int
}

func (f *facts) put(claim uint8, name, value, source, quote, rule string, strength knowledge.Strength) {
	e := inventory.Evidence{Claim: name, Value: value, Source: source, Quote: quote, Rule: rule}
	for i := range f.n {
		if f.list[i].Evidence == e {
			return
		}
	}
	if value != "" && f.n < maxEvidence {
		f.list[f.n] = fact{e, strength, claim}
		f.n++
	}
}

// reported is the rule's name for what a device says and no piece of knowledge is needed for.
const reported = "reported"

// evidence shows for each claim what supports it, strongest first, and what speaks against it.
func (b *Base) evidence(w *work, v *Verdict, d decision, c *chosen, ids *identifiers) {
	var f facts
	id := &v.Identity
	for i := range w.nMark {
		b.markEvidence(&f, &w.marks[i], id, d)
	}
	if c.modelMark < 0 {
		f.put(2, "model", id.Model, c.modelSource, c.modelQuote, reported, knowledge.Fair)
	}
	f.put(3, "firmware", id.Firmware, c.firmwareSource, c.firmwareAt, reported, knowledge.Fair)
	f.put(4, "hardware", id.Hardware, c.hardwareSource, c.hardwareAt, reported, knowledge.Fair)
	f.put(5, "imei", id.IMEI, ids.imeiSource, ids.imeiQuote, reported, knowledge.Fair)
	f.put(6, "chipset", id.Chipset, c.chipsetSource, c.chipsetQuote, c.chipsetRule, knowledge.Hint)
	list := f.list[:f.n]
	slices.SortFunc(list, compareFacts)
	v.Evidence = make([]inventory.Evidence, len(list))
	for i := range list {
		v.Evidence[i] = list[i].Evidence
	}
}

func compareFacts(x, y fact) int {
	return cmp.Or(
		int(y.strength)-int(x.strength), int(x.claim)-int(y.claim),
		cmp.Compare(x.Source, y.Source), cmp.Compare(x.Rule, y.Rule), cmp.Compare(x.Value, y.Value), cmp.Compare(x.Quote, y.Quote),
	)
}

func (b *Base) markEvidence(f *facts, m *mark, id *inventory.Identity, d decision) {
	if m.maker != knowledge.None {
		f.put(0, "maker", b.pack.Makers[m.maker].Slug, m.source, m.quote, m.rule, m.strength)
	}
	if m.badge != knowledge.None {
		f.put(1, "badge", b.pack.Makers[m.badge].Slug, m.source, m.quote, m.rule, m.strength)
	}
	if m.model != "" && m.exact {
		f.put(2, "model", m.model, m.source, m.quote, m.rule, m.strength)
	}
}
