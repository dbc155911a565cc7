package knowledge

import (
	"regexp/syntax"
	"strings"
	"unicode"
)

// What a pattern must begin with decides whether it is tried at all. Only patterns that are
// anchored at the beginning have such a first part; the others are tried on every text.

// maxProgram bounds the size of a compiled pattern (ours have about 50 instructions).
const maxProgram = 1500

// beginnings gives the literal text and the set of first bytes ("" any) of every match.
func beginnings(re *syntax.Regexp) (prefix, first string) {
	parts := flatten(re, nil)
	if len(parts) == 0 || parts[0].Op != syntax.OpBeginText {
		return "", ""
	}
	var set byteSet
	empty := set.sequence(parts[1:])
	if !empty {
		first = set.text()
	}
	return literal(parts[1:]), first
}

// flatten takes captures and sequences apart.
func flatten(re *syntax.Regexp, into []*syntax.Regexp) []*syntax.Regexp {
	if re.Op != syntax.OpConcat && re.Op != syntax.OpCapture {
		return append(into, re)
	}
	for _, sub := range re.Sub {
		into = flatten(sub, into)
	}
	return into
}

func literal(parts []*syntax.Regexp) string {
	var b strings.Builder
	for _, p := range parts {
		if p.Op != syntax.OpLiteral || p.Flags&syntax.FoldCase != 0 {
			break
		}
		b.WriteString(string(p.Rune))
	}
	return b.String()
}

// inside gives the longest literal text that every match holds somewhere.
func inside(re *syntax.Regexp) string {
	longest := ""
	for _, p := range flatten(re, nil) {
		switch {
		case p.Op == syntax.OpLiteral && p.Flags&syntax.FoldCase == 0 && len(string(p.Rune)) > len(longest):
			longest = string(p.Rune)
		case p.Op == syntax.OpPlus:
			if s := inside(p.Sub[0]); len(s) > len(longest) {
				longest = s
			}
		}
	}
	return longest
}

type byteSet struct {
	has [256]bool
	any bool
}

func (s *byteSet) text() string {
	if s.any {
		return ""
	}
	var b []byte
	for c, in := range s.has {
		if in {
			b = append(b, byte(c))
		}
	}
	return string(b)
}

// sequence adds the first bytes of a sequence; true means that it may match nothing.
func (s *byteSet) sequence(parts []*syntax.Regexp) bool {
	for _, p := range parts {
		if !s.add(p) {
			return false
		}
	}
	return true
}

func (s *byteSet) add(re *syntax.Regexp) (empty bool) {
	switch re.Op {
	case syntax.OpLiteral:
		s.runes(re.Rune[0], re.Rune[0], re.Flags&syntax.FoldCase != 0)
		return false
	case syntax.OpCharClass:
		for i := 0; i+1 < len(re.Rune); i += 2 {
			s.runes(re.Rune[i], re.Rune[i+1], false)
		}
		return false
	case syntax.OpAnyChar, syntax.OpAnyCharNotNL:
		s.any = true
		return false
	case syntax.OpConcat, syntax.OpCapture:
		return s.sequence(re.Sub)
	case syntax.OpAlternate:
		for _, sub := range re.Sub {
			empty = s.add(sub) || empty
		}
		return empty
	case syntax.OpPlus:
		return s.add(re.Sub[0])
	case syntax.OpStar, syntax.OpQuest:
		s.add(re.Sub[0])
		return true
	case syntax.OpRepeat:
		return s.add(re.Sub[0]) || re.Min == 0
	}
	return true // anchors and empty matches
}

func (s *byteSet) runes(lo, hi rune, fold bool) {
	if hi >= 0x80 {
		s.any = true
		return
	}
	for r := lo; r <= hi; r++ {
		s.has[r] = true
		if fold {
			s.has[unicode.ToLower(r)], s.has[unicode.ToUpper(r)] = true, true
		}
	}
}
