package render

import (
	"strings"
	"unicode"

	"golang.org/x/text/width"

	"github.com/rollcall-iot/rollcall/internal/clean"
)

// runeWidth is how many columns a terminal gives a rune (UAX #11). Ambiguous ones count
// as one, as terminals do outside of East Asian locales.
func runeWidth(r rune) int {
	switch {
	case r < 0x300:
		return 1
	case unicode.In(r, unicode.Mn, unicode.Me):
		return 0
	}
	switch width.LookupRune(r).Kind() {
	case width.EastAsianWide, width.EastAsianFullwidth:
		return 2
	}
	return 1
}

// columns is the width of a line of clean text.
func columns(s string) int {
	n := 0
	for _, r := range s {
		n += runeWidth(r)
	}
	return n
}

// longest bounds one field on the screen. Whoever needs all of it asks for JSON.
const longest = 240

// field makes foreign text fit for the screen.
func field(s string) string {
	s = strings.TrimSpace(clean.Line(s))
	if columns(s) > longest {
		return cut(s, longest)
	}
	return s
}

// cut shortens clean text to n columns, with a mark that it did.
func cut(s string, n int) string {
	if columns(s) <= n {
		return s
	}
	if n < 1 {
		return ""
	}
	head, _ := split(s, n-1)
	return head + "…"
}

// split divides s after at most n columns.
func split(s string, n int) (head, tail string) {
	used := 0
	for i, r := range s {
		if used += runeWidth(r); used > n {
			return s[:i], s[i:]
		}
	}
	return s, ""
}

// pad fills s with blanks up to n columns.
func pad(s string, n int) string {
	if d := n - columns(s); d > 0 {
		return s + strings.Repeat(" ", d)
	}
	return s
}

// wrap breaks clean text into lines of at most first columns, then rest columns, at
// blanks where that is possible.
func wrap(s string, first, rest int) []string {
	var lines []string
	room := max(first, 2) // a wide rune needs two
	for s = strings.TrimSpace(s); columns(s) > room; room = max(rest, 2) {
		head, tail := split(s, room)
		if !strings.HasPrefix(tail, " ") {
			if i := strings.LastIndexByte(head, ' '); i > 0 {
				head, tail = s[:i], s[i:]
			}
		}
		lines = append(lines, strings.TrimRight(head, " "))
		s = strings.TrimLeft(tail, " ")
	}
	lines = append(lines, s)
	for i, line := range lines {
		lines[i] = strings.ReplaceAll(line, noBreak, " ")
	}
	return lines
}

// noBreak is a blank at which lines are not broken.
const noBreak = "\u00a0"
