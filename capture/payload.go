package capture

import (
	"encoding/hex"
	"strings"
)

// eol matches the ways in which logs write CR and LF. ^M counts only where a line ends:
// elsewhere it begins a command (^MEID) or an answer (^MODE).
var eol = pattern(`(?i:<CR>|<LF>|<LN>|\[CR\]|\[LF\]|\{0[DA]\}|\\x0[da])|\\r|\\n|␍|␊|(?:\^M)+\^J|(?:\^M)+$|\^J$`)

// spoken is what a payload says: lists undone, ends of line as LF, hex read, and quotes
// taken off where the log has them everywhere. chunk says that it was quoted with its
// ends of line written out, so that what has no end goes on in the next one.
func spoken(payload string, quoted bool) (text string, chunk bool) {
	text = strings.TrimSpace(payload)
	if b, ok := hexdump(text); ok && printableHex(b) {
		return strings.ReplaceAll(string(b), "\r", "\n"), true
	}
	if items, ok := list(text); ok {
		return strings.Join(items, "\n") + "\n", false
	}
	inner := text
	if quoted || pythonBytes(text) {
		inner = unquote(text)
	}
	if in, ok := bracketed(inner); ok {
		inner = in
	}
	chunk = inner != text || text == "''" || text == `""`
	marked := eol().MatchString(inner)
	return eol().ReplaceAllString(inner, "\n"), chunk && marked
}

// unquote takes one pair of quotes off, also those of a byte string in Python.
func unquote(s string) string {
	s = strings.TrimSpace(s)
	if q := strings.TrimPrefix(s, "b"); len(q) >= 2 && (q[0] == '\'' || q[0] == '"') && q[len(q)-1] == q[0] {
		return q[1 : len(q)-1]
	}
	return s
}

// bracketed takes the brackets off that gnokii puts around what it writes and reads, whose ends of line it writes out.
func bracketed(s string) (inner string, ok bool) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return s, false
	}
	inner = s[1 : len(s)-1]
	return inner, eol().MatchString(inner)
}

// pythonBytes: a byte string as Python prints it, which nothing else looks like.
func pythonBytes(s string) bool {
	return len(s) > 2 && s[0] == 'b' && (s[1] == '\'' || s[1] == '"') && s[len(s)-1] == s[1]
}

// listItem matches one item of a list in Python: 'Quectel', "OK", b'OK'.
var listItem = pattern(`^\s*b?(?:'([^']*)'|"([^"]*)")\s*(?:,|$)`)

func list(s string) (items []string, ok bool) {
	if len(s) < 2 || s[0] != '[' || s[len(s)-1] != ']' {
		return nil, false
	}
	for s = strings.TrimSpace(s[1 : len(s)-1]); s != ""; {
		m := listItem().FindStringSubmatch(s)
		if m == nil {
			return nil, false
		}
		items = append(items, eol().ReplaceAllString(m[1]+m[2], "\n"))
		s = s[len(m[0]):]
	}
	return items, len(items) > 0
}

// dump matches a line of a hex dump: an address, pairs of digits, the text in bars.
var dump = pattern(`(?i)^\s*(?:0x[0-9a-f]{4,16}:?\s+|[0-9a-f]{4,8}:\s+)?((?:[0-9a-f]{2}(?:\s{1,2}|$)){2,})\s*(?:\|.*)?$`)

// rangeDump matches one with the addresses of both ends before it and the text set apart behind it, as RT-Thread writes it.
var rangeDump = pattern(`^(?i:[0-9a-f]{4}-[0-9a-f]{4}): ((?i:(?:[0-9a-f]{2} {1,2}){1,32}))(?: .*)?$`)

func hexdump(s string) ([]byte, bool) {
	m := dump().FindStringSubmatch(s)
	if m == nil && len(s) > 9 && s[4] == '-' && s[9] == ':' {
		m = rangeDump().FindStringSubmatch(s + " ")
	}
	if m == nil {
		return nil, false
	}
	b, err := hex.DecodeString(strings.Join(strings.Fields(m[1]), ""))
	return b, err == nil
}

// printableHex says whether b is text as modems send it, so that a line of digits such
// as "12 34" is not taken for a dump.
func printableHex(b []byte) bool {
	for _, c := range b {
		if c < 0x20 && c != '\r' && c != '\n' && c != '\t' || c == 0x7f {
			return false
		}
	}
	return len(b) > 0
}

// gammuDump reads a line of gammu's dumps: each byte as two digits and its character,
// "41A|54T|0D ".
func gammuDump(s string) ([]byte, bool) {
	var b []byte
	for i := 0; i+2 <= len(s) && len(b) < 16; i += 4 {
		c, err := hex.DecodeString(s[i : i+2])
		if err != nil {
			break
		}
		b = append(b, c[0])
		if i+3 >= len(s) || s[i+3] != '|' {
			return b, i+3 >= len(s) || s[i+3] == ' '
		}
	}
	return b, len(b) == 16
}

func firstLine(s string) string {
	s = strings.TrimLeft(s, "\r\n \t")
	if i := strings.IndexAny(s, "\r\n"); i >= 0 {
		s = s[:i]
	}
	return strings.TrimSpace(s)
}
