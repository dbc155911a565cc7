package render

import (
	"strings"

	"github.com/rollcall-iot/rollcall/internal/clean"
)

// Fact is a name and a text.
type Fact struct{ Name, Text string }

// Facts draws facts below each other, the texts in one column. Those without a text are left
// out, and so is the name of one that is named as the fact above it.
func (s Screen) Facts(facts []Fact) string {
	margin := 0
	for _, f := range facts {
		if f.Text != "" {
			margin = max(margin, columns(field(f.Name))+2)
		}
	}
	var b strings.Builder
	above := ""
	for _, f := range facts {
		if f.Text == "" {
			continue
		}
		name := field(f.Name)
		if name == above {
			name = ""
		} else {
			above = name
		}
		if text := cleanWhole(f.Text); isAddress(text) { // never broken, so that it can be copied
			b.WriteString(s.paint(faint, pad(name, margin)) + text + "\n")
		} else {
			s.hangMarked(&b, pad(name, margin), faint, text, plain)
		}
	}
	return b.String()
}

// Group is what is found alike about many modules.
type Group struct {
	Finding
	// Mark stands before the severity: "+", "-", or nothing.
	Mark string
	// Facts say more, on one line.
	Facts []string
	// Members are what it is about, and More how many others there are.
	Members []string
	More    int
}

const severityColumn = 11

// Group draws what is found, and about which modules.
func (s Screen) Group(g Group) string {
	var b strings.Builder
	text, st := cleanWhole(g.Text), findingStyle(g.Finding)
	if g.Covered {
		text += " (an exception covers this)"
	}
	lead, column := join(" ", g.Mark, field(g.Severity)), severityColumn
	if s.width() < cardWidth {
		lead, column = lead+"  ", 2
	}
	s.lines(&b, pad(lead, column), st, column, text, strong)
	indent := strings.Repeat(" ", column)
	s.hang(&b, indent, join(" · ", cleanAll(g.Facts)...), faint)
	for _, m := range g.Members {
		s.hang(&b, indent, cleanWhole(m), plain)
	}
	if g.More > 0 {
		s.hang(&b, indent, "and "+count(g.More, "other"), faint)
	}
	return b.String()
}

// Rows draws a table with a text below each row, which may be empty. Where the rows are wider
// than the screen, each is a block of its own.
func (s Screen) Rows(heads []string, rows [][]string, below []string) string {
	widths := make([]int, len(heads))
	for i, h := range heads {
		widths[i] = columns(h)
	}
	cells := make([][]string, len(rows))
	for r, row := range rows {
		cells[r] = cleanAll(row)
		for i, c := range cells[r] {
			widths[i] = max(widths[i], columns(c))
		}
	}
	var b strings.Builder
	if fitting(widths, s.width()) < len(heads) {
		for r := range cells {
			s.block(&b, heads, cells[r], cleanWhole(below[r]))
		}
		return b.String()
	}
	s.tableLine(&b, widths, heads, faint, faint)
	for r, row := range cells {
		s.tableLine(&b, widths, row, strong, plain)
		s.hangMarked(&b, "  ", plain, cleanWhole(below[r]), faint)
	}
	return b.String()
}

func (s Screen) block(b *strings.Builder, heads, row []string, below string) {
	s.hang(b, "", row[0], strong)
	var parts []string
	for i, c := range row[1:] {
		parts = append(parts, labelled(heads[i+1], strings.ReplaceAll(c, " ", noBreak)))
	}
	s.hangMarked(b, "  ", plain, join(noBreak+"· ", parts...), plain)
	s.hangMarked(b, "  ", plain, below, faint)
}

// Warning draws what is wrong with what a command relies on.
func (s Screen) Warning(text string) string {
	var b strings.Builder
	s.hangMarked(&b, "! ", warn, cleanWhole(text), plain)
	return b.String()
}

// Title draws what a page is about, and a line that says more.
func (s Screen) Title(title string, more ...string) string {
	var b strings.Builder
	s.hang(&b, "", field(title), strong)
	s.hang(&b, "", join(" · ", cleanAll(more)...), faint)
	return b.String() + "\n"
}

// Heading draws a line above a part of a page.
func (s Screen) Heading(text string) string { return "\n" + s.paint(faint, field(text)) + "\n" }

// cleanWhole makes text fit for the screen and does not shorten it: lists and rules say what
// they say.
func cleanWhole(s string) string { return strings.TrimSpace(clean.Line(s)) }
