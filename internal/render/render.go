package render

import (
	"github.com/rollcall-iot/rollcall/inventory"
)

// Widths at which the layout changes.
const (
	DefaultWidth = 80
	minWidth     = 24
	cardWidth    = 60  // below it, fields stand below each other
	rowWidth     = 140 // from it on, a module is a row
)

// Screen is what is drawn on.
type Screen struct {
	// Width in columns. Zero: DefaultWidth.
	Width int
	// Color says whether escape sequences for colour may be used.
	Color bool
	// Name gives the name of a maker or brand for its slug. Nil, or an answer of "":
	// the slug itself.
	Name func(slug string) string
}

func (s Screen) width() int {
	if s.Width == 0 {
		return DefaultWidth
	}
	return max(s.Width, minWidth)
}

// Item is a module to be drawn.
type Item struct {
	// Number is how people refer to it. Zero: none is drawn.
	Number int
	// Of is the highest number on the screen, so that all begin in the same column. Zero: not known.
	Of     int
	Module inventory.Module
	// Findings are what a policy says about it.
	Findings []Finding
}

// Finding is one line that a policy adds to a module.
type Finding struct {
	// Severity is the policy's word for it ("high").
	Severity string
	Text     string
	// Rule is what found it, and Source the text that it relies on; they are drawn where a
	// module is explained.
	Rule, Source string
	// Covered says that an exception covers it.
	Covered bool
}
