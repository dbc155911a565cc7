package capture

import (
	"strconv"
	"strings"
)

// countedHead matches a line that says how many bytes follow in it, as mbed OS logs what it sends and receives in pieces
// as they come: "AT RX ( 2): OK".
var countedHead = pattern(`(?:^|[\s:\]])AT (TX|RX) ?\( *(\d{1,5})\): (.*)$`)

// countedLine reads such a piece. Only one that has as many bytes as it says is believed.
func (r *reader) countedLine(l logged) bool {
	if !strings.Contains(l.text, "):") {
		return false
	}
	m := countedHead().FindStringSubmatch(l.text)
	if m == nil {
		return false
	}
	text := eol().ReplaceAllString(m[3], "\n")
	if n, err := strconv.Atoi(m[2]); err != nil || len(text) != n {
		return false
	}
	dir := from
	if m[1] == "TX" {
		dir = to
	}
	r.events = append(r.events, event{dir: dir, text: text, line: l.number, channel: r.channel, chunk: true})
	return true
}
