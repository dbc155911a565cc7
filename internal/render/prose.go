package render

import (
	"strings"
)

// Paragraphs draws a program's own text: lines are joined and broken anew to fit, but for those
// that begin with a blank, which stay lines of their own.
func (s Screen) Paragraphs(text string) string {
	var b strings.Builder
	var open []string
	flush := func() {
		s.lines(&b, "", plain, 0, strings.Join(open, " "), plain)
		open = nil
	}
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, " \n")
		switch {
		case line == "":
			flush()
			b.WriteString("\n")
		case line[0] == ' ':
			flush()
			b.WriteString(s.Indented(len(line)-len(strings.TrimLeft(line, " ")), line))
		default:
			open = append(open, line)
		}
	}
	flush()
	return b.String()
}

// Indented draws one line of the program's own text behind n blanks, what does not fit deeper.
func (s Screen) Indented(n int, text string) string {
	if n+columns(strings.TrimSpace(text)) <= s.width() { // as it is, with its columns
		return strings.Repeat(" ", n) + strings.TrimSpace(text) + "\n"
	}
	var b strings.Builder
	s.lines(&b, strings.Repeat(" ", n), plain, min(n+4, s.width()/2), strings.TrimSpace(text), plain)
	return b.String()
}

// widestTerm bounds the left column of definitions.
const widestTerm = 28

// Definitions draws terms with what they mean beside them, or below where there is no room.
func (s Screen) Definitions(rows [][2]string) string {
	left := 0
	for _, r := range rows {
		left = max(left, min(columns(r[0]), widestTerm))
	}
	left += 2 + 2
	var b strings.Builder
	for _, r := range rows {
		term := "  " + r[0]
		if s.width() < cardWidth || columns(term) > left-2 {
			b.WriteString(s.Indented(2, term))
			deeper := min(left, 8)
			if s.width() >= cardWidth {
				deeper = left
			}
			s.lines(&b, strings.Repeat(" ", deeper), plain, deeper, r[1], plain)
			continue
		}
		s.lines(&b, pad(term, left), plain, left, r[1], plain)
	}
	return b.String()
}
