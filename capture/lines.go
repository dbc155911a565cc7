package capture

import (
	"bytes"
	"regexp"
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
	chunks  bool // payloads are pieces of the stream, with ends of line written out
	cut     bool // dumps show no ends of line: each ends one
}

var (
	gammuFrame = regexp.MustCompile(`^(SENDING|RECEIVED) frame ?type 0x`)
	gammuLine  = regexp.MustCompile(`^\d{1,3} "(.*)"\s*$`)
	gammuTag   = regexp.MustCompile(`^(?:gammu: )`)
	chatSend   = regexp.MustCompile(`^send \((.*)\)$`)
	chatOwn    = regexp.MustCompile(`^\s*(?:expect \(|abort on \(|report \(|timeout set to|say \(|-- (?:got it|failed|read)|alarm$|clear |SIG[A-Z]+|Script |Failed|Exit\.?)`)
	dialerOwn  = regexp.MustCompile(`^--> (?:(Sending): (.*)|.*)$`)
	dialerConf = regexp.MustCompile(`^(tty\w+|Port Scan|WvModem)<[^>]{1,12}>: (?:(?:Modem Identifier: )?(AT.*?) --? (.*)|.*)$`)
	mailQuote  = regexp.MustCompile(`^\s*(?:>\s?)+`)
)

// prepare takes the headers off and learns what the log has in common.
func prepare(lines []physical) ([]logged, traits) {
	unquoteMail(lines)
	var t traits
	t.stamped = mostlyStamped(lines)
	arrow := arduino(lines)
	out := make([]logged, len(lines))
	for i, p := range lines {
		l := logged{physical: p}
		l.rest, l.stamped = stamped(p.text)
		if l.stamped && arrow {
			l.rest = arduinoArrow.ReplaceAllString(l.rest, "")
		}
		rest, prog := header(strings.TrimLeft(l.rest, " \t"))
		if _, marked := findMark(rest); !l.stamped && prog == "" && !loggers.MatchString(p.text) ||
			l.stamped && !t.stamped && !marked && !isCommand(rest) {
			rest, prog, l.stamped = strings.TrimSpace(p.text), "", false
		}
		l.stamped = l.stamped || loggers.MatchString(p.text)
		l.rest, l.prog = gammuTag.ReplaceAllString(rest, ""), prog
		t.learnTool(l.rest)
		out[i] = l
	}
	marks := findMarks(out)
	t.marking = learn(marks)
	for _, k := range marks {
		if _, chunk := spoken(k.payload); chunk {
			t.chunks = true
		}
	}
	t.cut = !dumpsEnds(out)
	return out, t
}

// dumpsEnds says whether hex dumps of this log show CR or LF.
func dumpsEnds(lines []logged) bool {
	return slices.ContainsFunc(lines, func(l logged) bool {
		b, ok := hexdump(l.rest)
		return ok && bytes.ContainsAny(b, "\r\n")
	})
}

// findMarks finds the marks of direction. To a mark that stands alone belongs what the
// next line says.
func findMarks(lines []logged) (marks []mark) {
	for i, l := range lines {
		k, ok := findMark(l.rest)
		if !ok {
			continue
		}
		if strings.TrimSpace(k.payload) == "" && i+1 < len(lines) {
			k.payload = lines[i+1].rest
		}
		marks = append(marks, k)
	}
	return marks
}

// learnTool notes which program wrote the log, by lines that no other writes.
func (t *traits) learnTool(s string) {
	t.gammu = t.gammu || gammuFrame.MatchString(s)
	t.chat = t.chat || chatSend.MatchString(s)
	t.dialer = t.dialer || strings.HasPrefix(s, "--> Sending: ") || strings.HasPrefix(s, "--> WvDial")
}

func mostlyStamped(lines []physical) bool {
	n := 0
	for _, p := range lines {
		if _, ok := stamped(p.text); ok || loggers.MatchString(p.text) {
			n++
		}
	}
	return n >= 2 && n*4 >= len(lines)
}

// arduino says whether "->" after the time belongs to the time.
func arduino(lines []physical) bool {
	right, all := 0, 0
	for _, p := range lines {
		rest, ok := stamped(p.text)
		if !ok {
			continue
		}
		all++
		if arduinoArrow.MatchString(rest) {
			right++
		}
	}
	return all > 0 && right == all
}

// unquoteMail takes off the quote marks of a mail or a forum, where all lines have them.
func unquoteMail(lines []physical) {
	for _, p := range lines {
		if !mailQuote.MatchString(p.text) {
			return
		}
	}
	for i, p := range lines {
		lines[i].text = mailQuote.ReplaceAllString(p.text, "")
	}
}
