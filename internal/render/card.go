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
func (it Item) margin() int { return max(len(strconv.Itoa(max(it.Number, it.Of)))+1, 3) }

func (it Item) number() string {
	if it.Number == 0 {
		return ""
	}
	return strconv.Itoa(it.Number)
}

// card draws two blocks of lines side by side: on the left what it is and how that is
// known, on the right its kind and how sure that is.
func (s Screen) card(b *strings.Builder, it Item) {
	m, id := it.Module, it.Module.Identity
	rightWidth := max(21, s.width()/4)
	leftWidth := s.width() - rightWidth - it.margin() - 2
	var left, right []cell
	left = appendWrapped(left, cell{s.title(m), strong}, leftWidth)
	left = append(left, beside(cell{labelled("firmware", field(id.Firmware)), plain}, cell{labelled("IMEI", field(id.IMEI)), plain}, leftWidth)...)
	left = appendWrapped(left, cell{whence(m), faint}, leftWidth)
	for _, c := range []cell{{field(id.Technology), plain}, {origin(m), plain}} {
		right = joinWrapped(right, c, rightWidth)
	}
	right = appendWrapped(right, cell{field(id.Chipset), faint}, rightWidth)
	right = appendWrapped(right, cell{Certainty(m), certaintyStyle(m)}, rightWidth)
	for r := range max(len(left), len(right)) {
		lead := strings.Repeat(" ", it.margin())
		if r == 0 {
			lead = s.paint(faint, pad(it.number(), it.margin()))
		}
		line := lead
		if r < len(left) {
			line += s.paint(left[r].style, left[r].text)
		}
		if r < len(right) {
			used := 0
			if r < len(left) {
				used = columns(left[r].text)
			}
			line += strings.Repeat(" ", leftWidth+2-used) + s.paint(right[r].style, right[r].text)
		}
		b.WriteString(strings.TrimRight(line, " ") + "\n")
	}
}

func appendWrapped(lines []cell, c cell, width int) []cell {
	if c.text == "" {
		return lines
	}
	for _, text := range wrap(c.text, width, width) {
		lines = append(lines, cell{text, c.style})
	}
	return lines
}

// joinWrapped puts c behind the last line where there is room, else below it.
func joinWrapped(lines []cell, c cell, width int) []cell {
	const dot = " · "
	if n := len(lines); n > 0 && c.text != "" && columns(lines[n-1].text)+columns(dot)+columns(c.text) <= width {
		lines[n-1].text += dot + c.text
		return lines
	}
	return appendWrapped(lines, c, width)
}

// beside puts two fields on one line where there is room, else below each other.
func beside(a, c cell, width int) []cell {
	second := max(width*31/56, columns(a.text)+2)
	if a.text == "" || c.text == "" || second+columns(c.text) > width {
		return appendWrapped(appendWrapped(nil, a, width), c, width)
	}
	return []cell{{pad(a.text, second) + c.text, a.style}}
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
	s.lines(b, lead, plain, min(columns(lead)+2, s.width()/2), text, st)
}

// hangMarked draws text behind a mark of its own style, further lines below the text.
func (s Screen) hangMarked(b *strings.Builder, lead string, mark style, text string, st style) {
	n := columns(lead)
	s.lines(b, lead, mark, min(n, s.width()/2), text, st)
}

func (s Screen) lines(b *strings.Builder, lead string, mark style, deeper int, text string, st style) {
	if text == "" {
		return
	}
	for i, line := range wrap(text, s.width()-columns(lead), s.width()-deeper) {
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
