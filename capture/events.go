package capture

import (
	"strings"
)

// event is one thing said: by whom, on which channel, in which line.
type event struct {
	dir     direction
	text    string
	line    int
	channel string
	why     string // for note and stop
	chunk   bool   // a piece of the stream that may end in the middle of a line
	strict  bool   // raw, and not to be believed to be of the modem
	loose   bool   // raw, and of the modem only if it goes on where a marked line ended
	gap     bool
}

// reader turns logged lines into events.
type reader struct {
	traits
	device  string    // the port that the shell named last
	channel string    // of the line before
	pending direction // of lines that follow an empty mark
	seen    bool      // gammu: numbered lines stood before the dump
	mmcli   bool      // inside the quotes of a response
	block   block     // socat: what is still to come
	bare    int       // the last line of a dump without marks
	tail    piece     // of a dump without marks: what came since the last end of line
	bracket direction // Asterisk: of the bracket that is open
	events  []event
}

func readEvents(lines []logged, t traits, skip map[int]bool) []event {
	r := &reader{traits: t}
	for _, l := range lines {
		if !skip[l.number] {
			r.line(l)
		}
	}
	if r.tail.text != "" {
		r.events = append(r.events, event{dir: raw, text: r.tail.text, line: r.tail.line, channel: r.channel})
	}
	return r.events
}

func (r *reader) add(l logged, dir direction, text string) {
	r.events = append(r.events, event{dir: dir, text: text, line: l.number, channel: r.channel, gap: l.gap})
}

func (r *reader) note(l logged, dir direction, why string) {
	r.events = append(r.events, event{dir: dir, text: l.rest, line: l.number, channel: r.channel, why: why})
}

// line reads one line: tools with a form of their own first, then marks, then what has
// no mark.
func (r *reader) line(l logged) {
	r.channel = r.device
	if l.prog != "" {
		r.channel = l.prog
	}
	for _, try := range []func(logged) bool{r.socatLine, r.gammuLine, r.bracketedLine, r.countedLine, r.chatLine, r.dialerLine, r.mmcliLine, r.markedLine, r.shell, r.pendingLine} {
		if try(l) {
			return
		}
	}
	r.rawLine(l)
}

// gammuLine reads the debug log of gammu: a dump of what is sent, the lines that came,
// numbered and quoted, and then a dump of the same.
func (r *reader) gammuLine(l logged) bool {
	if !r.gammu {
		return false
	}
	if m := gammuFrame().FindStringSubmatch(l.rest); m != nil {
		if m[1] == "SENDING" {
			r.pending, r.seen = to, false
		} else {
			r.pending = from
		}
		r.note(l, note, whyLogger)
		return true
	}
	if m := gammuLine().FindStringSubmatch(l.rest); m != nil {
		r.seen = true
		r.add(l, from, m[1])
		return true
	}
	if b, ok := gammuDump(l.rest); ok && r.pending != raw && (r.pending == to || !r.seen) {
		r.events = append(r.events, event{dir: r.pending, text: strings.ReplaceAll(string(b), "\r", "\n"), line: l.number, channel: r.channel, chunk: true})
		return true
	}
	r.note(l, note, whyLogger)
	return true
}

// chatLine reads what chat of pppd logs.
func (r *reader) chatLine(l logged) bool {
	if !r.chat {
		return false
	}
	if m := chatSend().FindStringSubmatch(l.rest); m != nil {
		r.add(l, to, eol().ReplaceAllString(m[1], ""))
		return true
	}
	if chatOwn().MatchString(l.rest) {
		r.note(l, note, whyLogger)
		return true
	}
	if strings.HasPrefix(l.prog, "chat[") || strings.Contains(l.rest, "^M") {
		r.add(l, from, eol().ReplaceAllString(l.rest, "\n"))
		return true
	}
	return false
}

// dialerLine reads what wvdial and wvdialconf print.
func (r *reader) dialerLine(l logged) bool {
	if m := dialerConf().FindStringSubmatch(l.rest); m != nil {
		r.channel, r.device = m[1], m[1]
		if m[2] == "" || !isCommand(m[2]) {
			r.note(l, stop, whyLogger)
			return true
		}
		r.add(l, to, m[2])
		r.add(l, from, m[3])
		return true
	}
	m := dialerOwn().FindStringSubmatch(l.rest)
	if m == nil || !r.dialer {
		return false
	}
	if m[1] != "" {
		r.add(l, to, m[2])
	} else {
		r.note(l, stop, whyLogger)
	}
	return true
}

// mmcliLine reads what mmcli prints for --command.
func (r *reader) mmcliLine(l logged) bool {
	text := l.rest
	if !r.mmcli {
		var ok bool
		if text, ok = strings.CutPrefix(text, "response: '"); !ok {
			return false
		}
	}
	inner, closed := strings.CutSuffix(strings.TrimRight(text, " "), "'")
	r.mmcli = !closed
	r.add(l, from, inner)
	if closed {
		r.note(l, stop, "")
	}
	return true
}

