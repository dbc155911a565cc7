package render

import (
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/capture"
)

// Used draws which lines of a capture were taken for what. Neighbours that were left out
// for the same reason stand together.
func (s Screen) Used(used []capture.Used) string {
	var b strings.Builder
	last := 0
	for i := 0; i < len(used); {
		u := used[i]
		n := 1
		for u.As == capture.UseNone && i+n < len(used) && used[i+n].As == capture.UseNone && used[i+n].Why == u.Why {
			n++
		}
		s.use(&b, used[i:i+n], u.Line == last)
		last = used[i+n-1].Line
		i += n
	}
	return b.String()
}

// use draws one use, or several lines that were left out together.
func (s Screen) use(b *strings.Builder, us []capture.Used, sameLine bool) {
	u, end := us[0], us[len(us)-1]
	number := fmt.Sprint(u.Line)
	if end.Line != u.Line {
		number += "–" + fmt.Sprint(end.Line)
	}
	if sameLine {
		number = ""
	}
	numbers, as := 9, 12
	if s.width() < cardWidth {
		numbers, as = 8, 9
	}
	lead := pad(number, numbers-1) + " " + pad(string(u.As), as-1) + " "
	text, st := field(u.Text), plain
	if u.As == capture.UseNone {
		text, st = field(u.Why), faint
		if room := s.width() - columns(text) - numbers - as - 3; len(us) == 1 && room >= 12 {
			text = cut(field(u.Text), room) + " (" + text + ")"
		}
	}
	s.lines(b, lead, plain, numbers+as, text, st)
}
