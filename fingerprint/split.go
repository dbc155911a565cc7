package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

// maxSplits bounds the blanks at which a line is tried.
const maxSplits = 6

// splitRevision takes a revision off the end of a model ("CS-15 R2.6.2-0634487", "Quectel EC25
// EC25EFAR06A08M4G", "A9G V02.00"): what stands before it must be a model that is known.
func (b *Base) splitRevision(s string) (model, revision string, ok bool) {
	if b.wholeModel(s) {
		return "", "", false // "GL868-DUAL V3.1" is a model
	}
	for from, n := 0, 0; n < maxSplits; n++ {
		at := strings.IndexByte(s[from:], ' ')
		if at < 0 {
			return "", "", false
		}
		i := from + at
		if from = i + 1; b.isModel(s[:i]) && b.isRevision(trim(s[i:]), s[:i]) {
			return trim(s[:i]), trim(s[i:]), true
		}
	}
	return "", "", false
}

// isModel: the value is a known model, with or without its maker's name.
func (b *Base) isModel(s string) bool {
	s = trim(s)
	least := knowledge.Fair
	if n, ok := b.findName(s, false); ok && n.end < len(s) && !knowledge.Alnum(s[n.end]) {
		s, least = b.withoutCompanyWords(s[n.end:]), knowledge.Hint
	}
	k := spell(s)
	var each [4]found
	for _, f := range each[:b.findFamilies(&k, 0, &each)] {
		if b.pack.Families[f.family].Strength >= least && (strings.IndexByte(s, ' ') < 0 || b.covers(f, &k)) {
			return true
		}
	}
	return false
}

// wholeModel: the value is the name of a known model from beginning to end, with a variant or without.
func (b *Base) wholeModel(s string) bool {
	k := spell(s)
	var each [4]found
	for _, f := range each[:b.findFamilies(&k, 0, &each)] {
		if b.covers(f, &k) {
			return true
		}
	}
	return false
}

func (b *Base) covers(f found, k *spelled) bool {
	fam := &b.pack.Families[f.family]
	end := len(fam.Key)
	if f.variant >= 0 {
		end += len(fam.Variants[f.variant].Key)
	}
	return end == k.n
}

// isRevision: a rule that is sure knows the form, or it is a plain version, or it begins with the
// model before it and goes on.
func (b *Base) isRevision(s, model string) bool {
	if plainVersion(s) {
		return true
	}
	if word := model[strings.LastIndexByte(model, ' ')+1:]; len(word) > 2 && len(s) > len(word)+2 && strings.HasPrefix(s, word) && strings.IndexByte(s, ' ') < 0 && strings.ContainsAny(s[len(word):], "0123456789") {
		return true
	}
	for _, n := range b.rules[knowledge.OnFirmware][s[0]] {
		if r := &b.pack.Rules[n]; r.Strength >= knowledge.Strong && !r.Needs && b.match(n, s) != nil {
			return true
		}
	}
	return false
}

// plainVersion: "R2.6.2-0634487", "V02.00", "25.20.673", "R1C06": one word that is a version by its form.
func plainVersion(s string) bool {
	if len(s) < 3 || strings.IndexByte(s, ' ') >= 0 {
		return false
	}
	if s[0] == 'R' || s[0] == 'V' { // "V3.1" is part of a model's name
		return digit(s[1]) && (digit(s[2]) || s[2] == '.' && len(s) > 4)
	}
	dots := 0
	for i := range len(s) {
		switch c := s[i]; {
		case c == '.':
			dots++
		case !digit(c) && c != '-' && c != '_':
			return false
		}
	}
	return dots > 1
}

// namesFirmware: a word that begins with a known model and goes on with a version
// ("BM806C_V1.0.3", "N720-CA-STD-BZ-V1.1.7") is the revision, not the model.
func (b *Base) namesFirmware(s string) bool {
	i := versionAt(s)
	if i < 2 || strings.LastIndexByte(s, ' ') >= i-1 || b.wholeModel(s) {
		return false
	}
	k := spell(strings.TrimRight(s[:i], "_-."))
	var each [4]found
	return b.findFamilies(&k, 0, &each) > 0
}

// versionAt gives the place of the first version inside a word, 0 for none: a "V" with two digits or
// a digit and a point behind it ("V2" alone is part of many a model's name), numbers joined by points,
// or what begins with a point (".F0.1.0").
func versionAt(s string) int {
	for i := 2; i+2 < len(s); i++ {
		c, next := s[i], s[i+1]
		switch {
		case (c == 'V' || c == 'v') && digit(next) && (digit(s[i+2]) || s[i+2] == '.' || s[i+2] == '_' || s[i-1] == '_' && strings.IndexByte(s[i:], '.') > 0):
			return i
		case c == '.' && !digit(next) && digit(s[i+2]):
			return i
		case digit(c) && !digit(s[i-1]) && s[i-1] != '.':
			j := i
			for j < len(s) && digit(s[j]) {
				j++
			}
			if j+1 < len(s) && s[j] == '.' && digit(s[j+1]) && (!knowledge.Alnum(s[i-1]) || !knowledge.Alnum(s[i-2])) {
				return i // "-1.2" or "-D1.2"
			}
		}
	}
	return 0
}

// endsInVersion: one word of a name and a version behind it ("XXXXXX_V1.0.3").
func endsInVersion(s string) bool {
	at := versionAt(s)
	return at > 1 && s[at-1] == '_' && strings.IndexByte(s, ' ') < 0
}
