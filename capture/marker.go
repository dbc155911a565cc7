package capture

import (
	"strings"
)

// direction says who spoke.
type direction int

const (
	raw  direction = iota // no mark
	to                    // to the modem
	from                  // from the modem
	stop                  // ends an answer: a prompt, an end of session
	cut                   // ends a line that was dumped without its end
	note                  // of the program that logged, never of the modem
)

// Marks of direction. Arrows point to the modem or away from it; words come in pairs.
// A word may belong to several pairs (write … response).
var (
	arrows = map[string]int{">": 0, "<": 1}
	glyphs = map[string]int{"→": 0, "⇒": 0, "»": 0, "←": 1, "⇐": 1, "«": 1}
	words  = func() map[string]word {
		m := map[string]word{}
		add := func(group uint, side int, names string) {
			for n := range strings.FieldsSeq(names) {
				w := m[n]
				w.groups |= 1 << group
				w.side = side
				m[n] = w
			}
		}
		add(0, 0, "tx txd")
		add(0, 1, "rx rxd")
		add(1, 0, "send sent sending snd sendline")
		add(1, 1, "recv recvline received rcvd rcv receive receiving received_command response resp reply answer")
		add(2, 0, "write writing wrote written")
		add(2, 1, "read reading response resp reply answer")
		add(3, 0, "request req command cmd query")
		add(3, 1, "response resp rsp reply answer result")
		add(4, 0, "out output")
		add(4, 1, "in input")
		add(5, 0, "dte host")
		add(5, 1, "dce modem module")
		add(6, 0, "t")
		add(6, 1, "f")
		add(7, 0, "w")
		add(7, 1, "r")
		return m
	}()
)

type word struct {
	groups uint
	side   int
}

// mark is a mark of direction found in a line, before it is known whether the whole
// log uses it so.
type mark struct {
	groups  uint // which pairs
	side    int  // 0: names the way to the modem, 1: the way from it
	tag     string
	payload string
}

// Pairs beside those of words. Arrows of different lengths are different pairs.
const (
	groupGlyphs = 1 << (iota + 24)
	groupSingle // >
	groupLong   // >>
	groupDashed // -->
	groupRadio  // AT>
	groupEnd
)

var (
	arrowMark = pattern(`^([-=]{0,2}|[–—])(>{1,5}|<{1,5})([-=]{0,2}|[–—])(?:\s+(.*)|(['"].*|b['"].*|(?i:AT).*)|$)$`)
	glyphMark = pattern(`^(?:\p{Han}{1,2})?([→←⇒⇐»«])[◇◆]?\s*(.*?)□?\s*$`)
	wordMark  = pattern(`(?i)^(?:={2,}\s*|[\[<(](?:\w+ )?)?(?:\w*_log_)?([a-z]{1,9}(?:_command)?)(?: (?:data|bytes?|line))?(?:\s?[(\[] *\d+[)\]]|@\d+)?(?:[\])>]\s?:?|\s*(?:[:>|=]+|->|=>|<-|<=)|\s*={2,}|$)\s*(.*)$`)
	radioMark = pattern(`(?:^|[\s:])AT(?:\(\d{1,3}\))?([<>]) ?(.*)$`)
)

// findMarks looks for marks of direction in a line whose header is off: at its
// beginning, and behind what a logger writes there. The last is the nearest to the text.
func findMarks(s string) (found []mark) {
	if len(s) > maxAnswerLine {
		return nil
	}
	if strings.Contains(s, "AT>") || strings.Contains(s, "AT<") || strings.Contains(s, "AT(") {
		if m := radioMark().FindStringSubmatch(s); m != nil {
			return []mark{{groups: groupRadio, side: arrows[m[1]], payload: m[2]}}
		}
	}
	for i, n := 0, 0; i >= 0 && i < len(s) && n < 7; i, n = tag(s, i), n+1 {
		if k, ok := markAt(s[i:]); ok {
			k.tag = s[:i]
			found = append(found, k)
		}
	}
	return found
}

func markAt(s string) (mark, bool) {
	switch c := s[0]; {
	case c == '<' || c == '>' || c == '-' || c == '=' || strings.HasPrefix(s, "–") || strings.HasPrefix(s, "—"):
		if m := arrowMark().FindStringSubmatch(s); m != nil && (m[1] == "" || m[3] == "" || m[1] == m[3]) {
			k := mark{groups: groupSingle, side: arrows[m[2][:1]], payload: m[4] + m[5]}
			switch {
			case m[1]+m[3] != "":
				k.groups = groupDashed
			case len(m[2]) > 1:
				k.groups = groupLong
			}
			return k, true
		}
	case c >= 0x80:
		if m := glyphMark().FindStringSubmatch(s); m != nil {
			return mark{groups: groupGlyphs, side: glyphs[m[1]], payload: m[2]}, true
		}
		return mark{}, false
	}
	if m := wordMark().FindStringSubmatch(s); m != nil {
		if w, ok := words[strings.ToLower(m[1])]; ok {
			return mark{groups: w.groups, side: w.side, payload: m[2]}, true
		}
	}
	return mark{}, false
}

