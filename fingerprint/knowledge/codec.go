package knowledge

import (
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"slices"
)

// codec walks a Pack and either writes or reads each part, so that the two can't differ.
// Text stands once, in a table of its own; everything else refers to it by number.
type codec struct {
	reading bool
	in      string // reading: what is left
	out     []byte // writing: what there is
	table   []string
	numbers map[string]uint64
	failed  bool

	// Small lists are cut from larger pieces of memory.
	refMemory     []MakerRef
	variantMemory []FamilyVariant
}

// Encode gives the bytes of a pack. The same pack always gives the same bytes.
func (p *Pack) Encode() []byte {
	c := &codec{numbers: map[string]uint64{}}
	c.pack(p)
	text, lengths := c.encodeTable()
	numbers := append(lengths, c.out...)
	sum := sha256.Sum256(slices.Concat(text, numbers))
	p.Digest = hex.EncodeToString(sum[:])[:digestSize]
	return seal(p.Digest, text, numbers)
}

// Decode reads a pack.
func Decode(data string) (*Pack, error) {
	digest, text, numbers, err := unseal(data)
	if err != nil {
		return nil, err
	}
	return decode(digest, text, numbers)
}

// decode reads what was sealed. The text of the pack shares the memory of text.
func decode(digest, text, numbers string) (*Pack, error) {
	p := &Pack{Digest: digest}
	c := &codec{reading: true, in: numbers}
	c.decodeTable(text)
	c.pack(p)
	if c.failed || c.in != "" {
		return nil, fmt.Errorf("%w: it is cut or damaged", ErrPack)
	}
	return p, nil
}

func (c *codec) encodeTable() (text, lengths []byte) {
	lengths = binary.AppendUvarint(nil, uint64(len(c.table)))
	for _, s := range c.table {
		lengths = binary.AppendUvarint(lengths, uint64(len(s)))
		text = append(text, s...)
	}
	return text, lengths
}

func (c *codec) decodeTable(text string) {
	c.table = make([]string, c.count(1))
	for i := range c.table {
		n := c.readNumber()
		if n > uint64(len(text)) {
			c.failed = true
			return
		}
		c.table[i], text = text[:n], text[n:]
	}
	c.failed = c.failed || text != ""
}

func (c *codec) readNumber() uint64 {
	var v uint64
	for i := 0; i < len(c.in) && i < 10; i++ {
		b := c.in[i]
		v |= uint64(b&0x7f) << (7 * i)
		if b < 0x80 {
			c.in = c.in[i+1:]
			return v
		}
	}
	c.failed, c.in = true, ""
	return 0
}

// count reads how many items follow. Each needs at least size bytes, which bounds memory.
func (c *codec) count(size int) int {
	n := c.readNumber()
	if n > uint64(len(c.in)/size) {
		c.failed, c.in = true, ""
		return 0
	}
	return int(n)
}

func (c *codec) text(s *string) {
	if c.reading {
		if n := c.readNumber(); n < uint64(len(c.table)) {
			*s = c.table[n]
		} else {
			c.failed = true
		}
		return
	}
	n, ok := c.numbers[*s]
	if !ok {
		n = uint64(len(c.table))
		c.numbers[*s] = n
		c.table = append(c.table, *s)
	}
	c.out = binary.AppendUvarint(c.out, n)
}

func (c *codec) texts(list ...*string) {
	for _, s := range list {
		c.text(s)
	}
}

func (c *codec) flag(b *bool) {
	var v uint8
	if *b {
		v = 1
	}
	number(c, &v)
	*b = v == 1
}

func number[T ~uint8 | ~uint16](c *codec, v *T) {
	if c.reading {
		*v = T(c.readNumber())
		return
	}
	c.out = binary.AppendUvarint(c.out, uint64(*v))
}

// list writes or reads a slice; item does one of its elements.
func list[T any](c *codec, s *[]T, item func(*T)) {
	if c.reading {
		if n := c.count(1); n > 0 {
			*s = make([]T, n)
		}
	} else {
		c.out = binary.AppendUvarint(c.out, uint64(len(*s)))
	}
	for i := range *s {
		item(&(*s)[i])
	}
}

// smallList is list for the many short ones.
func smallList[T any](c *codec, memory *[]T, s *[]T, item func(*T)) {
	if !c.reading {
		list(c, s, item)
		return
	}
	n := c.count(1)
	if n == 0 {
		return
	}
	if len(*memory) < n {
		*memory = make([]T, max(n, 1024))
	}
	*s, *memory = (*memory)[:n:n], (*memory)[n:]
	for i := range *s {
		item(&(*s)[i])
	}
}

