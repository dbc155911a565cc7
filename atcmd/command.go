package atcmd

import (
	"fmt"
	"time"
)

// Command is one permitted query. Only this package makes one, so whoever holds a
// Command other than the zero value holds a query of the catalogue.
type Command struct{ text string }

// String returns the query as it is written to the port, without its CR.
func (c Command) String() string { return c.text }

// Parse returns the catalogued query that reads exactly text. Its error wraps
// [ErrNotCatalogued].
func Parse(text string) (Command, error) {
	if _, ok := catalogue().byText[text]; !ok {
		return Command{}, fmt.Errorf("cannot ask %q: %w", text, ErrNotCatalogued)
	}
	return Command{text}, nil
}

func (c Command) timeout() time.Duration {
	if q, ok := catalogue().byText[c.text]; ok {
		return q.Timeout
	}
	return 0
}

// body is what follows the AT.
func (c Command) body() string { return c.text[len(prefixAT):] }

// name is the command's own name, as answers may repeat it before a colon:
// "+CGSN" of "AT+CGSN=1". The basic commands have none.
func (c Command) name() string {
	body := c.body()
	if body == "" || body[0] >= 'A' && body[0] <= 'Z' {
		return ""
	}
	for i := 1; i < len(body); i++ {
		if b := body[i]; (b < 'A' || b > 'Z') && (b < '0' || b > '9') {
			return body[:i]
		}
	}
	return body
}

const prefixAT = "AT"

// wakeUp is V.250's attention command: it asks nothing and a module says OK.
var wakeUp = Command{prefixAT}

// unknown is a query that no module knows (no standard and no manual names it). What
// answers it with OK answers everything with OK, and is no module.
var unknown = Command{"AT+ROLLCALL?"}

// basic asks for a module's name in V.250's oldest way.
var basic = Command{"ATI"}
