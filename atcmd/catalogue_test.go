package atcmd

import (
	"bytes"
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

// Every entry of the embedded table is harmless by its form, complete, and found by Parse.
func TestCatalogue(t *testing.T) {
	all := Catalogue()
	if len(all) < 50 {
		t.Fatalf("%d queries", len(all))
	}
	for _, q := range all {
		if err := harmless(q.Command.text); err != nil {
			t.Error(err)
		}
		if q.Standard == "" || q.Asks == "" || q.Source == "" || q.Timeout <= 0 || q.Timeout > MaxTimeout {
			t.Errorf("%s is incomplete: %+v", q.Command, q)
		}
		if c, err := Parse(q.Command.String()); err != nil || c != q.Command {
			t.Errorf("Parse(%q) = %v, %v", q.Command, c, err)
		}
		for _, slug := range q.Makers {
			if strings.Trim(slug, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
				t.Errorf("%s: %q is no slug", q.Command, slug)
			}
		}
	}
	for _, c := range []Command{wakeUp, basic, unknown} {
		if _, err := Parse(c.text); err != nil {
			t.Error(err)
		}
	}
}

// All identification queries of V.250 and TS 27.007 are there.
func TestCatalogueIsComplete(t *testing.T) {
	want := strings.Fields("AT ATI ATI0 ATI1 ATI2 ATI3 ATI4 ATI5 ATI6 ATI7 ATI8 ATI9 AT+GMI AT+GMM AT+GMR AT+GSN AT+GOI AT+GCAP AT+CGMI AT+CGMM AT+CGMR AT+CGSN AT+CGMI? AT+CGMM? AT+CGMR? AT+CGSN? AT+CGSN=1")
	for _, text := range want {
		if _, err := Parse(text); err != nil {
			t.Error(err)
		}
	}
}

// dangerous are commands that must never get in, and near misses of catalogued ones.
var dangerous = []string{
	"", "at", "ati", "A", "AT ", " AT", "AT\r", "AT\n", "AT\r\n", "AT\x00", "ATI\x1b", "+++", "\x1b", "\x1a", "ATI\x1a",
	"ATZ", "ATZ0", "AT&F", "AT&F0", "AT&V", "AT&W", "ATE0", "ATE1", "ATV0", "ATV1", "ATQ0", "ATQ1", "ATS0=0", "ATS0?", "ATD123", "ATA", "ATH", "ATH0", "ATO", "ATX4", "ATL0", "ATM0", "ATP", "ATT",
	"AT+CMEE=1", "AT+CMEE?", "AT+CFUN=1,1", "AT+CFUN?", "AT+CFUN", "AT+COPS=?", "AT+COPS?", "AT+COPS=3,0", "AT+CMGF=0", "AT+CMGL=4", "AT+CMGR=1", "AT+CMGS=10", "AT+CMGD=1", "AT+CMGW", "AT+CPIN?", "AT+CPIN=1234", "AT+CPMS?", "AT+CNMI?",
	"AT+CIMI", "AT+CCID", "AT+ICCID", "AT+CNUM", "AT+CREG?", "AT+CREG=2", "AT+CLCK", "AT+CRSM", "AT+CUSD=1", "AT+CPWROFF", "AT+CPOF", "AT+CRESET", "AT+IPR?", "AT+IPR=9600", "AT+CMUX=0", "AT+CSCS?", "AT+CCLK?",
	"AT^GETPORTMODE", "AT^SETPORT?", "AT^RESET", "AT^U2DIAG=0", "AT!RESET", "AT!ENTERCND?", "AT!BOOTHOLD", "AT!IMAGE?", "AT!IMPREF?", "AT#REBOOT", "AT#SHDN", "AT#FWSWITCH?", "AT+QPOWD", "AT+QCFG", "AT+QFOTADL", "AT+QFLST", "AT%FOTA", "AT#XRESET", "AT#XSHUTDOWN", "AT+ZRST", "AT$QCPWRDN",
	"AT+CGSN=", "AT+CGSN=4", "AT+CGSN=255", "AT+CGSN=1,2", "AT+CGSN=?", "AT+GMI=1", "AT+GMI;+CFUN=0", "ATI;+CSUB", "ATI;H", "AT+CGMI;", "ATI10", "ATIZ", "ATI0Z", "ATI&F", "ATIE0", "AT+", "AT?", "AT+?", "AT+cgmi", "AT+CGMI??", "AT+CGMI\"", "AT+EGMR=1,7", "AT++++", "AT+CGM\xcd",
}

// No dangerous form is harmless, parses, or passes the guard.
func TestDangerousFormsStayOut(t *testing.T) {
	for _, text := range dangerous {
		if text != "" && harmless(text) == nil {
			t.Errorf("%q counts as harmless", text)
		}
		if c, err := Parse(text); err == nil {
			t.Errorf("Parse(%q) = %v", text, c)
		}
		if c, ok := permitted([]byte(text + "\r\n")); ok {
			t.Errorf("%q passes as %v", text, c)
		}
	}
}

// A table that holds anything else is refused whole.
func TestCatalogueRefusesTables(t *testing.T) {
	good := "ATI\tV.250\t\t5s\ttext\tsource\n"
	if _, err := readCatalogue("# comment\n\n" + good); err != nil {
		t.Fatal(err)
	}
	for _, text := range dangerous {
		if strings.ContainsAny(text, "\n\t") {
			continue
		}
		row := text + "\tx\t\t5s\tx\tx\n"
		if text == "" {
			row = "\tx\t\t5s\tx\tx\n"
		}
		if _, err := readCatalogue(good + row); err == nil {
			t.Errorf("a table with %q is accepted", text)
		}
	}
	for _, row := range []string{good, "AT+GMI\tx\t\t5s\tx\n", "AT+GMI\tx\t\t\tx\tx\n", "AT+GMI\tx\t\t31s\tx\tx\n", "AT+GMI\tx\t\t-1s\tx\tx\n", "AT+GMI\tx\t\t0s\tx\tx\n", "AT+ABCDEFGHIJKLMNOPQRSTUVWXYZABCDEFG\tx\t\t5s\tx\tx\n"} {
		if _, err := readCatalogue(good + row); err == nil {
			t.Errorf("a table with %q is accepted", row)
		}
	}
}

// FuzzHarmless: whatever passes is AT and one name, printable, without a chain.
func FuzzHarmless(f *testing.F) {
	for _, text := range dangerous {
		f.Add(text)
	}
	for _, q := range Catalogue() {
		f.Add(q.Command.text)
	}
	f.Fuzz(func(t *testing.T, text string) {
		if harmless(text) != nil {
			return
		}
		for _, b := range []byte(text) {
			if b <= ' ' || b >= 0x7f {
				t.Fatalf("%q holds byte %#x", text, b)
			}
		}
		if strings.ContainsAny(text, ";&,\"\\") || strings.Contains(text, "+++") || strings.Contains(text, "=") && !slices.Contains(assigning, text) {
			t.Fatalf("%q passes", text)
		}
		rest, ok := strings.CutPrefix(text, "AT")
		if !ok || strings.ContainsAny(strings.TrimPrefix(rest, "I")+" ", "abcdefghijklmnopqrstuvwxyz") {
			t.Fatalf("%q passes", text)
		}
	})
}

// No company stands in Go code: makers are data.
func TestNoMakerInCode(t *testing.T) {
	slugs := map[string]bool{}
	for _, q := range Catalogue() {
		for _, s := range q.Makers {
			slugs[s] = true
		}
	}
	delete(slugs, "option") // an English word
	files, err := filepath.Glob("*.go")
	if err != nil || len(files) < 10 {
		t.Fatal(err, files)
	}
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		for slug := range slugs {
			if strings.Contains(strings.ToLower(string(text)), slug) {
				t.Errorf("%s names %s", name, slug)
			}
		}
	}
}

