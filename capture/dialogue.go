package capture

import (
	"strings"
	"unicode"
	"unicode/utf8"

	"github.com/rollcall-iot/rollcall/inventory"
)

// exchange is one exchange with the lines that it was read from.
type exchange struct {
	inventory.Exchange
	used []Used
	done bool
}

// channel is the dialogue on one port, as one log shows it.
type channel struct {
	name      string
	exchanges []*exchange
	banner    []string
	bannerAt  []Used
	left      []Used
	open      *exchange
	last      direction // of the last line that was not left out
	partial   [2]piece  // what was sent and what came, up to an end of line that is still to come
}

type piece struct {
	text string
	line int
}

// converse puts the events of each channel together.
func converse(events []event) []*channel {
	var order []*channel
	byName := map[string]*channel{}
	for _, e := range events {
		c := byName[e.channel]
		if c == nil {
			c = &channel{name: e.channel}
			byName[e.channel] = c
			order = append(order, c)
		}
		c.take(e)
	}
	for _, c := range order {
		c.flush(0)
		c.flush(1)
	}
	return order
}

func (c *channel) take(e event) {
	switch e.dir {
	case note, stop:
		if e.dir == stop {
			c.flush(0)
			c.flush(1)
			c.close()
		}
		c.leave(e.line, e.text, e.why)
	case cut:
		c.flush(0)
		c.flush(1)
	case to:
		c.flush(1)
		c.stream(0, e)
		c.last = to
	case from:
		c.flush(0)
		c.stream(1, e)
		c.last = from
	case raw:
		c.flush(0)
		c.flush(1)
		c.guess(e)
	}
}

// stream cuts what was sent (side 0) or came (side 1) into lines. Chunks are put
// together first; other events are whole lines.
func (c *channel) stream(side int, e event) {
	text := e.text
	if p := &c.partial[side]; e.chunk {
		if p.text == "" {
			p.line = e.line
		}
		if p.text += text; len(p.text) > 64<<10 {
			c.flush(side)
			return
		}
		i := strings.LastIndexByte(p.text, '\n')
		if i < 0 {
			return // it began in the line that p names
		}
		text, p.text = p.text[:i+1], p.text[i+1:]
		e.line, p.line = p.line, e.line
	} else {
		c.flush(side)
	}
	for line := range strings.SplitSeq(text, "\n") {
		c.say(side, line, e.line)
	}
}

func (c *channel) flush(side int) {
	p := c.partial[side]
	c.partial[side] = piece{}
	c.say(side, p.text, p.line)
}

func (c *channel) say(side int, text string, line int) {
	text = tidy(text)
	switch {
	case text == "":
	case side == 0:
		c.command(text, line)
	default:
		c.answer(text, line, true)
	}
}

// tidy drops blanks around a line, NULs and what is over the limit.
func tidy(s string) string {
	s = strings.Trim(s, " \t\x00\u00a0□")
	if len(s) <= maxAnswerLine {
		return s
	}
	for s = s[:maxAnswerLine]; len(s) > 0; s = s[:len(s)-1] {
		if r, n := utf8.DecodeLastRuneInString(s); r != utf8.RuneError || n > 1 {
			break
		}
	}
	return s
}

// guess reads an event without a mark: a command, or what follows one.
func (c *channel) guess(e event) {
	for text := range strings.SplitSeq(e.text, "\n") {
		text = tidy(text)
		half, doubled := undouble(text)
		switch {
		case text == "":
		case isCommand(text) && !c.asked(text):
			c.command(text, e.line)
		case doubled && isCommand(half):
			c.command(half, e.line)
		case e.strict || e.loose && c.last != from:
			c.leave(e.line, text, whyLogger)
		case c.open != nil && !c.open.done && (prose(text) || e.gap && len(c.open.Lines) > 0 && sentence(text)):
			c.close()
			c.leave(e.line, text, "reads like a remark")
		default:
			c.answer(text, e.line, false)
		}
	}
}

