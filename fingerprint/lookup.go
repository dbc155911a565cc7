package fingerprint

import (
	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// maxKey bounds the part of a value in which names are looked for.
const maxKey = 56

// spelled is a value with its separators and case taken out.
type spelled struct {
	key [maxKey]byte
	pos [maxKey + 1]uint8 // where each byte of key stands in the value
	n   int
}

func spell(s string) (k spelled) {
	for i := 0; i < len(s) && i < 250 && k.n < maxKey; i++ {
		c := s[i]
		if !knowledge.Alnum(c) {
			continue
		}
		if c >= 'a' && c <= 'z' {
			c -= 'a' - 'A'
		}
		k.key[k.n], k.pos[k.n] = c, uint8(i)
		k.n++
	}
	k.pos[k.n] = uint8(min(len(s), 255))
	return k
}

// separated: between key[i-1] and key[i] stands a separator.
func (k *spelled) separated(i int) bool {
	return i == 0 || i >= k.n || k.pos[i] != k.pos[i-1]+1
}

// found is one family that fits a value.
type found struct {
	family  int32
	variant int32 // number in the family's Variants, -1 none
	// rest is where the value goes on behind the family's name, 0 for the whole value.
	rest int
	// joined: the variant follows without a separator.
	joined bool
}

// findFamilies calls each for the families whose name, as the longest, stands at word `from` of k.
func (b *Base) findFamilies(k *spelled, from int, each *[4]found) int {
	for l := min(k.n-from, b.longest.family); l >= 2; l-- {
		i, ok := b.families[string(k.key[from:from+l])]
		if !ok {
			continue
		}
		n := 0
		for key := b.pack.Families[i].Key; int(i) < len(b.pack.Families) && b.pack.Families[i].Key == key && n < len(each); i++ {
			if f, ok := b.accept(k, from+l, i); ok {
				each[n] = f
				n++
			}
		}
		if n > 0 {
			return n
		}
	}
	return 0
}

// accept: the name is the whole value, or a separator follows, or a variant.
func (b *Base) accept(k *spelled, end int, family int32) (found, bool) {
	f := found{family: family, variant: -1}
	if end == k.n {
		return f, true
	}
	f.rest = int(k.pos[end])
	for i := range b.pack.Families[family].Variants {
		v := b.pack.Families[family].Variants[i].Key
		to := end + len(v)
		if to <= k.n && string(k.key[end:to]) == v && k.separated(to) {
			f.variant, f.joined = int32(i), !k.separated(end)
			return f, true
		}
	}
	return f, k.separated(end)
}

// findCode looks a firmware's model code up among one maker's families: the longest name,
// then the variant that leaves the usual two letters of the hardware.
func (b *Base) findCode(code string, owner uint16) (found, bool) {
	k := spell(code)
	for l := min(k.n, b.longest.family); l >= 2; l-- {
		i, ok := b.families[string(k.key[:l])]
		if !ok || l < k.n && digit(k.key[l]) && digit(k.key[l-1]) { // EC257U is no EC25
			continue
		}
		for key := b.pack.Families[i].Key; int(i) < len(b.pack.Families) && b.pack.Families[i].Key == key; i++ {
			if b.pack.Families[i].Owner == owner {
				return found{family: i, variant: b.codeVariant(i, string(k.key[l:k.n]))}, true
			}
		}
	}
	return found{}, false
}

func (b *Base) codeVariant(family int32, rest string) int32 {
	best, distance := int32(-1), 3
	f := &b.pack.Families[family]
	for i := range f.Variants {
		v := f.Variants[i].Key
		if !f.FirmwareVariants || len(rest) < len(v) || rest[:len(v)] != v {
			continue
		}
		d := len(rest) - len(v) - 2
		if d < 0 {
			d = -d
		}
		if d < distance {
			best, distance = int32(i), d
		}
	}
	return best
}

// named is one company whose name stands in a value.
type named struct {
	maker uint16
	weak  bool
	// own: it is the company's short name, not a word that others use too.
	own bool
	// end is where the value goes on behind the name.
	end int
}

// findName finds the longest name at the beginning of a value, or (anywhere) at any word of it.
func (b *Base) findName(s string, anywhere bool) (named, bool) {
	var buf [96]byte
	words := knowledge.AppendWords(buf[:0], s[:min(len(s), len(buf)-8)])
	for from := 0; from < len(words); {
		if n, l, ok := b.nameAt(words[from:]); ok {
			n.end = endOfWords(s, words[:from+l])
			if from == 0 || b.onlyCompanyWords(s[n.end:]) { // not "Acme (u-blox compatible)"
				return n, true
			}
		}
		if !anywhere {
			break
		}
		for from < len(words) && words[from] != ' ' {
			from++
		}
		from++
	}
	return named{}, false
}

func (b *Base) nameAt(words []byte) (named, int, bool) {
	for l := min(len(words), b.longest.name); l > 0; l-- {
		if l < len(words) && words[l] != ' ' {
			continue
		}
		if i, ok := b.names[string(words[:l])]; ok {
			n := &b.pack.Names[i]
			return named{maker: n.Maker, weak: n.Weak, own: n.Weak && knowledge.Words(b.pack.Makers[n.Maker].Name) == n.Key}, l, true
		}
	}
	return named{}, 0, false
}

// endOfWords gives the position in s behind the given words of it.
func endOfWords(s string, words []byte) int {
	n := 0
	for _, c := range words {
		if c != ' ' {
			n++
		}
	}
	for i := range len(s) {
		if knowledge.Alnum(s[i]) {
			if n--; n == 0 {
				return i + 1
			}
		}
	}
	return len(s)
}

// onlyCompanyWords: nothing but "Co., Ltd." and its like.
func (b *Base) onlyCompanyWords(s string) bool {
	var buf [96]byte
	words := knowledge.AppendWords(buf[:0], s[:min(len(s), len(buf)-8)])
	for from := 0; from < len(words); {
		end := from
		for end < len(words) && words[end] != ' ' {
			end++
		}
		if !b.companyWord(words[from:end]) {
			return false
		}
		from = end + 1
	}
	return true
}

func (b *Base) companyWord(word []byte) bool {
	for _, w := range b.pack.CompanyWords {
		if string(word) == w {
			return true
		}
	}
	return false
}
