// Package clean is the one way from untrusted bytes to text that a person sees.
//
// What a module says may hold terminal escapes, control and bidirectional marks, or
// bytes that are no text at all. [Text] and [Line] turn it into printable text in
// which every such rune stands visibly escaped.
//
// It promises that its result holds no rune below U+0020 but (for Text) newline, none of U+007F–U+009F,
// no bidirectional or zero-width mark and no invalid UTF-8. It never shortens, guesses an
// encoding or changes what is already printable.
package clean

import (
	"strings"
	"unicode"
	"unicode/utf8"
)

// Line returns s as one printable line.
func Line(s string) string { return escape(s, false) }

// Text returns s as printable text that may hold newlines.
func Text(s string) string { return escape(s, true) }

func escape(s string, newlines bool) string {
	if printable(s, newlines) {
		return s
	}
	var b strings.Builder
	b.Grow(len(s) + 16)
	for len(s) > 0 {
		r, n := utf8.DecodeRuneInString(s)
		switch {
		case r == utf8.RuneError && n == 1:
			writeHex(&b, 'x', uint32(s[0]), 2)
		case safe(r, newlines):
			b.WriteString(s[:n])
		case r < 0x100:
			writeHex(&b, 'x', uint32(r), 2)
		case r < 0x10000:
			writeHex(&b, 'u', uint32(r), 4)
		default:
			writeHex(&b, 'U', uint32(r), 8)
		}
		s = s[n:]
	}
	return b.String()
}

func printable(s string, newlines bool) bool {
	if !utf8.ValidString(s) {
		return false
	}
	for _, r := range s {
		if !safe(r, newlines) {
			return false
		}
	}
	return true
}

// safe: graphic runes (letters, marks, numbers, punctuation, symbols, spaces) that show something. This
// leaves out control (Cc) and format runes (Cf: bidirectional and zero-width marks, tags, soft hyphen),
// private use, surrogates, the line and paragraph separators, and the letters and marks that Unicode calls
// ignorable: fillers, joiners and variation selectors.
func safe(r rune, newlines bool) bool {
	switch {
	case r == '\n':
		return newlines
	case r < 0x7f:
		return r >= 0x20
	}
	return unicode.IsGraphic(r) && !unicode.In(r, unicode.Other_Default_Ignorable_Code_Point, unicode.Variation_Selector)
}

func writeHex(b *strings.Builder, letter byte, v uint32, digits int) {
	const hex = "0123456789abcdef"
	b.WriteByte('\\')
	b.WriteByte(letter)
	for i := digits - 1; i >= 0; i-- {
		b.WriteByte(hex[v>>(4*i)&0xf])
	}
}
