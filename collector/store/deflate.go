package store

import (
	"encoding/binary"
	"math/bits"
	"slices"
)

// deflater writes DEFLATE (RFC 1951) with the fixed codes: one block, for texts of a few kilobytes that
// have most in common with a dictionary, which any reader of that format has to be given. It does a fifth
// of the work of compress/flate at that size, which spends most of it on making codes.
type deflater struct {
	literals [288]code // reversed, as they are written
	lengths  [259]symbol
	dict     []byte
	at       [1 << hashBits]int32 // where in the dictionary four bytes begin, and 1
}

type code struct {
	bits uint32
	n    uint
}

// symbol is a code with its extra bits behind it.
type symbol = code

const (
	hashBits = 13
	minMatch = 4
	maxMatch = 258
	// deflateMost bounds the text: with the dictionary it is less than the farthest match, 32 KiB.
	deflateMost = 24 << 10
)

func newDeflater(dict []byte) *deflater {
	d := &deflater{dict: dict}
	for s := range d.literals { // RFC 1951, section 3.2.6
		c, n := uint32(s)+0x30, uint(8)
		switch {
		case s >= 280:
			c = uint32(s) - 280 + 0xc0
		case s >= 256:
			c, n = uint32(s)-256, 7
		case s >= 144:
			c, n = uint32(s)-144+0x190, 9
		}
		d.literals[s] = code{bits.Reverse32(c) >> (32 - n), n}
	}
	for l := 3; l <= maxMatch; l++ { // section 3.2.5
		s, extra, base := 257+l-3, uint(0), l
		if l == maxMatch {
			s = 285
		} else if l > 10 {
			extra = uint(bits.Len(uint(l-3))) - 3
			s = 257 + 4*int(extra) + (l-3)>>extra
			base = l - (l-3)&(1<<extra-1)
		}
		c := d.literals[s]
		d.lengths[l] = symbol{c.bits | uint32(l-base)<<c.n, c.n + extra}
	}
	for i := 0; i+minMatch <= len(dict); i++ {
		d.at[hash(dict[i:])] = int32(i) + 1
	}
	return d
}

func hash(b []byte) uint32 {
	return binary.LittleEndian.Uint32(b) * 2654435761 >> (32 - hashBits)
}

// distance gives the code of a distance, with its extra bits.
func distance(n int) symbol {
	if n <= 4 {
		return symbol{bits.Reverse32(uint32(n-1)) >> 27, 5}
	}
	extra := uint(bits.Len(uint(n-1))) - 2
	c := 2*uint32(extra) + uint32(n-1)>>extra
	return symbol{bits.Reverse32(c)>>27 | (uint32(n-1)&(1<<extra-1))<<5, 5 + extra}
}

// append packs body behind out.
func (d *deflater) append(out, body []byte) []byte {
	w := bitWriter{out: out}
	w.put(code{1 | 1<<1, 3}) // the last block, fixed codes
	all := slices.Concat(d.dict, body)
	at := d.at
	for i := len(d.dict); i < len(all); {
		n, from := 0, 0
		if i+minMatch <= len(all) {
			h := hash(all[i:])
			from, at[h] = int(at[h])-1, int32(i)+1
			if from >= 0 {
				n = common(all[from:], all[i:])
			}
		}
		if n < minMatch {
			w.put(d.literals[all[i]])
			i++
			continue
		}
		w.put(d.lengths[n])
		w.put(distance(i - from))
		for j := i + 1; j < i+n && j+minMatch <= len(all); j += 2 { // every other place is enough
			at[hash(all[j:])] = int32(j) + 1
		}
		i += n
	}
	w.put(d.literals[256])
	return w.end()
}

// common says how much of a and b is the same, maxMatch at most.
func common(a, b []byte) int {
	n, most := 0, min(len(a), len(b), maxMatch)
	for ; n+8 <= most; n += 8 {
		if x := binary.LittleEndian.Uint64(a[n:]) ^ binary.LittleEndian.Uint64(b[n:]); x != 0 {
			return n + bits.TrailingZeros64(x)/8
		}
	}
	for n < most && a[n] == b[n] {
		n++
	}
	return n
}

type bitWriter struct {
	out  []byte
	held uint64
	n    uint
}

func (w *bitWriter) put(c code) {
	w.held |= uint64(c.bits) << w.n
	if w.n += c.n; w.n >= 32 {
		w.out = binary.LittleEndian.AppendUint32(w.out, uint32(w.held))
		w.held >>= 32
		w.n -= 32
	}
}

func (w *bitWriter) end() []byte {
	for ; w.n > 0; w.n -= min(w.n, 8) {
		w.out = append(w.out, byte(w.held))
		w.held >>= 8
	}
	return w.out
}
