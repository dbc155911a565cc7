package render

// style is how text looks beside what it says. The sixteen colours of the terminal's own
// palette suit dark and light alike; bright black and plain yellow, which do not, are
// left out.
type style string

const (
	plain  style = ""
	strong style = "1"
	faint  style = "2"
	good   style = "32"
	warn   style = "1;35"
	bad    style = "1;31"
)

func (s Screen) paint(st style, text string) string {
	if !s.Color || st == plain || text == "" {
		return text
	}
	return "\x1b[" + string(st) + "m" + text + "\x1b[0m"
}
