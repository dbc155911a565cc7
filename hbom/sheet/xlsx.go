package sheet

import (
	"archive/zip"
	"bytes"
	"cmp"
	"fmt"
	"io"
	"iter"
	"slices"
	"strconv"

	"github.com/xuri/excelize/v2"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
)

// maxCell bounds a cell in UTF-16 units, a little under the 32,767 that spreadsheets take
// (https://support.microsoft.com/office/1672b34d-7043-467e-8e27-269d656771c3). What a CSV file
// has beyond them is cut off in silence, or begins a cell of its own and may be a formula there.
const maxCell = 32_000

// XLSX writes a workbook: a page "About" with method, dates and gaps, and pages "Modules" with
// one row for each item. The workbook is whole only when XLSX returns without an error.
func XLSX(w io.Writer, items iter.Seq2[hbom.Item, error], s Settings) error {
	if err := writeXLSX(w, items, s, excelize.TotalRows); err != nil {
		return fmt.Errorf("cannot write XLSX: %w", err)
	}
	return nil
}

// writeXLSX begins a new page of modules after so many rows.
func writeXLSX(w io.Writer, items iter.Seq2[hbom.Item, error], s Settings, perPage int) (err error) {
	f := excelize.NewFile()
	defer func() {
		if e := f.Close(); err == nil { // removes its temporary files
			err = e
		}
	}()
	if err := f.SetSheetName("Sheet1", "About"); err != nil {
		return err
	}
	bold, err := f.NewStyle(&excelize.Style{Font: &excelize.Font{Bold: true}})
	if err != nil {
		return err
	}
	b := &book{f: f, bold: bold, perPage: perPage, header: hbom.Columns(s.Settings)}
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
	return b.finish(w, s)
}

// book is a workbook in the making.
type book struct {
	f       *excelize.File
	bold    int
	perPage int // rows, with the header
	header  []string
	page    *excelize.StreamWriter
	pages   int
	rows    int // on this page, with the header

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
	if b.page == nil || b.rows == b.perPage {
		if err := b.turn(); err != nil {
			return err
		}
	}
	return b.write(cells, 0)
}

func (b *book) write(cells []string, style int) error {
	values := make([]any, len(cells))
	for i, c := range cells {
		values[i] = excelize.Cell{StyleID: style, Value: cell(c)}
	}
	b.rows++
	at, err := excelize.CoordinatesToCellName(1, b.rows)
	if err != nil {
		return err
	}
	return b.page.SetRow(at, values)
}

// turn begins a page of modules.
func (b *book) turn() error {
	if err := b.flush(); err != nil {
		return err
	}
	b.pages++
	name := "Modules"
	if b.pages > 1 {
		name += " " + strconv.Itoa(b.pages)
	}
	return b.begin(name, b.header, 18)
}

func (b *book) begin(name string, header []string, width float64) error {
	if name != "About" {
		if _, err := b.f.NewSheet(name); err != nil {
			return err
		}
	}
	page, err := b.f.NewStreamWriter(name)
	if err != nil {
		return err
	}
	b.page, b.rows = page, 0
	if err := page.SetColWidth(1, len(header), width); err != nil {
		return err
	}
	if err := page.SetPanes(&excelize.Panes{Freeze: true, YSplit: 1, TopLeftCell: "A2", ActivePane: "bottomLeft"}); err != nil {
		return err
	}
	return b.write(header, b.bold)
}

func (b *book) flush() error {
	if b.page == nil {
		return nil
	}
	page := b.page
	b.page = nil
	return page.Flush()
}

func (b *book) finish(w io.Writer, s Settings) error {
	if b.pages == 0 { // an empty table has its header
		if err := b.turn(); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	if err := b.begin("About", []string{"what", "value"}, 40); err != nil {
		return err
	}
	for _, n := range append(b.about(s), s.Notes...) {
		if err := b.write([]string{n.Name, n.Text}, 0); err != nil {
			return err
		}
	}
	if err := b.flush(); err != nil {
		return err
	}
	made := s.Time.UTC().Format("2006-01-02T15:04:05Z")
	if err := b.f.SetDocProps(&excelize.DocProperties{Creator: "rollcall", Created: made, Modified: made, Title: cell(s.Name)}); err != nil {
		return err
	}
	return b.zip(w)
}

// zip writes the parts of the workbook sorted by name: the library writes them in the order of
// a map, and the same items must give the same bytes.
func (b *book) zip(w io.Writer) error {
	buf, err := b.f.WriteToBuffer()
	if err != nil {
		return err
	}
	in, err := zip.NewReader(bytes.NewReader(buf.Bytes()), int64(buf.Len()))
	if err != nil {
		return err
	}
	slices.SortFunc(in.File, func(x, y *zip.File) int { return cmp.Compare(x.Name, y.Name) })
	out := zip.NewWriter(w)
	for _, f := range in.File {
		if err := out.Copy(f); err != nil {
			return err
		}
	}
	return out.Close()
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
func cell(s string) string { return short(clean.Line(s)) }

// short gives a text that is not longer than a cell; what is longer ends with an ellipsis.
func short(s string) string {
	if len(s) < maxCell {
		return s
	}
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