// The package reaches neither files nor sockets, and only guard.put writes to a port.
func TestImportsAndTheOneWriter(t *testing.T) {
	files, _ := filepath.Glob("*.go")
	writers := 0
	for _, name := range files {
		if strings.HasSuffix(name, "_test.go") {
			continue
		}
		text, err := os.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		file, err := parser.ParseFile(token.NewFileSet(), name, text, 0)
		if err != nil {
			t.Fatal(err)
		}
		for _, i := range file.Imports {
			switch path := strings.Trim(i.Path.Value, `"`); path {
			case "os", "net", "os/exec", "syscall", "unsafe", "golang.org/x/sys/unix":
				t.Errorf("%s imports %s", name, path)
			}
		}
		ast.Inspect(file, func(n ast.Node) bool {
			call, ok := n.(*ast.CallExpr)
			if !ok {
				return true
			}
			switch f, _ := call.Fun.(*ast.SelectorExpr); {
			case f == nil:
			case f.Sel.Name == "Write":
				writers++
				if name != "guard.go" {
					t.Errorf("%s writes", name)
				}
			case slices.Contains([]string{"Init", "SMSCommand", "Escape", "AddIndication"}, f.Sel.Name):
				t.Errorf("%s calls %s", name, f.Sel.Name)
			}
			return true
		})
		if bytes.Contains(text, []byte("func init()")) {
			t.Errorf("%s has an init function", name)
		}
	}
	if writers != 1 {
		t.Errorf("%d calls write; one must", writers)
	}
}

// The other tables are well formed too, and no line is both a result and unasked.
func TestTables(t *testing.T) {
	if _, err := readResults(resultTable); err != nil {
		t.Error(err)
	}
	in, err := readIndications(unaskedTable)
	if err != nil {
		t.Fatal(err)
	}
	for text := range in.exact {
		if c := finals().find(text, false); c != codeNone {
			t.Errorf("%q is both", text)
		}
	}
	for _, q := range Catalogue() {
		if known, _ := in.find(q.Command.name() + ": 1"); known && q.Command.name() != "" {
			t.Errorf("the answer to %s counts as unasked", q.Command)
		}
	}
	for _, bad := range []string{"RING\t\n", "\t\tx\ty\n", "RING\tyes\tx\ty\n"} {
		if _, err := readIndications(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
	for _, bad := range []string{"OK\t0\tok\n", "OK\t0\tfine\tx\n"} {
		if _, err := readResults(bad); err == nil {
			t.Errorf("%q is accepted", bad)
		}
	}
}
