package fingerprint

import (
	"cmp"
	"slices"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// points of one sign, by strength. A maker is named from `enough` on, when at least one sign
// is fair; evidence that contradicts counts from `serious` on.
var points = [...]int{knowledge.NoStrength: 0, knowledge.Hint: 15, knowledge.Fair: 35, knowledge.Strong: 60, knowledge.Proof: 100}

// clear is how much more must speak for one maker than for another where neither is serious.
const (
	enough  = 35
	serious = 60
	clear   = 15
)

// maxCandidates bounds the makers that one observation can speak of.
const maxCandidates = 16

// candidate is one maker and what speaks for it. Each origin counts once.
type candidate struct {
	maker uint16
	by    [origins]uint8
	// distinct: what speaks for it structurally is more than a model of one letter and up to three digits ("E250"),
	// as makers of telephones give them too.
	distinct bool
	// called: it is known to call a model as this device is called, however weak a proof that name is.
	called bool
	// wears is the company under whose name its model is sold, None for its own or where none is said.
	wears uint16
	// explained: another maker is known to build what wears this one's name.
	explained bool
}

func (c candidate) total() int {
	sum := 0
	for _, p := range c.by {
		sum += int(p)
	}
	return sum
}

func (c candidate) best() uint8 { return slices.Max(c.by[:]) }

// structural is what does not rest on names that are said, and so can't be a badge's.
func (c candidate) structural() int {
	return int(c.by[byModel]) + int(c.by[byFirmware]) + int(c.by[byHardware]) + int(c.by[byReply]) + int(c.by[byUSBID]) + int(c.by[byPCI])
}

type tally struct {
	list [maxCandidates]candidate
	n    int
	// stranger: it was asked for its maker, and named a company that nothing is known of.
	stranger bool
}

func (t *tally) of(maker uint16) *candidate {
	for i := range t.n {
		if t.list[i].maker == maker {
			return &t.list[i]
		}
	}
	if t.n == maxCandidates {
		return nil
	}
	t.list[t.n] = candidate{maker: maker, wears: knowledge.None}
	t.n++
	return &t.list[t.n-1]
}

func (b *Base) tally(w *work) (t tally) {
	t.stranger = w.stranger != ""
	for _, needing := range [...]bool{false, true} {
		for i := range w.nMark {
			m := &w.marks[i]
			if m.maker == knowledge.None || m.needs != needing {
				continue
			}
			c := t.of(m.maker)
			if c == nil || needing && c.best() < enough {
				continue
			}
			c.by[m.by] = max(c.by[m.by], uint8(points[m.strength]))
			c.distinct = c.distinct || b.distinct(m)
			if m.by == byModel && m.exact && m.family > 0 && !(t.stranger && b.chips[shapeOf(m.model)]) {
				c.called, c.wears = true, m.badge
			}
		}
	}
	b.explainBadges(w, &t)
	if w.chipsetSaid || w.usb >= 0 && b.pack.USB[w.usb].Kind == knowledge.KindChipset {
		t.doubtShortModels()
	}
	return t
}

// doubtShortModels: where the chipset's maker stands for the device's ("MediaTek", "T700"), a model of one letter and a
// number may be the chipset's own, and no longer names the maker of telephones who once had one of that name.
func (t *tally) doubtShortModels() {
	for i := range t.n {
		if c := &t.list[i]; !c.distinct && c.total() == int(c.by[byModel])+int(c.by[byUSBText]) {
			c.by[byModel] = min(c.by[byModel], uint8(points[knowledge.Hint]))
			c.by[byUSBText] = min(c.by[byUSBText], uint8(points[knowledge.Hint]))
		}
	}
}

// explainBadges: where something says that X is built by Y, the name X is a badge.
func (b *Base) explainBadges(w *work, t *tally) {
	for i := range w.nMark {
		m := &w.marks[i]
		if m.badge == knowledge.None || m.maker == knowledge.None || m.badge == m.maker || m.strength < knowledge.Fair && !t.builds(m.maker) {
			continue
		}
		for j := range t.n {
			if c := &t.list[j]; c.maker == m.badge && c.structural() < serious {
				c.explained = true
			}
		}
	}
}

// builds: firmware or hardware is that of this maker, whatever else is unconfirmed.
func (t *tally) builds(maker uint16) bool {
	for i := range t.n {
		if c := &t.list[i]; c.maker == maker {
			return max(c.by[byFirmware], c.by[byHardware]) >= serious
		}
	}
	return false
}

// decision is who built the device.
type decision struct {
	maker uint16
	// second is the strongest that speaks against it, None for nobody.
	second uint16
	// firm and against are their points.
	firm, against int
	// open: the maker is not named because of the second, which contradicts it; tied: both fit
	// as well, and nothing else tells which.
	open, tied bool
	// worn is another name of the same lineage that the device gives.
	worn uint16
}

func (b *Base) decide(t *tally) decision {
	d := decision{maker: knowledge.None, second: knowledge.None, worn: knowledge.None}
	first := b.strongest(t, -1)
	if first < 0 {
		return d
	}
	d.maker, d.worn = b.speaker(t, first)
	d.firm = b.lineage(t, first).total()
	if second := b.strongest(t, first); second >= 0 {
		d.second, _ = b.speaker(t, second)
		d.against = b.lineage(t, second).total()
	}
	if !nameable(b.lineage(t, first)) {
		d.maker = knowledge.None
		return d
	}
	if t.stranger && !proven(b.lineage(t, first)) {
		d.maker = knowledge.None
		return d
	}
	other, says := b.onlySays(t, first, d.maker)
	switch {
	case d.second == knowledge.None:
	case d.against >= serious && !b.outweighs(d):
		d.open, d.maker = true, knowledge.None
	case says:
		d.open, d.maker, d.second = true, knowledge.None, other
	case d.against >= enough && d.firm < d.against+clear:
		d.tied, d.maker = true, knowledge.None
	}
	return d
}

// distinct: the mark is structural, and no mere letter with a number.
func (b *Base) distinct(m *mark) bool {
	switch m.by {
	case byName, byBanner, byUSBText, byTAC:
		return false
	case byModel:
		if m.family == 0 {
			return m.strength > knowledge.Fair // a range of names, and not one that is known
		}
		if m.exact {
			return !letterAndNumber(b.pack.Families[m.family-1].Key)
		}
	}
	return m.strength >= knowledge.Fair
}

// letterAndNumber: one letter and up to three digits, as makers of telephones call theirs.
func letterAndNumber(key string) bool {
	return len(key) > 1 && len(key) <= 5 && letter(key[0]) && digits(key[1:])
}

// ids is what rests on the descriptor's numbers alone, which a firmware sets as it likes.
func (c candidate) ids() int { return int(c.by[byUSBID]) + int(c.by[byPCI]) }

// onlySays: nothing but a name or a descriptor's id (or, for a model that another may have built for it, a numbering that
// many use) speaks for the maker, while model, firmware or id speak for one of another
// origin, which is given: a name is soon changed, and believing it could clear a device of the other's origin.
func (b *Base) onlySays(t *tally, first int, maker uint16) (other uint16, yes bool) {
	limit := enough
	for i := range t.n {
		if c := &t.list[i]; c.called && c.wears != knowledge.None && b.sameLineage(c.wears, maker) {
			limit = serious // sold under its name, and perhaps with firmware numbered as its own is
		}
	}
	if own := b.lineage(t, first); own.called || own.structural()-own.ids() >= limit {
		return knowledge.None, false
	}
	best := 0
	for i := range t.n {
		c := &t.list[i]
		known := c.structural() >= enough || c.called
		if known && c.structural() > best && !c.explained && !b.sameLineage(c.maker, maker) && !b.sameOrigin(maker, c.maker) {
			other, yes, best = c.maker, true, c.structural()
		}
	}
	return other, yes
}

func (b *Base) sameOrigin(one, other uint16) bool {
	x, y := &b.pack.Makers[one], &b.pack.Makers[other]
	return x.Country == y.Country && x.ParentCountry == y.ParentCountry
}

// outweighs: serious evidence against is set aside only when there is much more for, and when
// the two have the same origin: otherwise naming one could clear a device of the other's.
func (b *Base) outweighs(d decision) bool {
	return d.firm >= 2*d.against && b.sameOrigin(d.maker, d.second)
}

func nameable(c candidate) bool { return c.total() >= enough && c.best() >= enough }

// proven: even where the device names another company, which is not known here: its model and its firmware, board or
// id are both this maker's, or it gives his name, too. Either alone may be copied, bought in or that of a chipset inside.
func proven(c candidate) bool {
	beside := max(c.by[byFirmware], c.by[byHardware], c.by[byReply], c.by[byUSBID], c.by[byPCI])
	return c.by[byName] >= enough || c.called && c.by[byModel] >= enough && beside > 0 && int(c.by[byModel])+int(beside) >= 2*enough
}

// strongest gives the number of the candidate with the most points, leaving out the lineage of
// candidate `but` and what is explained as a badge.
func (b *Base) strongest(t *tally, but int) int {
	best, points := -1, 0
	for i := range t.n {
		c := &t.list[i]
		if c.explained || but >= 0 && b.sameLineage(c.maker, t.list[but].maker) {
			continue
		}
		l := b.lineage(t, i)
		p := l.total()
		if p > points || p == points && best >= 0 && c.maker < t.list[best].maker {
			best, points = i, p
		}
	}
	return best
}

func (b *Base) sameLineage(x, y uint16) bool {
	return x == y || b.pack.Makers[x].Group == b.pack.Makers[y].Group
}

// lineage adds up the signs for all companies of one lineage.
func (b *Base) lineage(t *tally, of int) candidate {
	sum := t.list[of]
	for i := range t.n {
		if c := &t.list[i]; !c.explained && b.sameLineage(c.maker, sum.maker) {
			sum.called = sum.called || c.called
			for j := range sum.by {
				sum.by[j] = max(sum.by[j], c.by[j])
			}
		}
	}
	return sum
}

// speaker gives the company of a lineage that built the device: the one whose models and
// firmware these are, before the one whose name it says. The other name is worn.
func (b *Base) speaker(t *tally, of int) (maker, worn uint16) {
	maker, worn = t.list[of].maker, knowledge.None
	best := &t.list[of]
	for i := range t.n {
		c := &t.list[i]
		if c.explained || !b.sameLineage(c.maker, maker) {
			continue
		}
		if cmp.Or(cmp.Compare(c.structural(), best.structural()), cmp.Compare(c.total(), best.total()), cmp.Compare(best.maker, c.maker)) > 0 {
			best = c
		}
	}
	for i := range t.n {
		if c := &t.list[i]; c != best && b.sameLineage(c.maker, maker) && c.by[byName] >= enough && best.by[byName] == 0 {
			worn = c.maker
		}
	}
	return best.maker, worn
}

// possible lists all makers that something speaks for, the most likely first. Where a descriptor's id
// is all there is, the owner of the id comes last: a brand or a chipset's maker may have built it itself.
func (b *Base) possible(w *work, t *tally) []string {
	var order [maxCandidates]uint8
	list := order[:0]
	for i := range t.n {
		if t.list[i].total() > 0 {
			list = append(list, uint8(i))
		}
	}
	slices.SortFunc(list, func(x, y uint8) int {
		return cmp.Or(t.list[y].total()-t.list[x].total(), cmp.Compare(b.pack.Makers[t.list[x].maker].Slug, b.pack.Makers[t.list[y].maker].Slug))
	})
	out := make([]string, 0, len(list)+1)
	for _, n := range list {
		out = append(out, b.pack.Makers[t.list[n].maker].Slug)
	}
	for i := range w.nMark {
		m := &w.marks[i]
		if m.badge == knowledge.None || m.by != byUSBID && m.by != byPCI {
			continue
		}
		if slug := b.pack.Makers[m.badge].Slug; !slices.Contains(out, slug) {
			out = append(out, slug)
		}
	}
	return out
}
