package render

import "strings"

// Table draws rows of foreign text under heads. Where a row fits the screen, columns stand
// side by side; where not, columns after the first keep are left out from the right, and where
// even that is too wide, the first cell of each row heads a block of the others.
func (s Screen) Table(heads []string, rows [][]string, keep int) string {
	widths := make([]int, len(heads))
	for i, h := range heads {
		widths[i] = columns(h)
	}
	cells := make([][]string, len(rows))
	for r, row := range rows {
		cells[r] = make([]string, len(heads))
		for i, c := range row {
			cells[r][i] = field(c)
			widths[i] = max(widths[i], columns(cells[r][i]))
		}
	}
	var b strings.Builder
	n := fitting(widths, s.width())
	if n < keep {
		s.blocks(&b, heads, cells)
		return b.String()
	}
	s.tableLine(&b, widths, heads[:n], faint, faint)
	for _, row := range cells {
		s.tableLine(&b, widths, row[:n], strong, plain)
	}
	return b.String()
}

// fitting is how many of the columns fit side by side, two blanks apart.
func fitting(widths []int, room int) int {
	used := -2
	for i, w := range widths {
		if used += w + 2; used > room {
			return i
		}
	}
	return len(widths)
}

// tableLine draws one row, without blanks at its end.
func (s Screen) tableLine(b *strings.Builder, widths []int, cells []string, first, others style) {
	last := len(cells) - 1
	for last > 0 && cells[last] == "" {
		last--
	}
	st := first
	for i, c := range cells[:last+1] {
		b.WriteString(s.paint(st, c))
		if i < last {
			b.WriteString(strings.Repeat(" ", widths[i]-columns(c)+2))
		}
		st = others
	}
	b.WriteByte('\n')
}

func (s Screen) blocks(b *strings.Builder, heads []string, rows [][]string) {
	margin := 0
	for _, h := range heads[1:] {
		margin = max(margin, columns(h))
	}
	for _, row := range rows {
		for i, l := range wrap(row[0], s.width(), s.width()-2) {
			b.WriteString(strings.Repeat(" ", 2*min(i, 1)) + s.paint(strong, l) + "\n")
		}
		for i, c := range row[1:] {
			if c == "" {
				continue
			}
			lead := "  " + pad(heads[i+1], margin) + "  "
			for _, l := range wrap(c, s.width()-columns(lead), s.width()-columns(lead)) {
				b.WriteString(s.paint(faint, lead) + l + "\n")
				lead = strings.Repeat(" ", columns(lead))
			}
		}
	}
}
