package render

import (
	"fmt"
	"strings"

	"github.com/rollcall-iot/rollcall/capture"
)

// Used draws which lines of a capture were taken for what, and which were left out.
func (s Screen) Used(used []capture.Used) string {
	var b strings.Builder
	last := 0
	for _, u := range used {
		number := ""
		if u.Line != last {
			number = fmt.Sprint(u.Line)
		}
		last = u.Line
		as, st := string(u.As), plain
		remark := ""
		if u.As == capture.UseNone {
			st, remark = faint, u.Why
		}
		lead := fmt.Sprintf("%5s  %-11s", number, as)
		if s.width() < cardWidth {
			lead = fmt.Sprintf("%4s ", number)
			remark = as
		}
		s.pair(&b, lead, cut(field(u.Text), s.width()*2), st, remark, faint)
	}
	return b.String()
}
