package atcmd

import (
	_ "embed"
	"fmt"
	"strings"
	"sync"
	"time"
)

// Query is one entry of the catalogue.
type Query struct {
	Command Command
	// Standard or manual that defines it.
	Standard string
	// Makers that use it, as slugs. Empty: all.
	Makers []string
	// Timeout is the longest wait for its answer.
	Timeout time.Duration
	// Asks says what the query asks for.
	Asks string
	// Source is where its definition can be read.
	Source string
}

// Catalogue returns all queries that may ever be written to a port, in the order of
// the embedded table.
func Catalogue() []Query {
	c := catalogue()
	queries := make([]Query, len(c.queries))
	for i, q := range c.queries {
		q.Makers = append([]string(nil), q.Makers...)
		queries[i] = q
	}
	return queries
}

//go:embed catalogue.tsv
var catalogueTable string

type table struct {
	queries []Query
	byText  map[string]Query
	// byLine finds the query of the exact bytes that at writes.
	byLine map[string]Command
}

// catalogue is read once; what is embedded is proven well formed by a test.
var catalogue = sync.OnceValue(func() *table {
	t, err := readCatalogue(catalogueTable)
	if err != nil {
		panic(err)
	}
	return t
})

func readCatalogue(text string) (*table, error) {
	t := &table{byText: map[string]Query{}, byLine: map[string]Command{}}
	for number, row := range rows(text, 6) {
		q, err := readQuery(row)
		if err == nil && t.byText[q.Command.text].Command.text != "" {
			err = fmt.Errorf("%q stands twice", row[0])
		}
		if err != nil {
			return nil, fmt.Errorf("catalogue.tsv, line %d: %w", number, err)
		}
		t.queries = append(t.queries, q)
		t.byText[q.Command.text] = q
		t.byLine[q.Command.text+"\r\n"] = q.Command
	}
	return t, nil
}

func readQuery(row []string) (Query, error) {
	if row == nil {
		return Query{}, fmt.Errorf("not six columns")
	}
	if err := harmless(row[0]); err != nil {
		return Query{}, err
	}
	wait, err := time.ParseDuration(row[3])
	if err != nil || wait <= 0 || wait > MaxTimeout {
		return Query{}, fmt.Errorf("timeout %q is no time up to %v", row[3], MaxTimeout)
	}
	return Query{Command{row[0]}, row[1], strings.Fields(row[2]), wait, row[4], row[5]}, nil
}

// rows yields the lines of a tab-separated table with their numbers, without comments
// and blank lines. A line of another number of columns yields nil.
func rows(text string, columns int) func(func(int, []string) bool) {
	return func(yield func(int, []string) bool) {
		number := 0
		for line := range strings.Lines(text) {
			number++
			line = strings.TrimRight(line, "\n")
			if line == "" || line[0] == '#' {
				continue
			}
			row := strings.Split(line, "\t")
			if len(row) != columns {
				row = nil
			}
			if !yield(number, row) {
				return
			}
		}
	}
}
