package capture

import "strings"

// bracketHead matches a line in which a channel driver of Asterisk logs what it wrote or read: the bytes as they are,
// in brackets, so that an answer goes on over the lines that follow.
var bracketHead = pattern(`\bat_(write|read): \[([^\]\s]{1,40})\] (?:\[\d+\] ?)?\[(.*)$`)

// bracketOwn matches what such a driver logs besides: where in its source it stands, and the channel.
var bracketOwn = pattern(`\b(?:at_|chan_)\w{1,30}\.c\b.*\[[^\]\s]{1,40}\]`)

// bracketedLine reads such a log. A bracket that is open is closed by one that stands alone or behind a final result
// code, or by the next head: others are of the answer.
func (r *reader) bracketedLine(l logged) bool {
	if r.bracket == raw && !strings.Contains(l.text, "at_") && !strings.Contains(l.text, "chan_") {
		return false
	}
	if m := bracketHead().FindStringSubmatch(l.text); m != nil {
		r.bracket = from
		if m[1] == "write" {
			r.bracket = to
		}
		r.device, r.channel = m[2], m[2]
		r.bracketText(l, m[3], true)
		return true
	}
	if strings.Contains(l.text, ".c") && bracketOwn().MatchString(l.text) {
		r.bracket = raw
		r.note(l, note, whyLogger)
		return true
	}
	if r.bracket == raw || l.stamped {
		r.bracket = raw
		return false
	}
	r.bracketText(l, l.text, false)
	return true
}

func (r *reader) bracketText(l logged, text string, head bool) {
	dir := r.bracket
	if inner, closed := strings.CutSuffix(strings.TrimRight(text, " "), "]"); closed && (head || inner == "" || isFinal(inner)) {
		text, r.bracket = inner, raw
	}
	if strings.TrimSpace(text) == "" {
		r.note(l, note, whyLogger)
		return
	}
	r.add(l, dir, eol().ReplaceAllString(text, "\n"))
}
