package fingerprint

import (
	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Bounds of one identification. What goes beyond is not looked at; replies of real modules
// stay far below.
const (
	maxExchanges = 64
	maxLines     = 64   // of one exchange, and of the banner
	maxLine      = 4096 // bytes of a line
	maxRuleText  = 512  // bytes of a line that rules look at
	maxValue     = 160  // bytes of a value that can be a name, model or revision
	maxReadings  = 96
	maxMarks     = 64
)

// reading is one value with its meaning, taken from one line of one reply.
type reading struct {
	field  knowledge.Field
	rank   uint8
	fuller bool
	// sure: the device named the field itself, by a label or by the command's prefix.
	sure bool
	// exchange and line tell which readings stand together.
	exchange, line uint8
	value, quote   string
	// source is how evidence names the place ("at:AT+CGMM").
	source string
	part   string
}

// origin is an independent kind of source. Each counts once for a maker.
type origin uint8

const (
	byName origin = iota
	byModel
	byFirmware
	byHardware
	byReply
	byBanner
	byUSBID
	byUSBText
	byPCI
	byTAC
	origins
)

// mark is one piece of knowledge that fits one reading.
type mark struct {
	by       origin
	strength knowledge.Strength
	// maker is who built the device as far as this tells, badge the brand it wears.
	maker, badge uint16
	// needs: counts only beside other evidence for the same maker.
	needs bool
	// exact: the family is the whole model, or the rule names the model.
	exact bool
	// binds: a firmware of this name belongs to the model that it names.
	binds bool
	// family is the number of the family plus one.
	family int32
	rank   uint8

	model, variant, firmware, hardware string
	// stem is a model that no family has, taken from the code in a firmware's name.
	stem                string
	chipset, technology string
	part, partValue     string
	rule, quote, source string
}

// work is the scratch of one identification. It lives on the stack.
type work struct {
	readings [maxReadings]reading
	marks    [maxMarks]mark
	nReading int
	nMark    int

	// parrot counts exchanges that only repeat their command, answered those with any line.
	parrot, answered int
	// cellular is the strongest sign that the device is cellular at all, where no maker is known.
	cellular bool
	// chipset is the maker of a chipset whose name stands where the maker's should.
	chipset       uint16
	chipsetSource string
	chipsetQuote  string
	// chipsetSaid: the device was asked for its maker, and answered with the chipset's.
	chipsetSaid bool
	// stranger is a maker's name that it gave and that is not known.
	stranger string
	// other is the kind of a device that is not cellular, plus one.
	other         uint16
	otherStrength knowledge.Strength
	otherRule     uint16
	// otherModel: it is the model's name itself that proves it.
	otherModel  bool
	otherQuote  string
	otherSource string
	// usb and pci are the rows of the descriptor, -1 for none.
	usb, pci int32
	// vid and pid are ids that a text told, of either bus.
	vid, pid string
}

func (w *work) add(r reading) {
	if w.nReading < maxReadings && r.value != "" {
		w.readings[w.nReading] = r
		w.nReading++
	}
}

// strongest gives the strength of the strongest mark since one was set, 0 for none.
func (w *work) strongest(since int) (best knowledge.Strength) {
	for i := since; i < w.nMark; i++ {
		best = max(best, w.marks[i].strength)
	}
	return best
}

func (w *work) mark(m mark) {
	if w.nMark < maxMarks {
		w.marks[w.nMark] = m
		w.nMark++
	}
}

// Identify judges one observation.
func (b *Base) Identify(o Observation) Verdict {
	var w work
	w.chipset, w.usb, w.pci = knowledge.None, -1, -1
	b.read(&w, o)
	b.readBanner(&w, o.Banner)
	b.readManaged(&w, o.Managed)
	b.judgeReadings(&w)
	b.judgeDescriptor(&w, o.USB, o.PCI)
	b.judgeTAC(&w)
	return b.conclude(&w, o)
}

// Apply writes the verdict into m and leaves what it does not speak of (ports, device,
// transcript, ID) alone.
func (v Verdict) Apply(m *inventory.Module) {
	m.State, m.Identity, m.Origin, m.Confidence = v.State, v.Identity, v.Origin, v.Confidence
	m.Evidence, m.Conflicts, m.Possible, m.Parts = v.Evidence, v.Conflicts, v.Possible, v.Parts
	m.Seems, m.Reason, m.Data = v.Seems, v.Reason, v.Data
}
