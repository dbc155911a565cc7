package sheet

import (
	"archive/zip"
	"bufio"
	"encoding/xml"
	"fmt"
	"io"
	"regexp"
	"strconv"
	"strings"
	"time"
)

// workbook writes the parts of an XLSX file (ISO/IEC 29500, ECMA-376) one after the other, as
// the rows come: nothing of them is kept. It writes tables of text and no more.
type workbook struct {
	zip    *zip.Writer
	sheets []string // names of the pages, in the order written
	part   *bufio.Writer
	rows   int // on this page
}

// firstPage is the page that stands first, although it is written last.
const firstPage = "About"

// Styles of cells, by their place in the part of styles.
const (
	plain = 0
	bold  = 1
)

const (
	xmlHead    = `<?xml version="1.0" encoding="UTF-8" standalone="yes"?>` + "\n"
	mainSpace  = `xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"`
	docRel     = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
	packageRel = "http://schemas.openxmlformats.org/package/2006/relationships"
	mainType   = "application/vnd.openxmlformats-officedocument.spreadsheetml."
	coreType   = "application/vnd.openxmlformats-package.core-properties+xml"
	coreRel    = "http://schemas.openxmlformats.org/package/2006/relationships/metadata/core-properties"
)

// styles are a plain and a bold font; the rest is what the format wants to be there.
const styles = xmlHead + `<styleSheet ` + mainSpace + `><fonts count="2"><font><sz val="11"/><name val="Calibri"/><family val="2"/></font>` +
	`<font><b/><sz val="11"/><name val="Calibri"/><family val="2"/></font></fonts>` +
	`<fills count="2"><fill><patternFill patternType="none"/></fill><fill><patternFill patternType="gray125"/></fill></fills>` +
	`<borders count="1"><border><left/><right/><top/><bottom/><diagonal/></border></borders>` +
	`<cellStyleXfs count="1"><xf numFmtId="0" fontId="0" fillId="0" borderId="0"/></cellStyleXfs>` +
	`<cellXfs count="2"><xf numFmtId="0" fontId="0" fillId="0" borderId="0" xfId="0"/>` +
	`<xf numFmtId="0" fontId="1" fillId="0" borderId="0" xfId="0" applyFont="1"/></cellXfs>` +
	`<cellStyles count="1"><cellStyle name="Normal" xfId="0" builtinId="0"/></cellStyles></styleSheet>`

func newWorkbook(w io.Writer) *workbook { return &workbook{zip: zip.NewWriter(w)} }

// page ends the page before and begins one, with a header that stays in sight.
func (b *workbook) page(name string, header []string, width int) error {
	if err := b.endPage(); err != nil {
		return err
	}
	b.sheets = append(b.sheets, name)
	// No time is given to any part: the same items give the same bytes.
	part, err := b.zip.Create(fmt.Sprintf("xl/worksheets/sheet%d.xml", len(b.sheets)))
	if err != nil {
		return err
	}
	b.part, b.rows = bufio.NewWriter(part), 0
	_, err = fmt.Fprintf(b.part, xmlHead+`<worksheet `+mainSpace+`><sheetViews><sheetView workbookViewId="0">`+
		`<pane ySplit="1" topLeftCell="A2" activePane="bottomLeft" state="frozen"/></sheetView></sheetViews>`+
		`<cols><col min="1" max="%d" width="%d" customWidth="1"/></cols><sheetData>`, len(header), width)
	if err != nil {
		return err
	}
	return b.row(header, bold)
}

func (b *workbook) endPage() error {
	if b.part == nil {
		return nil
	}
	if _, err := b.part.WriteString(`</sheetData></worksheet>`); err != nil {
		return err
	}
	return b.part.Flush()
}

// row writes a row of texts. A cell without text is left out.
func (b *workbook) row(cells []string, style int) error {
	b.rows++
	fmt.Fprintf(b.part, `<row r="%d">`, b.rows)
	for i, c := range cells {
		if c = cell(c); c == "" {
			continue
		}
		fmt.Fprintf(b.part, `<c r="%s%d" s="%d" t="inlineStr"><is><t xml:space="preserve">`, column(i), b.rows, style)
		if err := xml.EscapeText(b.part, []byte(literal(c))); err != nil {
			return err
		}
		b.part.WriteString(`</t></is></c>`)
	}
	_, err := b.part.WriteString(`</row>`) // of the writes before too: an error stays
	return err
}

