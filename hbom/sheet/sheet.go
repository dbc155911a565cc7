package sheet

import (
	"encoding/csv"
	"fmt"
	"io"
	"iter"
	"strings"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/internal/clean"
)

// Settings say how a table is written.
type Settings struct {
	hbom.Settings
	// Notes stand on the first page of an XLSX: the lists and their editions, what was not
	// reached, who asked.
	Notes []Note
}

// Note is a name and a text.
type Note struct{ Name, Text string }

// CSV writes one row for each item, with a header, as RFC 4180 has it, in UTF-8.
func CSV(w io.Writer, items iter.Seq2[hbom.Item, error], s Settings) error {
	c := csv.NewWriter(w)
	c.UseCRLF = true
	if err := c.Write(hbom.Columns(s.Settings)); err != nil {
		return fmt.Errorf("cannot write CSV: %w", err)
	}
	row := hbom.Rows(s.Settings)
	for it, err := range items {
		if err != nil {
			return fmt.Errorf("cannot write CSV: %w", err)
		}
		cells := row(&it)
		for i := range cells {
			cells[i] = Cell(cells[i])
		}
		if err := c.Write(cells); err != nil {
			return fmt.Errorf("cannot write CSV: %w", err)
		}
	}
	c.Flush()
	if err := c.Error(); err != nil {
		return fmt.Errorf("cannot write CSV: %w", err)
	}
	return nil
}

// Cell gives the text of a cell of a CSV file: printable, not longer than spreadsheets take, and
// nothing that they compute (https://owasp.org/www-community/attacks/CSV_Injection): an apostrophe
// stands before what begins as a formula. Where the locale divides cells by semicolons, a formula
// may begin after one, so that one gets an apostrophe too.
func Cell(s string) string { return short(neutral(clean.Line(s))) }

func neutral(s string) string {
	if !strings.ContainsAny(s, "=+-@＝＋－＠") {
		return s
	}
	var b strings.Builder
	begins := true // a cell may begin here, but for spaces and quotes
	for _, r := range s {
		if begins && strings.ContainsRune("=+-@＝＋－＠", r) {
			b.WriteByte('\'')
		}
		b.WriteRune(r)
		begins = r == ';' || begins && (r == ' ' || r == '\u00a0' || r == '"' || r == '\'')
	}
	return b.String()
}
