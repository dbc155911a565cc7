package fingerprint

import (
	"sort"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

func (b *Base) judgeDescriptor(w *work, usb, pci *inventory.Device) {
	if usb != nil {
		b.judgeUSB(w, usb)
	}
	if pci != nil {
		b.judgePCI(w, pci)
	}
	if usb == nil && pci == nil && w.vid != "" {
		told := &inventory.Device{VID: strings.ToLower(w.vid), PID: strings.ToLower(w.pid)}
		if b.judgePCI(w, told); w.pci < 0 {
			b.judgeUSB(w, told)
		}
	}
}

func (b *Base) judgeUSB(w *work, d *inventory.Device) {
	if vid, ok := hexID(d.VID); ok {
		pid, _ := hexID(d.PID)
		if w.usb = b.usbRow(vid, pid); w.usb >= 0 {
			b.markUSB(w, d)
		}
	}
	if w.usb >= 0 && b.pack.USB[w.usb].Kind == knowledge.KindOther {
		return // its maker's name says nothing more
	}
	b.judgeString(w, d.Manufacturer, "usb:manufacturer", knowledge.OnUSBManufacturer)
	b.judgeString(w, d.Product, "usb:product", knowledge.OnUSBProduct)
}

// usbRow finds the row of a product, else that of its vendor, else -1.
func (b *Base) usbRow(vid, pid uint16) int32 {
	rows := b.pack.USB
	i := sort.Search(len(rows), func(i int) bool { return rows[i].VID >= vid })
	vendor := int32(-1)
	for ; i < len(rows) && rows[i].VID == vid; i++ {
		if rows[i].AnyPID {
			vendor = int32(i)
		} else if rows[i].PID == pid {
			return int32(i)
		}
	}
	return vendor
}

func (b *Base) markUSB(w *work, d *inventory.Device) {
	row := &b.pack.USB[w.usb]
	if row.Kind == knowledge.KindOther {
		return
	}
	w.cellular = true
	for _, ref := range row.Makers {
		if row.Kind == knowledge.KindChipset && b.pack.Makers[ref.Maker].Role == knowledge.RoleChipset && w.chipset == knowledge.None {
			w.chipset, w.chipsetSource, w.chipsetQuote = ref.Maker, "usb:id", d.VID+":"+d.PID
		}
	}
	strength := knowledge.Strong
	if row.AnyPID {
		strength = knowledge.Fair
	}
	if row.Kind == knowledge.KindChipset {
		strength = knowledge.Hint
	}
	b.markRefs(w, row.Makers, strength, mark{
		by: byUSBID, badge: row.Badge, rule: "ids/usb", quote: d.VID + ":" + d.PID, source: "usb:id", rank: 5, technology: "",
	})
}

// markRefs marks the makers of an id: one as given, several as possible.
func (b *Base) markRefs(w *work, refs []knowledge.MakerRef, strength knowledge.Strength, m mark) {
	if len(refs) == 0 && m.badge != knowledge.None {
		m.maker, m.strength = knowledge.None, strength
		w.mark(m)
	}
	for _, ref := range refs {
		m.maker, m.strength = ref.Maker, strength
		if len(refs) > 1 || ref.Unconfirmed {
			m.strength = knowledge.Hint
		}
		switch role := b.pack.Makers[ref.Maker].Role; {
		case role == knowledge.RoleBadge:
			m.badge, m.maker = ref.Maker, knowledge.None
		case role == knowledge.RoleChipset && m.by == byPCI:
			m.strength = knowledge.Hint // a PCI id of a chipset's maker is on anybody's card
		}
		w.mark(m)
	}
}

// judgeString looks at a descriptor's text: a company's name, a model, or what a rule knows.
func (b *Base) judgeString(w *work, s, source string, on knowledge.Subject) {
	s = trim(printablePart(s))
	if s == "" {
		return
	}
	r := reading{value: s, quote: s, source: source, rank: 10}
	if n, ok := b.findName(s, on == knowledge.OnUSBManufacturer); ok && !n.weak {
		before := w.nMark
		b.markName(w, n, &r, false)
		if w.nMark > before {
			w.marks[before].by = byUSBText
			if b.pack.Makers[n.maker].Wide && w.usb < 0 {
				w.marks[before].strength = knowledge.Hint // a phone, a printer, a receiver
			}
		}
		if rest := strings.TrimLeft(s[n.end:], " _-/,."); rest != "" {
			r.value = rest
		}
	}
	if on == knowledge.OnUSBProduct {
		r.value = b.cleanModel(r.value)
		b.judgeFamilies(w, &r, byUSBText, knowledge.None)
		r.value = s
	}
	b.judgeRules(w, on, byUSBText, &r)
	b.judgeOthers(w, on, s, source, s)
}

// printablePart cuts a descriptor's text where it leaves ASCII ("Qualcomm® …").
func printablePart(s string) string {
	s = s[:min(len(s), maxValue)]
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return s[:i]
		}
	}
	return s
}

func (b *Base) judgePCI(w *work, d *inventory.Device) {
	var ids [4]uint16
	var have [4]bool
	for i, text := range [...]string{d.VID, d.PID, d.SubVID, d.SubPID} {
		ids[i], have[i] = hexID(text)
	}
	best := -1
	for i := range b.pack.PCI {
		row, fits, given := &b.pack.PCI[i], have[0], 0
		for j := range ids {
			if row.Any&(1<<j) == 0 {
				fits = fits && have[j] && row.IDs[j] == ids[j]
				given++
			}
		}
		if fits && given > best {
			w.pci, best = int32(i), given
		}
	}
	if w.pci < 0 {
		return
	}
	row := &b.pack.PCI[w.pci]
	w.cellular = true
	quote := d.VID + ":" + d.PID
	if d.SubVID != "" {
		quote += " " + d.SubVID + ":" + d.SubPID
	}
	b.markRefs(w, row.Makers, knowledge.Strong, mark{by: byPCI, badge: row.Badge, rule: "ids/pci", quote: quote, source: "pci:id", rank: 5})
}

// judgeTAC marks the makers of the IMEI's type allocation code.
func (b *Base) judgeTAC(w *work) {
	ids := w.identifiers()
	if ids.imei == "" || len(b.pack.TAC) == 0 {
		return
	}
	for n := 8; n >= 6; n-- {
		prefix := ids.imei[:n]
		i := sort.Search(len(b.pack.TAC), func(i int) bool { return b.pack.TAC[i].Prefix >= prefix })
		if i < len(b.pack.TAC) && b.pack.TAC[i].Prefix == prefix {
			b.markRefs(w, b.pack.TAC[i].Makers, knowledge.Hint, mark{by: byTAC, badge: knowledge.None, rule: "ids/tac", quote: ids.imei[:8], source: "tac"})
			return
		}
	}
}

func hexID(s string) (uint16, bool) {
	if len(s) != 4 {
		return 0, false
	}
	n, err := strconv.ParseUint(s, 16, 16)
	return uint16(n), err == nil
}
