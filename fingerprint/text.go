package fingerprint

import (
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
)

func trim(s string) string { return strings.Trim(s, " \t\r\n\x00") }

// printable: ASCII without control bytes. Anything else can't be a name, model or revision
// (the replies' alphabet is that of V.250), and might be an escape for a terminal.
func printable(s string) bool {
	for i := range len(s) {
		if s[i] < 0x20 || s[i] > 0x7e {
			return false
		}
	}
	return true
}

// final: a final result code that stands among the information lines.
func final(s string) bool {
	return s == "OK" || s == "ERROR" || s == ">" || strings.HasPrefix(s, "+CME ERROR") || strings.HasPrefix(s, "+CMS ERROR")
}

// prefix takes the name of a command off the beginning ("+CGMM: EC25"): its name and the rest.
func prefix(s string) (key, rest string) {
	if len(s) < 4 || strings.IndexByte("+#^*%$!_&@", s[0]) < 0 {
		return "", s
	}
	for i := 1; i < len(s) && i < 16; i++ {
		switch c := s[i]; {
		case c == ':' && i > 2:
			return s[:i], trim(s[i+1:])
		case c >= 'A' && c <= 'Z' || i > 1 && c >= '0' && c <= '9':
		case c >= 'a' && c <= 'z':
			return smallPrefix(s)
		default:
			return "", s
		}
	}
	return "", s
}

// smallPrefix is prefix for what a program has put in small letters: its name comes in capitals.
func smallPrefix(s string) (key, rest string) {
	colon := strings.IndexByte(s[:min(len(s), 16)], ':')
	if colon < 3 || strings.Trim(s[1:colon], small+"0123456789") != "" {
		return "", s
	}
	return strings.ToUpper(s[:colon]), trim(s[colon+1:])
}

// longestLabel bounds a label; "manufacturer name" is 17. Before its colon programs put more blanks.
const (
	longestLabel = 24
	widestLabel  = 40
)

// label takes a known label off the beginning ("Model: EC25").
func (b *Base) label(s string) (*knowledge.Label, string) {
	colon := strings.IndexByte(s[:min(len(s), widestLabel)], ':')
	if colon < 0 && len(s) >= len("IMEI 12345678901234") && strings.EqualFold(s[:5], "IMEI ") && digits(trim(s[5:])) {
		return b.findLabel(s[:4]), trim(s[5:])
	}
	if eq := strings.IndexByte(s, '='); eq > 2 && eq <= longestLabel && (colon < 0 || eq < colon) { // as oFono lists them
		if l := b.findLabel(s[:eq]); l != nil {
			return l, trim(s[eq+1:])
		}
	}
	if colon < 2 {
		return nil, s
	}
	if l := b.findLabel(s[:colon]); l != nil {
		return l, trim(s[colon+1:])
	}
	if l := b.anyLabel(s[:colon]); l != nil {
		return l, trim(s[colon+1:])
	}
	return nil, s
}

// anyLabel knows a label by its last word where the whole is not known ("Platform Version"): "* version".
func (b *Base) anyLabel(s string) *knowledge.Label {
	s = trim(s)
	at := strings.LastIndexAny(s, " _")
	if at < 2 || at+1 == len(s) || len(s) > longestLabel || strings.ContainsAny(s, "0123456789+,;.") {
		return nil
	}
	return b.findLabel("* " + s[at+1:])
}

// findLabel knows a label however it is spelled: "#HW_version" is "hw version".
func (b *Base) findLabel(s string) *knowledge.Label {
	s = strings.TrimPrefix(s, "#")
	var buf [longestLabel]byte
	key := buf[:0]
	for i := 0; i < len(s) && len(key) < len(buf); i++ {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		if c != ' ' || len(key) > 0 && key[len(key)-1] != ' ' {
			key = append(key, c)
		}
	}
	for len(key) > 0 && key[len(key)-1] == ' ' {
		key = key[:len(key)-1]
	}
	if i, ok := b.labels[string(key)]; ok {
		return &b.pack.Labels[i]
	}
	blank := false
	for i := range key {
		if key[i] == '_' {
			key[i], blank = ' ', true
		}
	}
	if i, ok := b.labels[string(key)]; ok && blank {
		return &b.pack.Labels[i]
	}
	return nil
}

// gluedLabels are found even without a blank before them: replies whose line ends were lost.
var gluedLabels = [...]string{"Manufacturer:", "Model:", "Revision:", "IMEI:", "SVN:", "MEID:", "ESN:", "+GCAP:"}

func glued(s string) bool {
	for _, g := range gluedLabels {
		if strings.HasPrefix(s, g) {
			return true
		}
	}
	return false
}

// nextLabel finds the next label inside a line: where the value before it ends. No label: nil
// and the whole length.
func (b *Base) nextLabel(s string) (*knowledge.Label, int) {
	for from := 0; ; {
		at := strings.IndexByte(s[from:], ':')
		if at < 0 {
			return nil, len(s)
		}
		colon := from + at
		if l, start := b.labelBefore(s, from, colon); l != nil {
			return l, start
		}
		from = colon + 1
	}
}

// labelBefore finds the longest label of up to three words that ends at the colon.
func (b *Base) labelBefore(s string, from, colon int) (l *knowledge.Label, start int) {
	for words, i := 0, colon-1; i > from && words < 3; i-- {
		if s[i] != ' ' {
			continue
		}
		words++
		word := strings.TrimLeft(s[i+1:colon], "+")
		if found := b.findLabel(word); found != nil && colon-i <= longestLabel {
			l, start = found, i+1
		}
	}
	if l != nil {
		return l, start
	}
	for _, g := range gluedLabels {
		if strings.HasSuffix(s[from:colon+1], g) {
			return b.findLabel(strings.Trim(g, "+:")), colon + 1 - len(g)
		}
	}
	return nil, 0
}

// nested takes prefixes off a value ("+GMI: LG Electronics Inc.+GMM: Model:LG-LX265"): of several,
// the one that answers the field counts.
func (b *Base) nested(s string, field knowledge.Field) string {
	if strings.IndexByte(s, '+') >= 0 {
		s = b.ownPart(s, field)
	}
	if key, rest := prefix(s); key != "" {
		s = rest
	}
	if l, rest := b.label(s); l != nil && l.Field == field {
		s = rest
	}
	if len(s) > 3 && s[1] == ':' && s[2] == ' ' && letter(s[0]) {
		s = s[3:] // what is left of a prefix ("I: Motorola")
	}
	return s
}

func (b *Base) ownPart(s string, field knowledge.Field) string {
	own, end := -1, len(s)
	for i := 0; i < len(s); i++ {
		if s[i] != '+' {
			continue
		}
		key, rest := prefix(s[i:])
		n, known := b.commands[key]
		switch {
		case key == "" || !known:
		case own >= 0:
			return trim(s[own:i])
		case b.pack.Commands[n].Field == field:
			own = len(s) - len(rest)
		case i > 0:
			end = min(end, i)
		}
	}
	if own >= 0 {
		return s[own:]
	}
	return trim(s[:end])
}
