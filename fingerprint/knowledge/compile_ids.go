package knowledge

import (
	"cmp"
	"strconv"
	"strings"
)

func (b *builder) ids(s *Source) {
	for _, r := range s.USB {
		b.usb(r)
	}
	for _, r := range s.PCI {
		b.pci(r)
	}
	for _, r := range s.TAC {
		b.tac(r)
	}
	for _, m := range s.Makers {
		for _, r := range m.USB {
			b.usb(USBRow{r.VID, r.PID, cmp.Or(r.Makers, m.Slug), r.Badge, r.Model, r.Kind, r.Source, m.AsOf, r.Note, r.Where})
		}
		for _, r := range m.PCI {
			b.pci(PCIRow{r.Vendor, r.Device, r.SubVendor, r.SubDevice, cmp.Or(r.Makers, m.Slug), r.Badge, r.Model, r.Source, m.AsOf, r.Note, r.Where})
		}
		for _, r := range m.TAC {
			b.tac(TACRow{r.TAC, cmp.Or(r.Makers, m.Slug), r.Model, r.Source, m.AsOf, r.Note, r.Where})
		}
	}
}

func (b *builder) usb(r USBRow) {
	vid, ok := hex4(r.VID)
	pid, pidOK := hex4(r.PID)
	kind, kindOK := idKinds[r.Kind]
	switch {
	case !ok || !pidOK && r.PID != "*":
		b.wrong(r.Where, "ids are four lower-case hex digits (a product may be *)")
	case !kindOK:
		b.wrong(r.Where, "kind %q is unknown", r.Kind)
	}
	b.sourced(r.Where, r.Source, r.AsOf)
	b.p.USB = append(b.p.USB, USB{
		VID: vid, PID: pid, AnyPID: r.PID == "*", Kind: kind, Model: r.Model,
		Badge: b.badge(r.Where, r.Badge), Makers: b.refs(r.Where, r.Makers),
	})
}

func (b *builder) pci(r PCIRow) {
	row := PCI{Model: r.Model, Badge: b.badge(r.Where, r.Badge), Makers: b.refs(r.Where, r.Makers)}
	for i, text := range []string{r.Vendor, r.Device, r.SubVendor, r.SubDevice} {
		id, ok := hex4(text)
		row.IDs[i] = id
		switch {
		case text == "*" || text == "":
			row.Any |= 1 << i
		case !ok:
			b.wrong(r.Where, "ids are four lower-case hex digits or *")
		}
	}
	if row.Any&1 != 0 {
		b.wrong(r.Where, "the vendor must be given")
	}
	b.sourced(r.Where, r.Source, r.AsOf)
	b.p.PCI = append(b.p.PCI, row)
}

func (b *builder) tac(r TACRow) {
	prefix := strings.TrimRight(r.TAC, "*")
	if len(r.TAC) != 8 || len(prefix) < 6 || strings.Trim(prefix, "0123456789") != "" {
		b.wrong(r.Where, "tac %q: eight digits, or six or seven filled up with *", r.TAC)
	}
	b.sourced(r.Where, r.Source, r.AsOf)
	b.p.TAC = append(b.p.TAC, TAC{Prefix: prefix, Model: r.Model, Makers: b.refs(r.Where, r.Makers)})
}

// sourced: an id of ours says where it is from and for which day that holds; a user's need not.
func (b *builder) sourced(w Where, source, asOf string) {
	switch {
	case b.overlay:
	case source == "":
		b.wrong(w, "has no source")
	case !date(asOf):
		b.wrong(w, "as_of %q is no day like 2026-11-22", asOf)
	}
}

func (b *builder) badge(w Where, slug string) uint16 {
	if slug == "" {
		return None
	}
	return b.find(w, slug)
}

func (b *builder) refs(w Where, list string) []MakerRef {
	var out []MakerRef
	for slug := range strings.SplitSeq(list, ",") {
		slug = strings.TrimSpace(slug)
		if slug == "" {
			continue
		}
		name, unsure := strings.CutSuffix(slug, "?")
		if n := b.find(w, name); n != None {
			out = append(out, MakerRef{n, unsure})
		}
	}
	return out
}

func hex4(s string) (uint16, bool) {
	n, err := strconv.ParseUint(s, 16, 16)
	return uint16(n), err == nil && len(s) == 4 && s == strings.ToLower(s)
}
