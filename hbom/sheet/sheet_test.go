package sheet_test

import (
	"archive/zip"
	"bytes"
	"encoding/csv"
	"errors"
	"io"
	"iter"
	"slices"
	"strings"
	"testing"
	"time"
	"unicode"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"
	"github.com/xuri/excelize/v2"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/hbom/sheet"
	"github.com/rollcall-iot/rollcall/inventory"
)

func settings() sheet.Settings {
	return sheet.Settings{
		Settings: hbom.Settings{Time: time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC), Name: "fleet of Example Utility", Version: "0.1.0"},
		Notes:    []sheet.Note{{Name: "DoD Section 1260H list", Text: "edition 2026-06-08, as of 2026-08-14"}},
	}
}

func item() hbom.Item {
	return hbom.Item{
		Gateway: inventory.Gateway{ID: "gw-0417", Hostname: "gw-0417.example", Labels: map[string]string{"site": "substation", "rack": "7"}},
		Module: inventory.Module{
			ID: "usb:1-1.2", State: inventory.StateIdentified, Confidence: 0.99, Data: "2026-11-20+0badcafe",
			Identity: inventory.Identity{Maker: "quectel", MakerName: "Quectel Wireless Solutions", Model: "EC25-E", Variant: "E",
				Firmware: "EC25EFAR06A08M4G", IMEI: "867012040000009", Chipset: "Qualcomm MDM9x07", Technology: "LTE Cat 4"},
			Origin: inventory.Origin{Country: "CN", ParentCountry: "CN"},
			Evidence: []inventory.Evidence{{Claim: "model", Source: "at:AT+CGMR", Quote: "EC25EFAR06A08M4G"},
				{Claim: "imei", Source: "at:AT+CGSN", Quote: "867012040000009"}},
			Device: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2"},
		},
		Findings: []hbom.Finding{{Rule: "named-in-list", List: "dod-1260h", Edition: "2026-06-08", Severity: "high",
			Text: "Quectel Wireless Solutions is named in the DoD Section 1260H list, edition 2026-06-08", Since: time.Date(2025, 1, 7, 0, 0, 0, 0, time.UTC)}},
	}
}

