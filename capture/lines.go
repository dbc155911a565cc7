package capture

import (
	"bytes"
	"slices"
	"strings"
)

// logged is a physical line with its header taken off.
type logged struct {
	physical
	rest    string // without time stamp, level and program
	prog    string
	stamped bool
}

// traits are what a whole log has in common.
type traits struct {
	marking
	stamped bool // its lines carry time stamps
	gammu   bool
	chat    bool
	dialer  bool
	socat   bool
	joined  bool // the lines of an answer stand in one
	cut     bool // dumps show no ends of line: each ends one
}

var (
	gammuFrame = pattern(`^(SENDING|RECEIVED) frame ?type 0x`)
	gammuLine  = pattern(`^\d{1,3} "(.*)"\s*$`)
	gammuTag   = pattern(`^(?:gammu: )`)
	chatSend   = pattern(`^send \((.*)\)$`)
	chatOwn    = pattern(`^\s*(?:expect \(|abort on \(|report \(|timeout set to|say \(|-- (?:got it|failed|read)|alarm$|clear |SIG[A-Z]+|Script |Failed|Exit\.?)`)
	dialerOwn  = pattern(`^--> (?:(Sending): (.*)|.*)$`)
	dialerConf = pattern(`^(tty\w+|Port Scan|WvModem)<[^>]{1,12}>: (?:(?:Modem Identifier: )?(AT.*?) --? (.*)|.*)$`)
	mailQuote  = pattern(`^\s*(?:>\s?)+`)
)

// prepare takes the headers off and learns what the log has in common.
func prepare(lines []physical) ([]logged, traits) {
	lines = breakDumps(lines)
	unquoteMail(lines)
	var t traits
	shapes := stampShapes(lines)
	t.stamped = len(shapes) > 0 || slices.ContainsFunc(lines, func(p physical) bool { return loggers().MatchString(p.text) })
	arrow := arduino(lines, shapes)
	out := make([]logged, len(lines))
	for i, p := range lines {
		l := logged{physical: p, rest: strings.TrimSpace(p.text)}
		rest, ok := stamped(p.text)
		common := ok && shapes[shape(p.text[:len(p.text)-len(rest)])]
		if ok && arrow {
			rest = arduinoArrow().ReplaceAllString(rest, "")
		}
		if common || loggers().MatchString(p.text) || ok && telling(rest) {
			l.stamped = true
			l.rest, l.prog = header(strings.TrimLeft(rest, " \t"))
		}
		l.rest = gammuTag().ReplaceAllString(l.rest, "")
		t.learnTool(l.rest)
		out[i] = l
	}
	t.marking = learn(out)
	t.cut = !dumpsEnds(out)
	return out, t
}

// telling says that what stands behind a single time is a dialogue beyond doubt.
func telling(rest string) bool {
	rest, _ = header(strings.TrimLeft(rest, " \t"))
	return isCommand(rest) || len(findMarks(rest)) > 0
}

// dumpsEnds says whether hex dumps of this log show CR or LF.
func dumpsEnds(lines []logged) bool {
	return slices.ContainsFunc(lines, func(l logged) bool {
		b, ok := hexdump(l.rest)
		return ok && bytes.ContainsAny(b, "\r\n")
	})
}

// learnTool notes which program wrote the log, by lines that no other writes.
func (t *traits) learnTool(s string) {
	t.gammu = t.gammu || gammuFrame().MatchString(s)
	t.chat = t.chat || chatSend().MatchString(s)
	t.socat = t.socat || strings.Contains(s, " length=") && socatBegins(s) == 0
	t.joined = t.joined || strings.Contains(s, joinedLog)
	t.dialer = t.dialer || strings.HasPrefix(s, "--> Sending: ") || strings.HasPrefix(s, "--> WvDial")
}

// stampShapes gives the forms in which the lines of a log are stamped: those that many
// lines have. A line that happens to begin with a time has another form.
func stampShapes(lines []physical) map[string]bool {
	counts := map[string]int{}
	stampedLines, most := 0, 0
	for _, p := range lines {
		rest, ok := stamped(p.text)
		if !ok && !loggers().MatchString(p.text) {
			continue
		}
		stampedLines++
		if ok {
			s := shape(p.text[:len(p.text)-len(rest)])
			counts[s]++
			most = max(most, counts[s])
		}
	}
	shapes := map[string]bool{}
	for s, n := range counts {
		if n >= 2 && n*4 >= most && stampedLines*4 >= len(lines) {
			shapes[s] = true
		}
	}
	return shapes
}

// arduino says whether "->" after the time belongs to the time.
func arduino(lines []physical, shapes map[string]bool) bool {
	right, all := 0, 0
	for _, p := range lines {
		rest, ok := stamped(p.text)
		if !ok || !shapes[shape(p.text[:len(p.text)-len(rest)])] {
			continue
		}
		all++
		if arduinoArrow().MatchString(rest) {
			right++
		}
	}
	return all > 0 && right == all
}

// unquoteMail takes off the quote marks of a mail or a forum, where all lines have them.
func unquoteMail(lines []physical) {
	for _, p := range lines {
		if !mailQuote().MatchString(p.text) {
			return
		}
	}
	for i, p := range lines {
		lines[i].text = mailQuote().ReplaceAllString(p.text, "")
	}
}