func (c *codec) pack(p *Pack) {
	c.text(&p.AsOf)
	list(c, &p.Makers, c.maker)
	list(c, &p.Names, func(n *Name) { c.text(&n.Key); number(c, &n.Maker); c.flag(&n.Weak) })
	list(c, &p.Families, c.family)
	list(c, &p.Rules, c.rule)
	list(c, &p.Others, func(o *Other) { c.texts(&o.Kind, &o.Seems) })
	list(c, &p.USB, c.usb)
	list(c, &p.PCI, c.pci)
	list(c, &p.TAC, func(t *TAC) { c.texts(&t.Prefix, &t.Model); c.refs(&t.Makers) })
	list(c, &p.Commands, c.command)
	list(c, &p.Labels, func(l *Label) {
		c.texts(&l.Key, &l.Part)
		number(c, &l.Field)
		number(c, &l.Rank)
	})
	list(c, &p.CompanyWords, c.text)
	list(c, &p.ModelTails, c.text)
	list(c, &p.Placeholders, c.text)
	list(c, &p.Noise, c.text)
	list(c, &p.Refusals, c.text)
	list(c, &p.Aliases, func(a *Alias) { c.texts(&a.Text, &a.As) })
	list(c, &p.First, c.ask)
	list(c, &p.Technologies, c.text)
	list(c, &p.Forms, c.text)
	list(c, &p.ChipsetMakers, func(m *ChipsetMaker) { c.texts(&m.Name, &m.Slug, &m.Country) })
}

func (c *codec) maker(m *Maker) {
	c.texts(&m.Slug, &m.Name, &m.Legal, &m.Country, &m.Parent, &m.ParentCountry, &m.AsOf, &m.Source, &m.Group)
	number(c, &m.Role)
	c.flag(&m.Confirmed)
	c.flag(&m.Wide)
	list(c, &m.Ask, c.ask)
}

func (c *codec) ask(a *Ask) {
	c.text(&a.Cmd)
	number(c, &a.For)
	c.flag(&a.Fuller)
	list(c, &a.Families, c.text)
}

func (c *codec) family(f *Family) {
	c.texts(&f.ID, &f.Key, &f.Name, &f.Is, &f.Technology, &f.Chipset, &f.Form)
	number(c, &f.Owner)
	number(c, &f.Builder)
	number(c, &f.Strength)
	c.flag(&f.Unconfirmed)
	c.flag(&f.FirmwareVariants)
	smallList(c, &c.variantMemory, &f.Variants, c.variant)
}

func (c *codec) variant(v *FamilyVariant) {
	c.texts(&v.Key, &v.Name, &v.Full, &v.Technology, &v.Chipset)
}

func (c *codec) rule(r *Rule) {
	c.texts(&r.ID, &r.Pattern, &r.Prefix, &r.Inside, &r.First, &r.Before)
	number(c, &r.On)
	number(c, &r.Strength)
	number(c, &r.Owner)
	number(c, &r.Maker)
	number(c, &r.Other)
	c.flag(&r.Needs)
	c.flag(&r.Binds)
	list(c, &r.Set, func(s *Constant) { c.texts(&s.Field, &s.Value) })
}

func (c *codec) refs(r *[]MakerRef) {
	smallList(c, &c.refMemory, r, c.ref)
}

func (c *codec) ref(m *MakerRef) { number(c, &m.Maker); c.flag(&m.Unconfirmed) }

func (c *codec) usb(u *USB) {
	number(c, &u.VID)
	number(c, &u.PID)
	c.flag(&u.AnyPID)
	number(c, &u.Kind)
	number(c, &u.Badge)
	c.refs(&u.Makers)
	c.text(&u.Model)
}

func (c *codec) pci(p *PCI) {
	for i := range p.IDs {
		number(c, &p.IDs[i])
	}
	number(c, &p.Any)
	number(c, &p.Badge)
	c.refs(&p.Makers)
	c.text(&p.Model)
}

func (c *codec) command(m *Command) {
	c.texts(&m.Key, &m.Source, &m.Part)
	number(c, &m.Field)
	number(c, &m.Rank)
	c.flag(&m.Fuller)
	c.flag(&m.Cellular)
}