// asked: what looks like a command may be the answer to one: a list of commands, or the
// value behind the name that was asked for (AT+VER=? gives AT+VER=…).
func (c *channel) asked(text string) bool {
	o := c.open
	if o == nil || o.done {
		return false
	}
	name, test := strings.CutSuffix(strings.ToUpper(o.Cmd), "=?")
	return strings.HasPrefix(commandBody(o.Cmd), "+CLAC") || test && strings.HasPrefix(strings.ToUpper(text), name+"=")
}

func (c *channel) command(text string, line int) {
	if o := c.open; o != nil && !o.done && len(o.Lines) == 0 && strings.EqualFold(o.Cmd, text) {
		o.used = append(o.used, Used{Line: line, Text: text, As: UseEcho, Of: o.Cmd})
		return
	}
	if len(c.exchanges) >= maxExchanges {
		c.open = nil
		c.leave(line, text, whyLimit)
		return
	}
	c.open = &exchange{Exchange: inventory.Exchange{Cmd: text}, used: []Used{{Line: line, Text: text, As: UseCommand, Of: text}}}
	c.exchanges = append(c.exchanges, c.open)
}

// answer takes a line that came, or that probably came, from the modem.
func (c *channel) answer(text string, line int, marked bool) {
	o := c.open
	switch half, doubled := undouble(text); {
	case o == nil || o.done:
		c.unasked(text, line, marked)
	case len(o.Lines) == 0 && (strings.EqualFold(text, o.Cmd) || doubled && strings.EqualFold(half, o.Cmd)):
		o.used = append(o.used, Used{Line: line, Text: text, As: UseEcho, Of: o.Cmd})
	case isFinal(text):
		o.Final, o.done = text, true
		o.used = append(o.used, Used{Line: line, Text: text, As: UseFinal, Of: o.Cmd})
	case len(o.Lines) >= maxAnswer:
		c.leave(line, text, "beyond the limit of one answer")
	default:
		o.Lines = append(o.Lines, text)
		o.used = append(o.used, Used{Line: line, Text: text, As: UseAnswer, Of: o.Cmd})
	}
}

// unsolicited matches what modems send unasked: result codes of 27.007 and makers' own,
// NMEA sentences, and the words with which they boot.
var unsolicited = pattern(`^(?:[+^%#*!&$_][A-Z][A-Z0-9_]{1,15}\s?[:,].*|\$G[A-Z]{4},.*|(?:\*?[A-Z]{2,6} )?(?:RDY|READY|DONE)|(?:APP|SMS|Call|PB|GPS|SIM|MODEM)[ :].{0,20}|RING|NORMAL POWER DOWN|POWERED DOWN)$`)

func (c *channel) unasked(text string, line int, marked bool) {
	switch {
	case isCommand(text) && marked:
		c.command(text, line)
	case len(c.banner) < maxBanner && (marked && !isFinal(text) || unsolicited().MatchString(text)):
		c.banner = append(c.banner, text)
		c.bannerAt = append(c.bannerAt, Used{Line: line, Text: text, As: UseUnasked})
	default:
		c.leave(line, text, whyOutside)
	}
}

func (c *channel) leave(line int, text, why string) {
	if why != "" {
		c.left = append(c.left, Used{Line: line, Text: text, As: UseNone, Why: why})
	}
}

func (c *channel) close() {
	if c.open != nil {
		c.open.done = true
	}
}

// prose says whether s reads like a remark of a person rather than like an answer.
func prose(s string) bool { return lowerWords(s) >= 4 && len(strings.Fields(s)) >= 6 && !labelled(s) }

// sentence says the same of a line that stands apart from the answer above it.
func sentence(s string) bool {
	return lowerWords(s) >= 2 && strings.ContainsAny(s[len(s)-1:], ".!?:,") && !labelled(s)
}

func labelled(s string) bool {
	label, _, ok := strings.Cut(s, ":")
	return ok && len(strings.Fields(label)) <= 2 && label != s[:len(s)-1]
}

func lowerWords(s string) int {
	n := 0
	for w := range strings.FieldsSeq(s) {
		if strings.IndexFunc(strings.TrimRight(w, ".,!?;:"), func(r rune) bool { return !unicode.IsLower(r) && r != '\'' }) < 0 {
			n++
		}
	}
	return n
}
