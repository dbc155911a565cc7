package atcmd

import (
	"slices"
	"strings"
	"unicode"
)

// status is how far an answer has come.
type status int

const (
	more     status = iota // lines are missing
	early                  // a final result code came that may not be ours
	finished               // the final result code came
	tooLong                // more came than the limits allow
	foreign                // a command came back that nobody here sent
	data                   // the line carries data from now on
)

// answer sorts the lines that follow one command into echo, information, unasked lines and
// the final result code. It knows no time.
type answer struct {
	cmd Command
	// numeric: result codes may be numbers.
	numeric bool
	// wantEcho: the module has been repeating commands, so a result before the echo is
	// likely to be another command's.
	wantEcho bool
	// stale: the first line began before the command was sent. prompted: it began with a
	// prompt, as some devices end every answer.
	stale, prompted bool
	// owing are earlier commands whose answers may still come.
	owing []string
	// told are all commands of this session, whose echoes may come late.
	told map[string]bool

	info    []string
	unasked []string
	echoed  bool
	boot    bool
	final   string
	code    code

	diverted bool   // the lines up to the next result belong to an earlier command
	doubt    bool   // the answer may be another command's
	before   *part  // an early result, while nothing better has come
	call     string // a result of calls, final only if none follows
	owedSeen int    // results of earlier commands seen here

	raw   []byte
	lossy bool // lines and final cannot carry the bytes
	lines int
	size  int
}

// part is an answer that came early.
type part struct {
	info  []string
	final string
	code  code
}

// take adds one line.
func (a *answer) take(l line) status {
	a.count(l)
	if l.over > 0 {
		a.info = append(a.info, l.text)
		return tooLong
	}
	if a.size > MaxAnswer || a.lines > MaxLines {
		return tooLong
	}
	text := bare(l.text)
	if a.stale {
		a.stale = false
		a.loose(l.text)
		a.echoed = strings.HasSuffix(text, a.cmd.text)
		return more
	}
	if a.prompted && text != "" {
		a.prompted = false
		l.text, text = strings.TrimLeft(l.text, "> "), strings.TrimLeft(text, "> ")
	}
	if text == "" {
		a.lossy = a.lossy || strings.Trim(l.text, " \t") != ""
		return more
	}
	return a.sort(l.text, text)
}

// sort finds out what a line is. text is the line without what stands around it.
func (a *answer) sort(whole, text string) status {
	if a.isEcho(text) {
		return more
	}
	if a.code = finals().find(text, a.numeric); a.code != codeNone {
		a.lossy = a.lossy || strings.TrimSpace(whole) != text
		return a.end(text)
	}
	if isCommand(text) && len(a.info) == 0 {
		a.loose(whole)
		return foreign
	}
	known, boot := unasked().find(text)
	a.boot = a.boot || boot
	a.diverted = a.diverted || a.answersOther(text)
	if known || a.diverted {
		a.loose(whole)
		return more
	}
	a.info = append(a.info, whole)
	return more
}

// end takes a final result code.
func (a *answer) end(text string) status {
	switch {
	case a.code == codeConnect:
		return data
	case a.code == codeCall && len(a.info) > 0:
		a.call = text // between the lines of an answer it is some call's end
		return more
	case a.diverted:
		a.diverted, a.owedSeen = false, a.owedSeen+1
		return more
	case a.cmd == wakeUp && len(a.info) > 0:
		a.looseInfo() // another command's: AT brings no information
		a.owedSeen++
		a.before = &part{nil, text, codeNone}
		return early
	case a.isEarly():
		a.before = &part{a.info, text, a.code}
		a.info = nil
		return early
	}
	a.final = text
	a.drop()
	return finished
}

// isEarly says of a result that has just come whether it may be another command's: it
// stands before the echo of ours, or without echo before any information.
func (a *answer) isEarly() bool {
	if a.before != nil || a.cmd == wakeUp && a.code != codeCall {
		return false
	}
	empty := len(a.info) == 0 && a.code != codeError
	return !a.echoed && (a.wantEcho || empty) || a.code == codeCall
}

// drop gives up an early result after a better one came.
func (a *answer) drop() {
	if a.call != "" {
		a.loose(a.call)
	}
	if a.before == nil {
		return
	}
	a.unasked = append(a.unasked, a.before.info...)
	if a.before.code == codeCall {
		a.loose(a.before.final)
	}
	a.before = nil
	a.doubt = !a.echoed && a.cmd != wakeUp
}

