package fingerprint

import (
	"bytes"
	"cmp"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// read takes the transcript apart, in an order that depends on its contents alone.
func (b *Base) read(w *work, o Observation) {
	var buf [maxExchanges]uint16
	for n, i := range inOrder(o.Transcript, buf[:0]) {
		b.readExchange(w, &o.Transcript[i], uint8(n))
	}
}

// inOrder gives the numbers of the first exchanges in the order of their contents.
func inOrder(t []inventory.Exchange, order []uint16) []uint16 {
	for i := range t[:min(len(t), 0xffff)] {
		order = append(order, uint16(i))
	}
	slices.SortFunc(order, func(x, y uint16) int { return compareExchanges(&t[x], &t[y]) })
	return order[:min(len(order), maxExchanges)]
}

func compareExchanges(x, y *inventory.Exchange) int {
	return cmp.Or(strings.Compare(x.Cmd, y.Cmd), strings.Compare(x.Final, y.Final), slices.Compare(x.Lines, y.Lines))
}

// query is one exchange while it is read.
type query struct {
	knowledge.Command
	text     string // as sent
	ok       bool
	exchange uint8
	line     uint8
	lines    int
	repeated int // lines that only repeat the command
}

func (b *Base) readExchange(w *work, e *inventory.Exchange, n uint8) {
	q := query{text: trim(e.Cmd), exchange: n, ok: e.Final == "OK" || e.Final == ""} // "": the source did not note it
	q.Command = b.command(q.text)
	lines := e.Lines[:min(len(e.Lines), maxLines)]
	q.lines = len(lines)
	for i, line := range lines {
		q.line = uint8(i)
		b.readLine(w, &q, line[:min(len(line), maxLine)])
	}
	if len(lines) > 0 {
		w.answered++
	}
	if q.repeated > 0 && q.repeated == len(lines) {
		w.parrot++
	}
}

// command looks up what was sent: "AT+CGMM?", "at+cgmm", "ATI;+CSUB" (the first counts). The
// lines of several questions in one ("AT+CGMI;+CGMM") have to be told apart like those of ATI.
func (b *Base) command(text string) knowledge.Command {
	first, rest, several := strings.Cut(text, ";")
	c := b.oneCommand(first)
	for several && c.Field != knowledge.FieldInfo {
		first, rest, several = strings.Cut(rest, ";")
		if b.oneCommand("AT"+trim(first)).Field != knowledge.FieldText {
			c.Field, c.Rank = knowledge.FieldInfo, 80
		}
	}
	return c
}

func (b *Base) oneCommand(text string) knowledge.Command {
	var buf [16]byte
	key := buf[:0]
	for i := 0; i < len(text) && len(key) < len(buf); i++ {
		switch c := text[i]; {
		case c == ' ':
		case c == '?' || c == '=':
			i = len(text)
		case c >= 'a' && c <= 'z':
			key = append(key, c-'a'+'A')
		default:
			key = append(key, c)
		}
	}
	if len(key) > 2 && key[0] == 'A' && key[1] == 'T' {
		key = key[2:]
	} else if len(key) == 0 || knowledge.Alnum(key[0]) { // "+CGMM" is what mmcli --command takes
		key = nil
	}
	if i, ok := b.commands[string(key)]; ok {
		return b.pack.Commands[i]
	}
	if text == "" {
		return knowledge.Command{Field: knowledge.FieldText, Source: "answer"} // its question is not shown
	}
	return knowledge.Command{Field: knowledge.FieldText, Source: "at:" + text}
}

// readLine finds out what one line says. Lines that repeat the command, end an answer, come
// unasked or are no text say nothing; rules still see all that is text.
func (b *Base) readLine(w *work, q *query, line string) {
	s := trim(line)
	if strings.Contains(s, "^M") { // a carriage return as pppd's chat shows it; "^MODE:" is none
		s = trim(strings.TrimSuffix(strings.ReplaceAll(s, "^M ", " "), "^M"))
	}
	switch {
	case s == "" || final(s):
		return
	case strings.EqualFold(s, q.text):
		q.repeated++
		return
	case !printable(s):
		latin := b.inLatin(s)
		if !printable(latin) {
			b.readDamaged(w, q, s, line)
			return
		}
		s = latin
	}
	s, inside := b.withoutWrapping(s, q.text)
	if inside && q.Field == knowledge.FieldText { // its question stands in the program, not in what it printed
		info := *q
		info.Field, info.Rank = knowledge.FieldInfo, 50
		q = &info
	}
	b.judgeLine(w, s, line, q.Source, q.Rank, false)
	if q.Key == "" { // no question that is known here, or none at all
		b.readSentence(w, s, line, q.Source)
	}
	if slices.Contains(b.pack.Noise, s) {
		return
	}
	b.readText(w, q, s, line)
}

// withoutWrapping leaves of a line what the device said: an arrow, the command or a program's own label
// ("Modem Info: ", then inside) may stand before it, and the result code behind it where line ends were lost.
func (b *Base) withoutWrapping(s, command string) (said string, inside bool) {
	s = withoutEcho(withoutArrow(s), command)
	if l, rest := b.label(s); l != nil && l.Field == knowledge.FieldInfo && rest != "" {
		s, inside = withoutEcho(rest, command), true
	}
	return trim(strings.TrimSuffix(s, " OK")), inside
}

// withoutArrow takes off what a terminal or a guide puts before an answer ("<< ", "--> ").
func withoutArrow(s string) string {
	rest := strings.TrimLeft(s, "<>-= ")
	head := s[:len(s)-len(rest)]
	if !strings.HasSuffix(head, " ") || !strings.ContainsAny(head, "<>") {
		return s
	}
	return rest
}

// withoutEcho takes the command off a line that goes on with its answer ("ATI  Manufacturer: …").
func withoutEcho(s, command string) string {
	n := len(command)
	if n < 3 || len(s) <= n || s[n] != ' ' || !strings.EqualFold(s[:n], command) {
		return s
	}
	return trim(s[n:])
}

// readDamaged takes the labelled values that are whole out of a line with tabs or bytes that are no
// text (a serial number in another alphabet, a lost bit). Signs of trade marks are no damage.
func (b *Base) readDamaged(w *work, q *query, s, line string) {
	for _, sign := range [...][2]string{{"\t", " "}, {"®", ""}, {"™", ""}} {
		s = strings.ReplaceAll(s, sign[0], sign[1])
	}
	if l, _ := b.label(s); l != nil || printable(s) {
		b.readText(w, q, s, line)
	}
}

// readText takes prefix and labels off; a line with several labels is several readings.
func (b *Base) readText(w *work, q *query, s, quote string) {
	r := reading{
		field: q.Field, rank: q.Rank, fuller: q.Fuller, exchange: q.exchange, line: q.line,
		quote: quote, source: q.Source, part: q.Part,
	}
	if key, rest := prefix(s); key != "" {
		c, known := b.commands[key]
		if !known && q.Key != key {
			return // came unasked
		}
		if q.Key != key {
			k := &b.pack.Commands[c]
			r.field, r.part, r.rank = k.Field, k.Part, min(k.Rank, max(q.Rank, 60))
		}
		r.value, r.sure = rest, true
		b.readValue(w, q, r)
		return
	}
	if l, rest := b.label(s); l != nil && q.fits(l) {
		b.readLabels(w, q, r, l, rest)
		return
	}
	r.value = s
	if q.Field == knowledge.FieldInfo && b.readJoined(w, q, r) {
		return
	}
	if q.Field == knowledge.FieldInfo {
		if l, end := b.nextLabel(s); l != nil && glued(s[end:]) {
			s = strings.TrimSuffix(s, "OK") // the line ends were lost, that before the result code, too
			r.value = trim(s[:end])
			b.readValue(w, q, r)
			colon := strings.IndexByte(s[end:], ':')
			b.readLabels(w, q, r, l, trim(s[end+colon+1:]))
			return
		}
	}
	b.readValue(w, q, r)
}

// readJoined takes an answer apart whose lines came as one, with commas or semicolons between: a company's name first.
func (b *Base) readJoined(w *work, q *query, r reading) bool {
	for _, sign := range [...]string{",", ";"} {
		first, rest, _ := strings.Cut(r.value, sign)
		if n, ok := b.findName(first, false); !ok || n.end < len(trim(first)) || strings.Count(rest, sign) == 0 {
			continue
		}
		for part := range strings.SplitSeq(r.value, sign) {
			r.value = trim(part)
			b.readValue(w, q, r)
		}
		return true
	}
	return false
}

// fits: where one field was asked for, a label of another one is part of the value, unless the answer
// has several lines of which this one may tell more than was asked.
func (q *query) fits(l *knowledge.Label) bool {
	switch q.Field {
	case knowledge.FieldInfo, knowledge.FieldText, l.Field:
		return true
	}
	if q.Field == knowledge.FieldFirmware && l.Field == knowledge.FieldText {
		return true // when and where it was built is no revision
	}
	if q.lines < 2 || l.Rank > 0 {
		return false
	}
	switch l.Field {
	case knowledge.FieldMaker, knowledge.FieldModel, knowledge.FieldFirmware, knowledge.FieldHardware, knowledge.FieldText, knowledge.FieldPart:
		return true
	}
	return false
}

func (b *Base) readLabels(w *work, q *query, r reading, l *knowledge.Label, rest string) {
	for l != nil {
		next, end := b.nextLabel(rest)
		part := r
		part.field, part.part, part.sure = l.Field, l.Part, true
		part.rank = r.rank - min(l.Rank, r.rank)
		part.value = strings.Trim(rest[:end], " \t\r\n\x00'|;")
		w.cellular = w.cellular || l.Rank == 0 && l.Field >= knowledge.FieldIMEI && l.Field <= knowledge.FieldESN
		b.readValue(w, q, part)
		if next == nil {
			return
		}
		colon := strings.IndexByte(rest[end:], ':')
		l, rest = next, trim(rest[end+colon+1:])
	}
}

// readValue takes nested prefixes and quotes off, and keeps the reading.
func (b *Base) readValue(w *work, q *query, r reading) {
	r.value = b.nested(r.value, r.field)
	if r.value == "" || !printable(r.value) || masked(r.value) || strings.HasPrefix(r.value, "/dev/") {
		return
	}
	if r.field == knowledge.FieldModel && w.takeIDs(r.value) {
		return
	}
	switch r.field {
	case knowledge.FieldText:
		return
	case knowledge.FieldCapability:
		w.cellular = w.cellular || cellularCapability(r.value)
		return
	}
	if !r.sure && b.refusal(r.value) {
		return
	}
	if q.Cellular && (q.ok || r.sure) {
		w.cellular = true
	}
	if r.field == knowledge.FieldInfo {
		w.add(r)
		return
	}
	b.readList(w, r)
}

// readList keeps each of several quoted values; a long list is no identity.
func (b *Base) readList(w *work, r reading) {
	if r.value[0] != '"' {
		b.readPlainList(w, r)
		return
	}
	values := strings.Count(r.value, `"`) / 2
	if values > 3 {
		return
	}
	rest := r.value
	for i := 0; ; i++ {
		open := strings.IndexByte(rest, '"')
		if open < 0 {
			return
		}
		rest = rest[open+1:]
		end := strings.IndexByte(rest, '"')
		if end < 0 {
			end = len(rest)
		}
		item := r
		item.value, item.rank = trim(rest[:end]), r.rank-min(uint8(i), r.rank)
		w.add(item)
		rest = rest[min(end+1, len(rest)):]
	}
}

// readPlainList keeps both of two models ("L850 LTE Module,L850"); a comma elsewhere is part of the value.
func (b *Base) readPlainList(w *work, r reading) {
	first, second, two := strings.Cut(r.value, ",")
	if r.field != knowledge.FieldModel || !two || strings.Contains(second, ",") {
		w.add(r)
		return
	}
	r.value = trim(first)
	w.add(r)
	r.value, r.rank = trim(second), r.rank-min(1, r.rank)
	w.add(r)
}

// refusal: the line says that the command is not known, whatever its final result code.
func (b *Base) refusal(s string) bool {
	if len(s) > 64 {
		return false
	}
	var buf [64]byte
	low := buf[:0]
	for i := range len(s) {
		c := s[i]
		if c >= 'A' && c <= 'Z' {
			c += 'a' - 'A'
		}
		low = append(low, c)
	}
	for _, word := range b.refusals {
		if bytes.Contains(low, word) {
			return true
		}
	}
	return false
}

// cellularCapability: +GCAP of a cellular device names a cellular command set.
func cellularCapability(s string) bool {
	return strings.Contains(s, "+CGSM") || strings.Contains(s, "+CIS707") || strings.Contains(s, "CIS-856") || strings.Contains(s, "+CLTE")
}

// readBanner looks at what came unasked. It names a maker or firmware by rules only.
func (b *Base) readBanner(w *work, banner []string) {
	for _, line := range banner[:min(len(banner), maxLines)] {
		s := trim(line[:min(len(line), maxLine)])
		if !printable(s) {
			s = b.inLatin(s)
		}
		if s == "" || !printable(s) {
			continue
		}
		b.judgeLine(w, s, line, "banner", 40, true)
		b.judgeBannerName(w, s)
		b.readBannerVersion(w, s, line)
		b.readSentence(w, s, line, "banner")
	}
}

// readSentence takes the full name of a firmware out of words that a program prints around it
// ("Arduino Firmware: BC66NBR01A04 2020"): only of forms that nobody else has.
func (b *Base) readSentence(w *work, s, quote, source string) {
	const least, most = 10, 12 // letters of a word, words of a line
	if key, _ := prefix(s); key != "" {
		return
	}
	for range most {
		word, rest, more := strings.Cut(s, " ")
		if word = strings.Trim(word, `.,;:"'()[]<>`); len(word) >= least && b.sureFirmware(word) {
			w.add(reading{field: knowledge.FieldFirmware, rank: 8, value: word, quote: quote, source: source})
			return
		}
		if s = rest; !more {
			return
		}
	}
}

// sureFirmware: a rule that proves a maker by itself knows the whole name.
func (b *Base) sureFirmware(s string) bool {
	for _, n := range b.rules[knowledge.OnFirmware][s[0]] {
		if r := &b.pack.Rules[n]; r.Strength == knowledge.Proof && !r.Needs && b.match(n, s) != nil {
			return true
		}
	}
	return false
}

// readBannerVersion takes what an application announces as its version (`+VERSION: "NT26-PRO-D1.2.27"`)
// where that begins with a module's name.
func (b *Base) readBannerVersion(w *work, s, line string) {
	key, value := prefix(s)
	value = strings.Trim(value, `" `)
	if strings.HasSuffix(key, "VERSION") && len(value) <= maxValue && b.namesFirmware(value) {
		w.add(reading{field: knowledge.FieldFirmware, rank: 10, value: value, quote: line, source: "banner"})
	}
}
