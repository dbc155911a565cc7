package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// maxSilent is how many questions may stay without any answer before no more are planned.
const maxSilent = 3

// Plan lists the commands still worth asking, best first. Empty means sure enough: stop. The
// caller asks the first one, identifies again and plans again; the rest shows what may follow.
func (b *Base) Plan(o Observation, v Verdict) []string {
	if v.State == inventory.StateNotCellular || silent(o) {
		return nil
	}
	p := planner{b: b, o: o, v: v}
	p.fields()
	for i := range b.pack.Makers {
		if m := &b.pack.Makers[i]; m.Slug == v.Identity.Maker && v.Identity.Maker != "" {
			p.own(m.Ask)
		}
	}
	p.first(b.pack.First)
	return p.out
}

// silent: it was asked a few times and said nothing at all.
func silent(o Observation) bool {
	for i := range o.Transcript {
		if o.Transcript[i].Final != "" || len(o.Transcript[i].Lines) > 0 {
			return false
		}
	}
	return len(o.Transcript) >= maxSilent
}

type planner struct {
	b   *Base
	o   Observation
	v   Verdict
	out []string
	// need has a bit for each field that is missing or rests on one sign alone.
	need uint32
}

// fields finds out what is missing.
func (p *planner) fields() {
	want := func(f knowledge.Field, missing bool) {
		if missing {
			p.need |= 1 << f
		}
	}
	id := &p.v.Identity
	want(knowledge.FieldMaker, id.Maker == "" || p.sources("maker") < 2)
	want(knowledge.FieldModel, id.Model == "" || !p.said("model"))
	want(knowledge.FieldFirmware, id.Firmware == "")
	want(knowledge.FieldHardware, id.Hardware == "")
	want(knowledge.FieldIMEI, id.IMEI == "")
	want(knowledge.FieldInfo, id.Maker == "" || id.Model == "" || id.Firmware == "")
	want(knowledge.FieldPart, true)
}

// sources counts the places that support a claim.
func (p *planner) sources(claim string) int {
	n, last := 0, ""
	for _, e := range p.v.Evidence {
		if e.Claim == claim && (e.Source+e.Quote) != last {
			n, last = n+1, e.Source+e.Quote
		}
	}
	return n
}

// said: the device itself named it, in an answer.
func (p *planner) said(claim string) bool {
	for _, e := range p.v.Evidence {
		if e.Claim == claim && strings.HasPrefix(e.Source, "at:") {
			return true
		}
	}
	return false
}

// own adds the maker's questions: where something is missing, and where its answer is fuller.
func (p *planner) own(asks []knowledge.Ask) {
	for _, a := range asks {
		if p.fits(a) && !p.asked(a.Cmd) && (a.Fuller || p.need&(1<<a.For) != 0) {
			p.out = append(p.out, a.Cmd)
			if !a.Fuller {
				p.need &^= 1 << a.For
			}
		}
	}
}

func (p *planner) fits(a knowledge.Ask) bool {
	if len(a.Families) == 0 {
		return true
	}
	model := knowledge.Key(p.v.Identity.Model)
	for _, f := range a.Families {
		if strings.HasPrefix(model, f) {
			return true
		}
	}
	return false
}

// first adds the common questions, one for each missing field: a second one for the same
// field only after the first was asked in vain. A free answer (ATI) may tell all at once, so
// nothing else is planned before it.
func (p *planner) first(asks []knowledge.Ask) {
	for _, a := range asks {
		if p.need&(1<<a.For) == 0 || p.asked(a.Cmd) {
			continue
		}
		p.out = append(p.out, a.Cmd)
		p.need &^= 1 << a.For
	}
}

func (p *planner) asked(cmd string) bool {
	key := strings.TrimRight(cmd, "?")
	for i := range p.o.Transcript {
		if strings.EqualFold(strings.TrimRight(strings.TrimSpace(p.o.Transcript[i].Cmd), "?"), key) {
			return true
		}
	}
	return false
}
