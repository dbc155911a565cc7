package capture

import (
	"strings"
	"unicode"
)

// timestamp matches the time at the beginning of a line, in the forms that terminal
// programs, loggers and syslog write, with or without brackets.
var timestamp = pattern(`^\s*(?:[\[(]\s*)?` +
	`(?:(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),?\s+)?` + // day of the week
	`(?:\d{4}[-/.]\d{1,2}[-/.]\d{1,2}|\d{1,2}[-/.]\d{1,2}[-/.]\d{2,4}|\d{1,2}-\d{1,2}|` + // date
	`(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{1,2}(?:,?\s+\d{4})?|\d{1,2}\s+(?:Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec)\s+\d{2,4})` +
	`[T_ ,]+)?` +
	`\d{1,2}:\d{2}:\d{2}(?:[.,:]\d{1,9})?(?:,\d{3})?(?:\s?(?:Z|UTC|[AP]M|[+-]\d{2}:?\d{2}))?(?:\s+\d{4}\b)?` + // time
	`(?:\s*[\])](?:\s*[|:,;](?:\s|$)|\s+-\s+)?\s*|\s*[|:;](?:\s+|$)|\s+-\s+|,\s+|\s+|$)` +
	`|^\s*[\[(]\s*\+?\d+(?:\.\d+\s*(?:m?s)?|\s*m?s)\s*[\])]:?\s*` + // seconds since something
	`|^\s*\d{10}(?:\.\d+)?(?::|\s)\s*`)

// arduinoArrow stands between time and text in the Arduino serial monitor.
var arduinoArrow = pattern(`^->(?:\s|$)`)

// program matches the host and the program of syslog, with its process id.
var program = pattern(`^(?:[\w.@-]+\s+){0,2}([\w./-]{1,40}\s?\[\d+\]):\s?`)

// level matches a log level that stands by itself.
var level = pattern(`^(?:<(?i:debug|dbg|info|inf|notice|warn|wrn|warning|error|err|trace|msg|message)>\s*` +
	`|\[\d+\] \[\d+\] (?:DEBUG|INFO|WARNING|ERROR): (?:AT2?\[[\w./-]+\]: )?` + // Kannel
	`|\[?(?:DEBUG|INFO|NOTICE|TRACE|VERBOSE|WARNING|WARN)\]?(?:\s*[:|-]\s*|\s+)` +
	`|[DIWEV]/[\w/-]{1,40}\s*\(\s*\d+\):\s*` + // Android, brief
	`|\d+\s+\d+\s+[DIWEV]\s+[\w-]{1,30}\s*:\s*` + // Android, threadtime
	`|[DIWEV]\s\(\d+\)\s[\w.-]{1,30}:\s*)`) // ESP-IDF

// loggers matches headers that no modem and no person writes, with or without a time.
var loggers = pattern(`^(?:<\w+>|[\w./-]{1,40}\[\d+\]:\s|[DIWEV]\s\(\d+\)\s|[DIWEV]/[\w/-]{1,40}\s*\(\s*\d+\):)`)

// stamped takes the time stamp off a line.
func stamped(s string) (rest string, ok bool) {
	if !strings.ContainsAny(s[:min(len(s), 48)], "0123456789") {
		return s, false
	}
	loc := timestamp().FindStringIndex(s)
	if loc == nil {
		return s, false
	}
	return s[loc[1]:], true
}

// header takes off what a logger writes between time and text. It returns the program
// where it stands with its process id. A second time is taken off only behind that: else
// it may be what the modem said.
func header(s string) (rest, prog string) {
	for range 4 {
		if m := level().FindStringIndex(s); m != nil {
			s = s[m[1]:]
		} else if m := program().FindStringSubmatchIndex(s); m != nil {
			prog, s = s[m[2]:m[3]], s[m[1]:]
		} else {
			break
		}
		if inner, ok := stamped(s); ok {
			s = inner
		}
	}
	return s, prog
}

// shape is the form of a time stamp: runs of digits, letters and blanks count as one.
func shape(stamp string) string {
	var b strings.Builder
	last := rune(0)
	for _, r := range stamp {
		switch {
		case r >= '0' && r <= '9':
			r = '9'
		case unicode.IsLetter(r):
			r = 'a'
		case r == '\t':
			r = ' '
		}
		if r != last || r != '9' && r != 'a' && r != ' ' {
			b.WriteRune(r)
		}
		last = r
	}
	return strings.TrimSpace(b.String())
}