// markedLine reads a line with a mark of direction that this log uses.
func (r *reader) markedLine(l logged) bool {
	k, dir, ok := r.find(l.rest)
	if !ok {
		return false
	}
	if ch := channelOf(k.tag); ch != "" {
		r.channel = ch
	} else if r.named {
		r.channel = k.name()
	}
	text, chunk := spoken(k.payload, r.quoted)
	r.pending = raw
	if strings.TrimSpace(k.payload) == "" {
		r.pending = dir
		r.note(l, note, whyLogger)
		if r.cut {
			r.events = append(r.events, event{dir: cut, channel: r.channel})
		}
		return true
	}
	switch {
	case dir == to && !chunk:
		text = strings.TrimSpace(text)
	case r.joined && !chunk:
		text = apart(text)
	}
	chunk = chunk || r.chunks && r.quoted
	r.events = append(r.events, event{dir: dir, text: text, line: l.number, channel: r.channel, chunk: chunk})
	return true
}

// portName finds the name of a port in what a logger wrote before a mark.
var portName = pattern(`\b(?:tty[A-Za-z]+\d+|tty\d+|wwan\d+\w*|cdc-wdm\d+|COM\d+)\b`)

func channelOf(tag string) string { return portName().FindString(tag) }

// shell reads prompts and what terminal programs say for themselves.
func (r *reader) shell(l logged) bool {
	if statusLine().MatchString(l.rest) {
		r.note(l, note, whyTerminal)
		return true
	}
	if chatter().MatchString(strings.TrimSpace(l.rest)) {
		r.note(l, stop, whyTerminal)
		return true
	}
	command, device, ok := shellLine(l.rest)
	if !ok {
		return false
	}
	if device != "" {
		r.device, r.channel = device, device
	}
	if command == "" {
		r.note(l, stop, "of the shell")
		return true
	}
	r.add(l, to, command)
	return true
}

// pendingLine reads what follows a mark that stood alone.
func (r *reader) pendingLine(l logged) bool {
	if r.pending == raw || r.gammu {
		return false
	}
	if b, ok := hexdump(l.rest); ok && printableHex(b) {
		r.events = append(r.events, event{dir: r.pending, text: strings.ReplaceAll(string(b), "\r", "\n"), line: l.number, channel: r.channel, chunk: true})
		return true
	}
	if (!l.stamped || !r.stamped) && isCommand(l.rest) == (r.pending == to) {
		r.add(l, r.pending, l.rest)
		return true
	}
	return false
}

// dumpLine reads a hex dump that nothing marks: what is a command and ends like one was sent, or is its echo; the
// rest came.
func (r *reader) dumpLine(l logged) bool {
	b, ok := hexdump(l.rest)
	if !ok {
		return false
	}
	text, dir := string(b), from
	switch bar := strings.IndexByte(l.rest, '|'); {
	case bar > 0 && r.both: // of what marked lines say as well
		r.note(l, note, whyLogger)
		return true
	case !printableHex(b):
		return false
	case bar < 0:
		return r.bareDump(l, text)
	case !strings.HasSuffix(l.rest, "|"):
		return false
	case strings.HasSuffix(text, "\r") && isCommand(firstLine(text)):
		dir = to
	}
	r.events = append(r.events, event{dir: dir, text: strings.ReplaceAll(text, "\r", "\n"), line: l.number, channel: r.channel, chunk: true})
	return true
}

// bareDump reads a line of a dump that is nothing but digits: all that the terminal showed, in both directions. It needs
// an end of line in the first one, else it may be digits that somebody wrote.
func (r *reader) bareDump(l logged, text string) bool {
	if r.bare != l.number-1 && !strings.ContainsAny(text, "\r\n") {
		return false
	}
	r.bare = l.number
	for line := range strings.SplitAfterSeq(strings.ReplaceAll(text, "\r", "\n"), "\n") {
		if r.tail.text == "" {
			r.tail.line = l.number
		}
		if r.tail.text += line; strings.HasSuffix(line, "\n") || len(r.tail.text) > maxAnswerLine {
			r.events = append(r.events, event{dir: raw, text: r.tail.text, line: r.tail.line, channel: r.channel})
			r.tail = piece{}
		}
	}
	return true
}

// modemLog matches a line of the log that Windows keeps of a modem's answers.
var modemLog = pattern(`^(AT\S*) - (\S.*)$`)

// questionAnswer matches a command and its answer in one line, as people note them.
var questionAnswer = pattern(`^(?i)(AT[^\s:→]*(?: ?\? ?)?)\s*(?:→|-->|->|=>|==>|:)(?:\s+(\S.*))?$`)

// rawLine reads a line without a mark.
func (r *reader) rawLine(l logged) {
	m := questionAnswer().FindStringSubmatch(l.rest)
	if m == nil {
		m = modemLog().FindStringSubmatch(l.rest)
	}
	if m != nil && isCommand(m[1]) {
		r.add(l, to, m[1])
		if m[2] != "" {
			r.add(l, from, m[2])
		}
		return
	}
	if r.dumpLine(l) {
		return
	}
	text := l.rest
	if isCommand(text) {
		r.add(l, raw, text)
		return
	}
	if loc := eol().FindStringIndex(text); loc != nil {
		text = eol().ReplaceAllString(unquote(text), "\n")
	}
	r.events = append(r.events, event{dir: raw, text: text, line: l.number, channel: r.channel, gap: l.gap,
		strict: r.both && l.stamped, loose: r.both && !l.stamped && !r.stamps})
}
