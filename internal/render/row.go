package render

import "strings"

// tableColumn is one column of the wide table.
type tableColumn struct {
	head  string
	share int // of the room, in hundredths
}

var tableColumns = [...]tableColumn{
	{"module", 25}, {"firmware", 21}, {"IMEI", 11}, {"technology", 10}, {"origin", 10}, {"where", 13}, {"certainty", 10},
}

// TableHead is the head of the table of rows, or empty where cards are drawn.
func (s Screen) TableHead(it Item) string {
	if s.width() < rowWidth {
		return ""
	}
	var cells [len(tableColumns)]cell
	for i, c := range tableColumns {
		cells[i] = cell{c.head, faint}
	}
	var b strings.Builder
	s.tableRow(&b, pad("", it.margin()), cells)
	return b.String()
}

func (s Screen) row(b *strings.Builder, it Item) {
	m, id := it.Module, it.Module.Identity
	s.tableRow(b, pad(it.number(), it.margin()), [len(tableColumns)]cell{
		{s.title(m), strong},
		{field(id.Firmware), plain},
		{field(id.IMEI), plain},
		{field(id.Technology), plain},
		{origin(m), plain},
		{tableWhere(it), faint},
		{Certainty(m), certaintyStyle(m)},
	})
}

func tableWhere(it Item) string {
	if p, ok := asked(it.Module); ok {
		return join(", ", place(it.Module.Device), port(p.Path))
	}
	return whence(it.Module)
}

func (s Screen) tableRow(b *strings.Builder, lead string, cells [len(tableColumns)]cell) {
	room := s.width() - len(lead)
	var lines [len(tableColumns)][]string
	rows := 1
	for i, c := range tableColumns {
		w := room*c.share/100 - 2
		if i == len(tableColumns)-1 {
			w += 2
		}
		lines[i] = wrap(cells[i].text, w, w)
		rows = max(rows, len(lines[i]))
	}
	for r := range rows {
		var out strings.Builder
		out.WriteString(s.paint(faint, lead))
		gap := 0
		for i, c := range tableColumns {
			text := ""
			if r < len(lines[i]) {
				text = lines[i][r]
			}
			if text != "" {
				out.WriteString(strings.Repeat(" ", gap) + s.paint(cells[i].style, text))
				gap = 0
			}
			gap += room*c.share/100 - columns(text)
		}
		b.WriteString(strings.TrimRight(out.String(), " ") + "\n")
		lead = strings.Repeat(" ", len(lead))
	}
}
