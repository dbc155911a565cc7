package atcmd

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

// code is what a final result code means for the dialogue.
type code int

const (
	codeNone    code = iota
	codeOK           // the command was done
	codeError        // it was not, or not known
	codeCall         // the end of a call: final for a call, unasked otherwise
	codeConnect      // the line carries data from now on
)

var codes = map[string]code{"ok": codeOK, "error": codeError, "call": codeCall, "connect": codeConnect}

//go:embed results.tsv
var resultTable string

// results recognises final result codes.
type results struct {
	exact   map[string]code // by upper-case text
	prefix  map[string]code // by upper-case text up to and with the colon
	numeric map[string]code // by digits, where the module answers in numbers (ATV0)
}

var finals = sync.OnceValue(func() *results {
	r, err := readResults(resultTable)
	if err != nil {
		panic(err)
	}
	return r
})

func readResults(text string) (*results, error) {
	r := &results{map[string]code{}, map[string]code{}, map[string]code{}}
	for number, row := range rows(text, 4) {
		if row == nil || codes[row[2]] == codeNone {
			return nil, fmt.Errorf("results.tsv, line %d: not four columns with a known meaning", number)
		}
		switch meaning := codes[row[2]]; {
		case strings.HasSuffix(row[0], ":"):
			r.prefix[row[0]] = meaning
		default:
			r.exact[row[0]] = meaning
			if row[1] != "" {
				r.numeric[row[1]] = meaning
			}
		}
	}
	return r, nil
}

// find says what text means as a final result code; codeNone for any other text.
func (r *results) find(text string, numeric bool) code {
	if len(text) > 64 && !strings.Contains(text[:64], ":") || text == "" {
		return codeNone
	}
	if numeric {
		if c := r.numeric[text]; c != codeNone {
			return c
		}
	}
	if head, _, ok := strings.Cut(text, ":"); ok {
		if len(head) > 16 {
			return codeNone
		}
		return r.prefix[strings.ToUpper(head)+":"]
	}
	upper := strings.ToUpper(text)
	if c := r.exact[upper]; c != codeNone {
		return c
	}
	if strings.HasPrefix(upper, "CONNECT ") {
		return codeConnect
	}
	return codeNone
}
