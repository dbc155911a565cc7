package atcmd

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
)

//go:embed unasked.tsv
var unaskedTable string

// indications recognises lines that modules send unasked.
type indications struct {
	exact  map[string]bool // line: does it announce a start?
	prefix map[string]bool // beginning of a line up to and with its colon
	begins []beginning     // other beginnings
}

type beginning struct {
	text string
	boot bool
}

var unasked = sync.OnceValue(func() *indications {
	i, err := readIndications(unaskedTable)
	if err != nil {
		panic(err)
	}
	return i
})

func readIndications(text string) (*indications, error) {
	in := &indications{exact: map[string]bool{}, prefix: map[string]bool{}}
	for number, row := range rows(text, 4) {
		if row == nil || row[0] == "" || row[1] != "" && row[1] != "boot" {
			return nil, fmt.Errorf("unasked.tsv, line %d: not four columns with boot or nothing in the second", number)
		}
		boot := row[1] == "boot"
		if begin, ok := strings.CutSuffix(row[0], "*"); ok {
			in.begins = append(in.begins, beginning{begin, boot})
		} else if strings.HasSuffix(row[0], ":") {
			in.prefix[row[0]] = boot
		} else {
			in.exact[row[0]] = boot
		}
	}
	return in, nil
}

// find reports whether text is sent unasked, and whether it announces a start.
func (in *indications) find(text string) (known, boot bool) {
	if boot, known = in.exact[text]; known {
		return known, boot
	}
	if i := strings.IndexByte(text, ':'); i > 0 && i < 24 {
		if boot, known = in.prefix[text[:i+1]]; known {
			return known, boot
		}
	}
	for _, b := range in.begins {
		if strings.HasPrefix(text, b.text) {
			return true, b.boot
		}
	}
	return false, false
}
