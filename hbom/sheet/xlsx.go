package sheet

import (
	"fmt"
	"io"
	"iter"
	"strconv"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
)

const (
	// maxCell bounds a cell in UTF-16 units, a little under what the format has.
	maxCell = 32_000
	// maxRows is the height of a page in the format.
	maxRows = 1 << 20
)

// XLSX writes a workbook: a page "About" with method, dates and gaps, and pages "Modules" with
// one row for each item. The workbook is whole only when XLSX returns without an error.
func XLSX(w io.Writer, items iter.Seq2[hbom.Item, error], s Settings) error {
	if err := writeXLSX(w, items, s, maxRows); err != nil {
		return fmt.Errorf("cannot write XLSX: %w", err)
	}
	return nil
}

// writeXLSX begins a new page of modules after so many rows.
func writeXLSX(w io.Writer, items iter.Seq2[hbom.Item, error], s Settings, perPage int) error {
	b := &book{workbook: newWorkbook(w), perPage: perPage, header: hbom.Columns(s.Settings)}
	row := hbom.Rows(s.Settings)
	for it, err := range items {
		if err != nil {
			return err
		}
		b.count(&it)
		if err := b.add(row(&it)); err != nil {
			return err
		}
	}
	return b.finish(s)
}

// book is the tables of a workbook in the making.
type book struct {
	*workbook
	perPage int // rows, with the header
	header  []string
	pages   int

	gateways, modules, open int
	last                    string
}

func (b *book) count(it *hbom.Item) {
	if b.modules == 0 || it.Gateway.ID != b.last {
		b.gateways++
		b.last = it.Gateway.ID
	}
	b.modules++
	if it.Module.State != inventory.StateIdentified && it.Module.State != inventory.StateNotCellular {
		b.open++
	}
}

func (b *book) add(cells []string) error {
	if b.pages == 0 || b.rows == b.perPage {
		if err := b.turn(); err != nil {
			return err
		}
	}
	return b.row(cells, plain)
}

// turn begins a page of modules.
func (b *book) turn() error {
	b.pages++
	name := "Modules"
	if b.pages > 1 {
		name += " " + strconv.Itoa(b.pages)
	}
	return b.page(name, b.header, 18)
}

// finish writes the page that stands first: what it says is known at the end.
func (b *book) finish(s Settings) error {
	if b.pages == 0 { // an empty table has its header
		if err := b.turn(); err != nil {
			return err
		}
	}
	if err := b.page(firstPage, []string{"what", "value"}, 40); err != nil {
		return err
	}
	for _, n := range append(b.about(s), s.Notes...) {
		if err := b.row([]string{n.Name, n.Text}, plain); err != nil {
			return err
		}
	}
	return b.close(s.Name, s.Time)
}

// about states what the tables are and what they are not.
func (b *book) about(s Settings) []Note {
	imeis := "left out"
	if s.IMEI {
		imeis = "written"
	}
	return []Note{
		{"Subject", s.Name},
		{"Made", s.Time.UTC().Format("2006-01-02 15:04:05 UTC")},
		{"Made by", "rollcall " + s.Version},
		{"Gateways", strconv.Itoa(b.gateways)},
		{"Modules", strconv.Itoa(b.modules)},
		{"Modules not identified", strconv.Itoa(b.open)},
		{"Method", "Modules were asked for their identity over their AT ports, with queries that change nothing; answers were compared with USB and PCI descriptors. The column evidence quotes what was seen."},
		{"Countries", "Seats of the maker and of its ultimate parent, ISO 3166-1; not places of production."},
		{"Gaps", "Only what gateways with an agent show, at the time of their last report. A module that is not identified may be of any maker."},
		{"IMEIs", imeis},
	}
}

// cell gives the text of a cell: printable, and not longer than the format takes. It needs no
// apostrophe: a cell of a text type is never computed.
func cell(s string) string {
	s = clean.Line(s)
	units := 0
	for i, r := range s {
		if units++; r >= 0x10000 {
			units++
		}
		if units >= maxCell {
			return s[:i] + "…"
		}
	}
	return s
}
