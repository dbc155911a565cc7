package capture

import (
	_ "embed"
	"strings"
)

//go:embed queries.tsv
var queriesTSV string

// query is one row of queries.tsv: which commands are kept.
type query struct {
	text  string
	match string // exact, contains, ends
	keep  bool
}

// queries decides which commands ask for the identity of a device. The first row that
// fits decides; what no row fits is left out.
type queries []query

func loadQueries() queries {
	var rows queries
	for line := range strings.Lines(queriesTSV) {
		line = strings.TrimSuffix(line, "\n")
		if line == "" || line[0] == '#' {
			continue
		}
		f := strings.Split(line, "\t")
		rows = append(rows, query{text: f[0], match: f[1], keep: f[2] == "keep"})
	}
	return rows
}

// keeps says whether cmd asks for the identity and for nothing about the subscriber.
func (q queries) keeps(cmd string) bool {
	keep := false
	for part := range strings.SplitSeq(commandBody(cmd), ";") {
		name := commandName(part)
		switch row, ok := q.find(name); {
		case ok && !row.keep:
			return false
		case ok && !sets(part, name):
			keep = true
		}
	}
	return keep
}

func (q queries) find(name string) (query, bool) {
	for _, row := range q {
		if row.match == "exact" && name == row.text ||
			row.match == "contains" && strings.Contains(name, row.text) ||
			row.match == "ends" && strings.HasSuffix(name, row.text) {
			return row, true
		}
	}
	return query{}, false
}

// sets says whether a command has values and thus may do more than ask. A single
// number selects what is asked (AT+CGSN=1 of 27.007).
func sets(part, name string) bool {
	value := strings.TrimPrefix(strings.ToUpper(strings.TrimSpace(part)), name)
	return strings.HasPrefix(value, "=") && value != "=?" && !oneNumber().MatchString(value)
}

var oneNumber = pattern(`^=\d{1,2}(?:,\d{1,2})?$`)

// commandBody is what stands after AT, in capitals.
func commandBody(cmd string) string {
	cmd = strings.ToUpper(strings.TrimSpace(cmd))
	return strings.TrimSpace(strings.TrimPrefix(cmd, "AT"))
}

// commandName cuts ?, = and values off.
func commandName(part string) string {
	name, _, _ := strings.Cut(strings.ToUpper(strings.TrimSpace(part)), "=")
	return strings.TrimSuffix(strings.TrimSpace(name), "?")
}

// commandLine matches a whole command line (V.250, 5.2.1): basic commands with their
// numbers, S-parameters, and extended commands of any maker. Only the last basic
// command may come without a number, so that words like ATMEL are none.
var commandLine = pattern(`(?i)^AT\s*(?:` +
	`(?:(?:[A-CE-Z]\d{1,3}|[&\\%][A-Z]\d{0,3}|S\d{1,3}(?:=\d{1,3}|\?))\s*;?\s*)*` +
	`(?:[A-Z]|[+#$%^*!@_&-][A-Z@][\w!%./:+@-]*\s*(?:=\s?\S.*|=?\s?\?)?|@\d+|DT?[\d*#,]+|` + others + `)?` +
	`(?:\s*;\s*(?:[+#$%^*!@_&-][A-Z][\w!%./:-]*\s*(?:=\s?[^;]+|=?\?)?|[A-Z]\d{0,3}|&[A-Z]\d{0,3}))*` +
	`)\s*;?\s*$`)

// others are the two-letter commands of vehicle adapters, which also speak AT.
const others = `D?P?N|RV|DP|SP\d+|PC`

// isCommand says whether s is an AT command line and nothing else.
func isCommand(s string) bool {
	s = strings.TrimSpace(s)
	if len(s) < 2 || len(s) > 256 || s[0]|0x20 != 'a' || s[1]|0x20 != 't' {
		return false
	}
	if len(s) == 2 {
		return s == "AT" || s == "at"
	}
	return commandLine().MatchString(s)
}

// undouble undoes a terminal that echoed beside the modem's own echo: "AATTII".
func undouble(s string) (string, bool) {
	if len(s) < 4 || len(s)%2 != 0 {
		return s, false
	}
	half := make([]byte, 0, len(s)/2)
	for i := 0; i < len(s); i += 2 {
		if s[i] != s[i+1] {
			return s, false
		}
		half = append(half, s[i])
	}
	return string(half), true
}

// finals matches the final result codes of V.250, 27.007 and 27.005, and those of
// modules that wrote their own.
var finals = pattern(`(?i)^(?:OK|ERROR|\+CM[ES] ERROR:? ?.{0,80}|NO CARRIER|NO ANSWER|NO DIAL ?TONE|BUSY|ABORTED|COMMAND NOT SUPPORT(?:ED)?\.?|TOO MANY PARAMETERS|CONNECT(?: .{0,40})?)$`)

func isFinal(s string) bool { return finals().MatchString(strings.TrimSpace(s)) }