func seq(items ...hbom.Item) iter.Seq2[hbom.Item, error] {
	return func(yield func(hbom.Item, error) bool) {
		for _, i := range items {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func writeCSV(t testing.TB, s sheet.Settings, items ...hbom.Item) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sheet.CSV(&b, seq(items...), s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func writeXLSX(t testing.TB, s sheet.Settings, items ...hbom.Item) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := sheet.XLSX(&b, seq(items...), s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func read(t testing.TB, b []byte) [][]string {
	t.Helper()
	rows, err := csv.NewReader(bytes.NewReader(b)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return rows
}

func TestCSV(t *testing.T) {
	got := string(writeCSV(t, settings(), item()))
	want := "gateway,hostname,labels,module,state,maker,maker_name,maker_seat,parent_seat,badge,model,variant,hardware,firmware,chipset," +
		"technology,confidence,lists,findings,conflicts,possible_makers,evidence,device,reason,data\r\n" +
		`gw-0417,gw-0417.example,"rack=7, site=substation",usb:1-1.2,identified,quectel,Quectel Wireless Solutions,CN,CN,,EC25-E,E,,` +
		`EC25EFAR06A08M4G,Qualcomm MDM9x07,LTE Cat 4,0.99,dod-1260h edition=2026-06-08 since=2025-01-07,` +
		`"named-in-list (high): Quectel Wireless Solutions is named in the DoD Section 1260H list, edition 2026-06-08",,,` +
		`model at:AT+CGMR: EC25EFAR06A08M4G,usb 1-1.2 2c7c:0125,,2026-11-20+0badcafe` + "\r\n"
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestIMEIHasAColumnOnlyIfAskedFor(t *testing.T) {
	if bytes.Contains(writeCSV(t, settings(), item()), []byte("8670120400")) {
		t.Error("the IMEI is there")
	}
	s := settings()
	s.IMEI = true
	rows := read(t, writeCSV(t, s, item()))
	if rows[0][14] != "imei" || rows[1][14] != "867012040000009" {
		t.Errorf("%q", rows)
	}
}

var hostile = []string{
	"=HYPERLINK(\"http://x\",\"y\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "\n=1", " =1", "\" =1", "'=1", "＝1", "x;=1", "x; @y", "a;\"=b",
	"<script>alert(1)</script>", "a.b.>", "../../x", "$(reboot)", "';--", "x\nlevel=ERROR msg=forged", "\x1b[2J", "\x9b31m", "\u202eexe.fdp",
	"\xff\xfe\x00", "_x000D_", "\ufffe", strings.Repeat("ä", 40_000), strings.Repeat("𝄞", 40_000), strings.Repeat(";=", 16_000),
}

func filled(s string) hbom.Item {
	return hbom.Item{
		Gateway: inventory.Gateway{ID: s, Hostname: s, Labels: map[string]string{s: s}},
		Module: inventory.Module{ID: s, State: inventory.State(s), Reason: s, Seems: s, Data: s, Possible: []string{s},
			Identity: inventory.Identity{Maker: s, MakerName: s, Badge: s, Model: s, Variant: s, Firmware: s, Hardware: s, IMEI: s, Chipset: s, Technology: s},
			Origin:   inventory.Origin{Country: s, ParentCountry: s}, Evidence: []inventory.Evidence{{Claim: "model", Source: s, Quote: s}},
			Conflicts: []inventory.Conflict{{Claim: s, Values: []string{s}, Why: s}}, Device: &inventory.Device{Bus: s, VID: s, PID: s, Path: s}},
		Findings: []hbom.Finding{{Rule: s, List: s, Edition: s, Severity: s, Text: s, Source: s, Excepted: s}},
	}
}

// computes says whether a spreadsheet would take the cell, or what stands after a semicolon
// in it, for a formula.
func computes(cell string) bool {
	for part := range strings.SplitSeq(cell, ";") {
		part = strings.TrimLeft(part, " \u00a0\"")
		if part != "" && strings.ContainsAny(part[:1], "=+-@\t\r\n") || strings.HasPrefix(part, "＝") {
			return true
		}
	}
	return false
}

func checkCells(t *testing.T, rows [][]string) {
	t.Helper()
	for _, row := range rows {
		for _, c := range row {
			if computes(c) {
				t.Errorf("%.60q would be computed", c)
			}
			for _, r := range c {
				if r < 0x20 || !unicode.IsGraphic(r) {
					t.Errorf("%U in %.60q", r, c)
					break
				}
			}
		}
	}
}

func TestNoCSVCellIsAFormula(t *testing.T) {
	for _, s := range hostile {
		set := settings()
		set.IMEI = true
		rows := read(t, writeCSV(t, set, filled(s), item()))
		if len(rows) != 3 || len(rows[1]) != len(rows[0]) {
			t.Fatalf("%.20q: %d rows", s, len(rows))
		}
		checkCells(t, rows)
		for _, c := range slices.Concat(rows...) {
			checkCell(t, c)
		}
	}
}

func TestNoXLSXCellIsAFormula(t *testing.T) {
	for _, s := range hostile {
		set := settings()
		set.IMEI, set.Name, set.Notes = true, s, []sheet.Note{{Name: s, Text: s}}
		doc := writeXLSX(t, set, filled(s))
		f, err := excelize.OpenReader(bytes.NewReader(doc))
		if err != nil {
			t.Fatalf("%.20q: %v", s, err)
		}
		for _, page := range []string{"About", "Modules"} {
			rows, err := f.GetRows(page)
			if err != nil {
				t.Fatal(err)
			}
			for y, row := range rows {
				for x := range row {
					checkCell(t, row[x])
					at, err := excelize.CoordinatesToCellName(x+1, y+1)
					if err != nil {
						t.Fatal(err)
					}
					formula, err := f.GetCellFormula(page, at)
					typ, errType := f.GetCellType(page, at)
					if err != nil || errType != nil || formula != "" || row[x] != "" && typ != excelize.CellTypeInlineString {
						t.Errorf("%.20q in %s!%s: formula %q, type %v, %v %v", s, page, at, formula, typ, err, errType)
					}
				}
			}
		}
		if err := f.Close(); err != nil {
			t.Error(err)
		}
		if bytes.Contains(part(t, doc, "xl/worksheets/sheet2.xml"), []byte("<f>")) {
			t.Errorf("%.20q: a formula in the XML", s)
		}
	}
}

// checkCell: printable, and what was shortened to what the format takes says so.
func checkCell(t *testing.T, c string) {
	t.Helper()
	for _, r := range c {
		if r < 0x20 || !unicode.IsGraphic(r) {
			t.Errorf("%U in %.60q", r, c)
			return
		}
	}
	if n := len(utf16.Encode([]rune(c))); n > 31_000 && !strings.HasSuffix(c, "…") || n > 32_767 {
		t.Errorf("%d units, and the end is missing", n)
	}
}

func part(t *testing.T, doc []byte, name string) []byte {
	t.Helper()
	z, err := zip.NewReader(bytes.NewReader(doc), int64(len(doc)))
	if err != nil {
		t.Fatal(err)
	}
	f, err := z.Open(name)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	b, err := io.ReadAll(f)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func TestXLSX(t *testing.T) {
	other := item()
	other.Gateway.ID, other.Module.State = "gw-1", inventory.StateHeld
	f, err := excelize.OpenReader(bytes.NewReader(writeXLSX(t, settings(), item(), other)))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if diff := cmp.Diff([]string{"About", "Modules"}, f.GetSheetList()); diff != "" {
		t.Error(diff)
	}
	rows, err := f.GetRows("Modules")
	if err != nil {
		t.Fatal(err)
	}
	want := read(t, writeCSV(t, settings(), item(), other))
	for i := range want {
		if diff := cmp.Diff(want[i], rows[i]); diff != "" {
			t.Errorf("row %d (-csv +xlsx):\n%s", i, diff)
		}
	}
	about, err := f.GetRows("About")
	if err != nil {
		t.Fatal(err)
	}
	text := ""
	for _, r := range about {
		text += strings.Join(r, ": ") + "\n"
	}
	for _, w := range []string{"Subject: fleet of Example Utility\n", "Made: 2026-11-22 10:00:00 UTC\n", "Gateways: 2\n", "Modules: 2\n",
		"Modules not identified: 1\n", "IMEIs: left out\n", "DoD Section 1260H list: edition 2026-06-08, as of 2026-08-14\n", "not places of production"} {
		if !strings.Contains(text, w) {
			t.Errorf("%q is not in\n%s", w, text)
		}
	}
}

func TestEmptyTables(t *testing.T) {
	if rows := read(t, writeCSV(t, settings())); len(rows) != 1 {
		t.Errorf("%q", rows)
	}
	f, err := excelize.OpenReader(bytes.NewReader(writeXLSX(t, settings())))
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	if rows, err := f.GetRows("Modules"); err != nil || len(rows) != 1 {
		t.Errorf("%q %v", rows, err)
	}
}

func TestSameItemsSameBytes(t *testing.T) {
	first := writeXLSX(t, settings(), item(), item())
	for range 20 { // the library's order is that of a map
		if !bytes.Equal(first, writeXLSX(t, settings(), item(), item())) {
			t.Fatal("two workbooks of the same items differ")
		}
	}
}

func TestErrorsArePassedOn(t *testing.T) {
	gone := errors.New("database is gone")
	broken := func(yield func(hbom.Item, error) bool) { _ = yield(item(), nil) && yield(hbom.Item{}, gone) }
	if err := sheet.CSV(io.Discard, broken, settings()); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	if err := sheet.XLSX(io.Discard, broken, settings()); !errors.Is(err, gone) {
		t.Errorf("%v", err)
	}
	full := writer(func([]byte) (int, error) { return 0, io.ErrShortWrite })
	if err := sheet.CSV(full, seq(item()), settings()); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
	if err := sheet.XLSX(full, seq(item()), settings()); !errors.Is(err, io.ErrShortWrite) {
		t.Errorf("%v", err)
	}
}

type writer func([]byte) (int, error)

func (w writer) Write(b []byte) (int, error) { return w(b) }

// FuzzCSV: whatever a module says, no cell would be computed or is longer than a spreadsheet
// takes, and the table keeps its shape.
func FuzzCSV(f *testing.F) {
	for i, s := range hostile {
		f.Add(s[:min(len(s), 60)], hostile[(i+9)%len(hostile)][:1], uint16(i*1999))
	}
	f.Fuzz(func(t *testing.T, head, again string, times uint16) {
		s := head + strings.Repeat(again, min(int(times), 1+40_000/(1+len(again)))) + head
		rows := read(t, writeCSV(t, settings(), filled(s), item()))
		if len(rows) != 3 || rows[2][0] != "gw-0417" {
			t.Fatalf("%q", rows)
		}
		checkCells(t, rows)
		for _, c := range rows[1] {
			if n := len(utf16.Encode([]rune(c))); n > 32_767 {
				t.Errorf("a cell of %d units", n)
			}
		}
	})
}

func many(n int) iter.Seq2[hbom.Item, error] {
	return func(yield func(hbom.Item, error) bool) {
		it := item()
		for range n {
			if !yield(it, nil) {
				return
			}
		}
	}
}

func BenchmarkCSV(b *testing.B) {
	b.ReportAllocs()
	if err := sheet.CSV(io.Discard, many(b.N), settings()); err != nil {
		b.Fatal(err)
	}
}

func BenchmarkXLSX(b *testing.B) {
	b.ReportAllocs()
	if err := sheet.XLSX(io.Discard, many(b.N), settings()); err != nil {
		b.Fatal(err)
	}
}
