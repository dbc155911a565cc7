package sqlstore

import (
	"strings"
	"unicode/utf8"
)

// nowhere is text that is stored nowhere: what is stored is printable.
const nowhere = "\x01"

// lookedFor is text as a database may be asked for it. PostgreSQL knows no NUL in texts and nothing
// that is not UTF-8, and fails on them where SQLite finds nothing; both find nothing.
func lookedFor(text string) string {
	if utf8.ValidString(text) && !strings.Contains(text, "\x00") {
		return text
	}
	return nowhere
}
