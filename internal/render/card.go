package render

import (
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// cell is one field of a card.
type cell struct {
	text  string
	style style
}

// Module draws one module: a card, or a row where the screen is wide enough.
func (s Screen) Module(it Item) string {
	var b strings.Builder
	switch w := s.width(); {
	case w >= rowWidth:
		s.row(&b, it)
	case w >= cardWidth:
		s.card(&b, it)
	default:
		s.stack(&b, it)
	}
	s.remarks(&b, it)
	return b.String()
}

// margin is where the fields of a card begin: behind the number.
func (it Item) margin() int {
	if it.Number > 999 {
		return len(strconv.Itoa(it.Number)) + 1
	}
	if it.Number > 99 {
		return 5
	}
	return 3
}

func (it Item) number() string {
	if it.Number == 0 {
		return ""
	}
	return strconv.Itoa(it.Number)
}

// card draws three lines of up to three columns.
func (s Screen) card(b *strings.Builder, it Item) {
	m, id := it.Module, it.Module.Identity
	right := max(21, s.width()/4)
	at := [3]int{it.margin(), 0, s.width() - right}
	at[1] = at[0] + (at[2]-at[0])*31/56
	title := cell{s.title(m), strong}
	s.columns(b, it.number(), at, [3]cell{title, {}, {join(" · ", field(id.Technology), origin(m)), plain}})
	s.columns(b, "", at, [3]cell{{labelled("firmware", field(id.Firmware)), plain}, {labelled("IMEI", field(id.IMEI)), plain}, {field(id.Chipset), faint}})
	s.columns(b, "", at, [3]cell{{whence(m), faint}, {}, {Certainty(m), certaintyStyle(m)}})
}

// columns draws one line of a card. A field that does not fit its column takes the room
// of the next one, which then stands in the line below.
func (s Screen) columns(b *strings.Builder, number string, at [3]int, cells [3]cell) {
	if cells[1].text != "" && columns(cells[0].text) > at[1]-at[0]-2 {
		s.columns(b, number, at, [3]cell{cells[0], {}, cells[2]})
		number, cells = "", [3]cell{cells[1]}
	}
	if cells[0].text == "" {
		cells[0], cells[1] = cells[1], cell{}
	}
	ends := [3]int{at[1], at[2], s.width() + 2}
	if cells[1].text == "" {
		ends[0] = at[2]
		if cells[2].text == "" {
			ends[0] = s.width() + 2
		}
	}
	var lines [3][]string
	rows := 0
	for i, c := range cells {
		if c.text != "" {
			lines[i] = wrap(c.text, ends[i]-at[i]-2, ends[i]-at[i]-2)
			rows = max(rows, len(lines[i]))
		}
	}
	for r := range rows {
		s.line(b, number, at, lines, r, cells)
		number = ""
	}
}

func (s Screen) line(b *strings.Builder, number string, at [3]int, lines [3][]string, r int, cells [3]cell) {
	var out strings.Builder
	out.WriteString(s.paint(faint, number))
	used := len(number)
	for i := range cells {
		if r >= len(lines[i]) || lines[i][r] == "" {
			continue
		}
		out.WriteString(strings.Repeat(" ", max(at[i]-used, 0)))
		out.WriteString(s.paint(cells[i].style, lines[i][r]))
		used = at[i] + columns(lines[i][r])
	}
	b.WriteString(strings.TrimRight(out.String(), " "))
	b.WriteByte('\n')
}

// stack draws each field on a line of its own.
func (s Screen) stack(b *strings.Builder, it Item) {
	m, id := it.Module, it.Module.Identity
	s.hangMarked(b, pad(it.number(), it.margin()), faint, s.title(m), strong)
	indent := strings.Repeat(" ", it.margin())
	for _, c := range []cell{
		{join(" · ", field(id.Technology), origin(m)), plain},
		{labelled("firmware", field(id.Firmware)), plain},
		{labelled("IMEI", field(id.IMEI)), plain},
		{field(id.Chipset), faint},
		{whence(m), faint},
		{Certainty(m), certaintyStyle(m)},
	} {
		s.hang(b, indent, c.text, c.style)
	}
}

// hang draws text behind lead, further lines two columns deeper.
func (s Screen) hang(b *strings.Builder, lead, text string, st style) {
	s.hangMarked(b, lead, plain, text, st)
}

func (s Screen) hangMarked(b *strings.Builder, lead string, mark style, text string, st style) {
	if text == "" {
		return
	}
	n := columns(lead)
	deeper := min(n+2, s.width()/2)
	for i, line := range wrap(text, s.width()-n, s.width()-deeper) {
		if i > 0 {
			lead, mark = strings.Repeat(" ", deeper), plain
		}
		b.WriteString(s.paint(mark, lead) + s.paint(st, line) + "\n")
	}
}

// remarks draws what is wrong and what to do, below card or row.
func (s Screen) remarks(b *strings.Builder, it Item) {
	indent := strings.Repeat(" ", it.margin())
	for _, c := range it.Module.Conflicts {
		s.hangMarked(b, indent+"! ", warn, field(c.Why), plain)
	}
	for _, f := range it.Findings {
		text, st := field(f.Text), plain
		if f.Covered {
			text, st = text+" (an exception covers this)", faint
		}
		s.hangMarked(b, indent+"! ", findingStyle(f), text, st)
	}
	for _, step := range steps(it.Module) {
		s.hangMarked(b, indent+"> ", strong, step, plain)
	}
}

func findingStyle(f Finding) style {
	switch {
	case f.Covered:
		return faint
	case f.Severity == "high" || f.Severity == "critical":
		return bad
	}
	return warn
}

// steps are what to do next: the reason of the module, and those of its ports that were
// to be asked and could not be.
func steps(m inventory.Module) []string {
	var steps []string
	add := func(reason string) {
		if reason = field(reason); reason != "" {
			for _, have := range steps {
				if strings.Contains(have, reason) {
					return
				}
			}
			steps = append(steps, reason)
		}
	}
	if m.State != inventory.StateIdentified {
		add(m.Reason)
	}
	for _, p := range m.Ports {
		switch p.State {
		case inventory.StateHeld, inventory.StateDenied, inventory.StateUnanswered:
			add(p.Reason)
		}
	}
	return steps
}