// settleEarly ends the answer with what came early, because nothing followed.
func (a *answer) settleEarly() {
	a.info = append(a.before.info, a.info...)
	a.final, a.code, a.before = a.before.final, a.before.code, nil
	a.doubt = a.code != codeCall
}

// isEcho recognises the command coming back, whole or in part. What stood before
// a whole echo was not asked for.
func (a *answer) isEcho(text string) bool {
	switch {
	case strings.EqualFold(text, a.cmd.text):
		a.looseInfo()
		a.echoed, a.diverted = true, false
		return true
	case slices.Contains(a.owing, text):
		a.diverted = true
		return true
	case a.told[text]:
		return true
	case !a.echoed && len(a.info) == 0 && partOf(a.cmd.text, text):
		a.echoed = true
		return true
	}
	return false
}

// partOf recognises what is left of an echo when bytes were lost: its end, or its
// beginning with gaps.
func partOf(cmd, text string) bool {
	if strings.HasSuffix(cmd, text) && strings.ContainsFunc(text, unicode.IsUpper) || strings.HasPrefix(cmd, text) {
		return true
	}
	if !strings.HasPrefix(text, prefixAT) {
		return false
	}
	i := 0
	for j := 0; i < len(text) && j < len(cmd); j++ {
		if text[i] == cmd[j] {
			i++
		}
	}
	return i == len(text)
}

// isCommand recognises an extended command line, as the echo of somebody else's.
func isCommand(text string) bool {
	return len(text) > 3 && strings.HasPrefix(text, prefixAT) && strings.IndexByte("+^#!%*_$", text[2]) >= 0 && capital(text[3])
}

// answersOther reports whether text bears the name of an earlier command whose answer is owed.
func (a *answer) answersOther(text string) bool {
	name, _, ok := strings.Cut(text, ":")
	if !ok || name == "" || name == a.cmd.name() {
		return false
	}
	return slices.ContainsFunc(a.owing, func(c string) bool { return Command{c}.name() == name })
}

// loose keeps a line as unasked.
func (a *answer) loose(l string) { a.unasked = append(a.unasked, l) }

// looseInfo keeps what was taken for information as unasked.
func (a *answer) looseInfo() { a.unasked, a.info = append(a.unasked, a.info...), nil }

func (a *answer) count(l line) {
	a.lines++
	a.size += len(l.text) + l.over + 1
	if len(a.raw) == 0 && l.text == "" {
		return // the line end of what came before
	}
	if len(a.raw) <= MaxAnswer {
		a.raw = append(append(a.raw, l.text...), l.end)
	}
}

// sortOut takes lines from the information that bear another name than the command's
// own, where the command returns one kind of line and such a line is there too.
func (a *answer) sortOut() {
	own := a.cmd.name()
	if !oneKind[own] {
		return
	}
	odd := func(l string) bool {
		name := named(bare(l))
		return name != "" && !strings.HasSuffix(name, own[1:]) && !strings.HasSuffix(own, name[1:])
	}
	if !slices.ContainsFunc(a.info, func(l string) bool { return !odd(l) }) {
		return
	}
	kept := a.info[:0:0]
	for _, l := range a.info {
		if odd(l) {
			a.loose(l)
		} else {
			kept = append(kept, l)
		}
	}
	a.info = kept
}

// oneKind are the commands whose answers bear their own name or none (TS 27.007, 5.1 to
// 5.4, and V.250, 6.1.4 to 6.1.7).
var oneKind = map[string]bool{
	"+CGMI": true, "+CGMM": true, "+CGMR": true, "+CGSN": true, "+GMI": true, "+GMM": true, "+GMR": true, "+GSN": true,
}

// named returns the name that a line like "+CREG: 1" bears.
func named(text string) string {
	name, _, ok := strings.Cut(text, ":")
	if !ok || len(name) < 3 || len(name) > 20 || strings.IndexByte("+^#!%*_$", name[0]) < 0 {
		return ""
	}
	for i := 1; i < len(name); i++ {
		if !capital(name[i]) && !digit(name[i]) {
			return ""
		}
	}
	return name
}
