package render

import (
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Head draws the line above all modules.
func (s Screen) Head(parts ...string) string {
	for i, p := range parts {
		parts[i] = field(p)
	}
	var b strings.Builder
	s.hang(&b, "", join(" · ", parts...), plain)
	return b.String() + "\n"
}

// Count counts things in words.
func Count(n int, thing string) string { return strings.ReplaceAll(count(n, thing), noBreak, " ") }

// Summary counts what was drawn.
type Summary struct {
	Identified, Open, Other, Findings int
}

// Add counts one module.
func (t *Summary) Add(it Item) {
	switch it.Module.State {
	case inventory.StateIdentified:
		t.Identified++
	case inventory.StateNotCellular:
		t.Other++
	default:
		t.Open++
	}
	for _, f := range it.Findings {
		if !f.Covered {
			t.Findings++
		}
	}
}

// Foot draws the line below all modules. why is the command that explains.
func (s Screen) Foot(t Summary, why string) string {
	counts := join(", ", some(t.Identified, "identified"), some(t.Open, "open"), some(t.Other, "not cellular"))
	findings := ""
	if t.Findings > 0 {
		findings = count(t.Findings, "finding")
	}
	var b strings.Builder
	s.hang(&b, "", join(" · ", counts, findings, labelled("why?", field(why))), plain)
	return b.String()
}

func some(n int, what string) string {
	if n == 0 {
		return ""
	}
	return fmt.Sprintf("%d %s", n, what)
}

// Note draws a remark that belongs to no module.
func (s Screen) Note(text string) string {
	var b strings.Builder
	s.hang(&b, "", field(text), faint)
	return b.String()
}

// Gone draws a module that is there no more.
func (s Screen) Gone(m inventory.Module) string {
	where := place(m.Device)
	for _, p := range m.Ports {
		if where == "" {
			where = port(p.Path)
		}
	}
	var b strings.Builder
	s.hangMarked(&b, "-  ", faint, join(", ", s.title(m)+" is gone", where), plain)
	return b.String() + "\n"
}

// Message draws text that a program says about itself, line by line, behind its name.
func (s Screen) Message(program, text string) string {
	var b strings.Builder
	lead := program + ": "
	for line := range strings.Lines(text) {
		s.lines(&b, lead, plain, 2, field(line), plain)
		lead = "  "
	}
	return b.String()
}
