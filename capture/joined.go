package capture

import "strings"

// joinedLog matches what SMS Server Tools write between a command and its answer, the lines of which they log as one.
const joinedLog = "Command is sent, waiting for the answer."

// joint matches where a line of a joined answer begins beyond doubt: a label of ATI, a name of a result, a final result code.
var joint = pattern(`\s+((?:(?i:manufacturer|model|revision|imei|imei sv|svn|firmware(?: version)?|serial number)\s?: ?\S|[+^#%$*][A-Z][A-Z0-9]{1,15}: )|(?:OK|ERROR)$)`)

// apart undoes the joining, as far as it shows where a line ended. The echo stands first.
func apart(s string) string {
	var b strings.Builder
	if echo, rest, ok := strings.Cut(s, " "); ok && isCommand(echo) {
		b.WriteString(echo + "\n")
		s = rest
	}
	s = " " + s
	for {
		loc := joint().FindStringSubmatchIndex(s)
		if loc == nil {
			b.WriteString(strings.TrimSpace(s))
			return b.String()
		}
		b.WriteString(strings.TrimSpace(s[:loc[0]]) + "\n")
		next := s[loc[2]:]
		// What begins here goes on to the next joint, which is looked for behind its first character.
		if at := joint().FindStringIndex(next[1:]); at != nil {
			b.WriteString(strings.TrimSpace(next[:at[0]+1]) + "\n")
			s = next[at[0]+1:]
			continue
		}
		b.WriteString(strings.TrimSpace(next))
		return b.String()
	}
}
