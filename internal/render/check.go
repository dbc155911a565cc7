package render

import "strings"

// Check draws one thing that was looked at: a word for how it is, what it is, what was
// found, and below it what to do.
func (s Screen) Check(word, name, text, advice string) string {
	st := map[string]style{"ok": good, "warn": warn, "fail": bad}[word]
	const margin = 6
	var b strings.Builder
	lead := s.paint(st, pad(field(word), margin))
	for _, l := range wrap(field(name)+": "+field(text), s.width()-margin, s.width()-margin) {
		b.WriteString(lead + l + "\n")
		lead = strings.Repeat(" ", margin)
	}
	lead += "> "
	if advice == "" {
		return b.String()
	}
	for _, l := range wrap(field(advice), s.width()-margin-2, s.width()-margin-2) {
		b.WriteString(lead + l + "\n")
		lead = strings.Repeat(" ", margin+2)
	}
	return b.String()
}