// column is the name of a column: A to Z, AA, AB and so on.
func column(i int) string {
	if i < 26 {
		return string(rune('A' + i))
	}
	return column(i/26-1) + column(i%26)
}

// escaped begins as the format writes a rune by its number (ST_Xstring of ISO/IEC 29500-1,
// 22.9.2.19). The underscore at its end may begin the next.
var escaped = regexp.MustCompile(`^_x[0-9a-fA-F]{4}_`)

// literal keeps a text from being read as such escapes.
func literal(s string) string {
	if !strings.Contains(s, "_x") {
		return s
	}
	var b strings.Builder
	for i, r := range s {
		if r == '_' && escaped.MatchString(s[i:]) {
			b.WriteString("_x005F")
		}
		b.WriteRune(r)
	}
	return b.String()
}

// close writes what binds the pages together.
func (b *workbook) close(title string, made time.Time) error {
	if err := b.endPage(); err != nil {
		return err
	}
	for _, p := range []struct{ name, text string }{
		{"xl/styles.xml", styles},
		{"xl/workbook.xml", b.index()},
		{"xl/_rels/workbook.xml.rels", b.relations()},
		{"docProps/core.xml", core(title, made)},
		{"_rels/.rels", xmlHead + `<Relationships xmlns="` + packageRel + `">` + relation(1, docRel+"/officeDocument", "xl/workbook.xml") +
			relation(2, coreRel, "docProps/core.xml") + `</Relationships>`},
		{"[Content_Types].xml", b.types()},
	} {
		part, err := b.zip.Create(p.name)
		if err != nil {
			return err
		}
		if _, err := io.WriteString(part, p.text); err != nil {
			return err
		}
	}
	return b.zip.Close()
}

// index lists the pages as they are shown: the first first.
func (b *workbook) index() string {
	first, rest := "", ""
	for i, name := range b.sheets {
		sheet := fmt.Sprintf(`<sheet name="%s" sheetId="%d" r:id="rId%d"/>`, name, i+1, i+1)
		if name == firstPage {
			first = sheet
			continue
		}
		rest += sheet
	}
	return xmlHead + `<workbook ` + mainSpace + ` xmlns:r="` + docRel + `"><sheets>` + first + rest + `</sheets></workbook>`
}

func (b *workbook) relations() string {
	var text strings.Builder
	for i := range b.sheets {
		text.WriteString(relation(i+1, docRel+"/worksheet", "worksheets/sheet"+strconv.Itoa(i+1)+".xml"))
	}
	return xmlHead + `<Relationships xmlns="` + packageRel + `">` + text.String() + relation(len(b.sheets)+1, docRel+"/styles", "styles.xml") +
		`</Relationships>`
}

func relation(id int, kind, target string) string {
	return fmt.Sprintf(`<Relationship Id="rId%d" Type="%s" Target="%s"/>`, id, kind, target)
}

func (b *workbook) types() string {
	text := typed("/xl/workbook.xml", mainType+"sheet.main+xml") + typed("/xl/styles.xml", mainType+"styles+xml") + typed("/docProps/core.xml", coreType)
	for i := range b.sheets {
		text += typed(fmt.Sprintf("/xl/worksheets/sheet%d.xml", i+1), mainType+"worksheet+xml")
	}
	return xmlHead + `<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types">` +
		`<Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>` +
		`<Default Extension="xml" ContentType="application/xml"/>` + text + `</Types>`
}

func typed(part, kind string) string {
	return `<Override PartName="` + part + `" ContentType="` + kind + `"/>`
}

func core(title string, made time.Time) string {
	at := made.UTC().Format(time.RFC3339)
	var text strings.Builder
	_ = xml.EscapeText(&text, []byte(cell(title))) // a Builder takes everything
	return xmlHead + `<cp:coreProperties xmlns:cp="http://schemas.openxmlformats.org/package/2006/metadata/core-properties"` +
		` xmlns:dc="http://purl.org/dc/elements/1.1/" xmlns:dcterms="http://purl.org/dc/terms/" xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance">` +
		`<dc:title>` + text.String() + `</dc:title><dc:creator>rollcall</dc:creator>` +
		`<dcterms:created xsi:type="dcterms:W3CDTF">` + at + `</dcterms:created><dcterms:modified xsi:type="dcterms:W3CDTF">` + at + `</dcterms:modified>` +
		`</cp:coreProperties>`
}