// tag returns where the tag at i ends, and -1 where none stands there. A tag is what a
// logger writes before a mark: "[ttyUSB2/at]", "(ttyUSB2):", "debug_log():", "modem".
func tag(s string, i int) int {
	const longest = 60
	j := i
	switch c := s[i]; {
	case c == '[' || c == '(':
		n := strings.IndexByte(s[i:min(len(s), i+longest)], closing(c))
		if n < 0 {
			return -1
		}
		j = i + n + 1
	default:
		for j < len(s) && j-i < longest && tagByte(s[j]) {
			j++
		}
		if j == i {
			return -1
		}
		if strings.HasPrefix(s[j:], "()") {
			j += 2
		}
		if j < len(s) && s[j] != ' ' && s[j] != ':' {
			return -1
		}
	}
	for j < len(s) && (s[j] == ' ' || s[j] == ':' || s[j] == '\t') {
		j++
	}
	return j
}

func closing(c byte) byte {
	if c == '(' {
		return ')'
	}
	return ']'
}

func tagByte(c byte) bool {
	return c >= 'a' && c <= 'z' || c >= 'A' && c <= 'Z' || c >= '0' && c <= '9' || strings.IndexByte("_.@/-", c) >= 0
}

// marking says which marks one log uses, and which way they point.
type marking struct {
	active   uint // pairs with commands on one side
	reversed uint // pairs whose names are the modem's own: RX is the way to it
	both     bool // answers are marked too
	chunks   bool // payloads are pieces of the stream, with ends of line written out
	quoted   bool // all payloads are in quotes
	named    bool // the tags before the marks name the channels: both sides have the same, and several
	stamps   bool // all marked lines are stamped: a line without a stamp goes on
}

// learn counts where the commands stand: a pair of marks is one of direction only when
// most of what one side says are AT commands. To a mark that stands alone belongs what
// the next line says.
func learn(lines []logged) marking {
	said, commands := map[uint]*[2]int{}, map[uint]*[2]int{}
	var m marking
	for i, l := range lines {
		for _, k := range findMarks(l.rest) {
			if strings.TrimSpace(k.payload) == "" && i+1 < len(lines) {
				k.payload = lines[i+1].rest
			}
			text, chunk := spoken(k.payload, true)
			m.chunks = m.chunks || chunk
			for bit := uint(1); bit < groupEnd; bit <<= 1 {
				if k.groups&bit == 0 {
					continue
				}
				if said[bit] == nil {
					said[bit], commands[bit] = &[2]int{}, &[2]int{}
				}
				if strings.TrimSpace(text) != "" {
					said[bit][k.side]++
				}
				if isCommand(firstLine(text)) {
					commands[bit][k.side]++
				}
			}
		}
	}
	for bit, n := range said {
		m.decide(bit, *n, *commands[bit])
	}
	m.uniform(lines)
	return m
}

// uniform notes what all marked lines have in common.
func (m *marking) uniform(lines []logged) {
	m.quoted, m.stamps = true, m.active != 0
	tags := map[string]direction{}
	for _, l := range lines {
		k, dir, ok := m.find(l.rest)
		if !ok {
			continue
		}
		tags[k.name()] |= 1 << dir
		m.stamps = m.stamps && l.stamped
		payload := strings.TrimSpace(k.payload)
		_, isList := list(payload)
		m.quoted = m.quoted && (payload == "" || isList || unquote(payload) != payload)
	}
	m.named = len(tags) > 1
	for name, sides := range tags {
		m.named = m.named && name != "" && sides == 1<<to|1<<from
	}
}

// name is the tag before a mark where that is one word.
func (k mark) name() string {
	name := strings.TrimRight(k.tag, ": \t")
	if strings.ContainsAny(name, " \t[](),:") {
		return ""
	}
	return name
}

// decide says which side of a pair speaks to the modem, if any.
func (m *marking) decide(bit uint, said, commands [2]int) {
	side := 0
	if commands[1]*said[0] > commands[0]*said[1] {
		side = 1
	}
	if commands[side] > 0 && commands[side]*2 >= said[side] {
		m.active |= bit
		m.both = m.both || said[1-side] > 0
		if side == 1 {
			m.reversed |= bit
		}
	}
}

// find gives the mark of a line that this log uses, the nearest to the text.
func (m marking) find(s string) (k mark, d direction, ok bool) {
	found := findMarks(s)
	for i := len(found) - 1; i >= 0; i-- {
		k := found[i]
		groups := k.groups & m.active
		switch {
		case groups == 0:
		case (k.side == 0) != (groups&m.reversed != 0):
			return k, to, true
		default:
			return k, from, true
		}
	}
	return mark{}, raw, false
}
