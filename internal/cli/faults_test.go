package cli_test

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/internal/cli"
	"github.com/rollcall-iot/rollcall/inventory"
)

// says runs one command on a transcript in which a module says text in every place; alone: and nothing else.
func says(t *testing.T, text string, alone bool, args ...string) (stdout, stderr string) {
	t.Helper()
	exchanges := []inventory.Exchange{{Cmd: "AT+GMI", Lines: []string{"Quectel"}, Final: "OK"}}
	for _, cmd := range []string{"ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN", "AT+QGMR"} {
		x := inventory.Exchange{Cmd: cmd, Lines: []string{text}, Final: "OK"}
		if !alone {
			x.Lines = append(x.Lines, "Quectel", "EC25 "+text)
		}
		exchanges = append(exchanges, x)
	}
	line, err := json.Marshal(map[string]any{"id": "x", "exchange": exchanges, "banner": []string{text},
		"usb": inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Manufacturer: text, Product: text}})
	if err != nil {
		t.Fatal(err)
	}
	var out, errs bytes.Buffer
	if code := cli.Run(t.Context(), args, bytes.NewReader(line), &out, &errs); code != 0 {
		t.Fatalf("%q: exit status %d: %s", args, code, errs.String())
	}
	return out.String(), errs.String()
}

// TestA14TerminalEscapes: whatever a module says, no byte of it that a terminal obeys is printed, in any format. (C1 and
// marks of direction are counted as runes; in JSON and YAML they stand as escapes.)
func TestA14TerminalEscapes(t *testing.T) {
	hostile := []string{
		"\x1b[2J\x1b[H", "\x1b]0;owned\x07", "\x1b]52;c;b3duZWQ=\x07", "\x1b]8;;http://x\x1b\\link\x1b]8;;\x1b\\", "\x1bP1;2|\x1b\\", "\x1b[31m",
		"\u009b2J", "\u0090x\u009c", "\u202eELIAB\u202c", "\u2066x\u2069", "\u200f", "a\rb", "a\bb", "\x7f", "\x00", "\u0085", "\u2028",
	}
	for _, text := range hostile {
		for _, format := range []string{"table", "csv", "json", "yaml"} {
			stdout, stderr := says(t, text, false, "identify", "--from", "-", "-o", format)
			checkPlain(t, format, text, stdout+stderr)
		}
		stdout, stderr := says(t, text, false, "explain", "-")
		checkPlain(t, "explain", text, stdout+stderr)
	}
}

func checkPlain(t *testing.T, where, text, printed string) {
	t.Helper()
	for _, r := range printed {
		switch {
		case r == '\n':
		case r < 0x20, r >= 0x7f && r <= 0x9f, r >= 0x200e && r <= 0x200f, r >= 0x2028 && r <= 0x202e, r >= 0x2066 && r <= 0x2069:
			t.Errorf("%s: %q lets %U through", where, text, r)
			return
		}
	}
}

// TestA16Injection: what a module says is text to every sink: cells begin with no sign of a formula, JSON and YAML hold the
// very value, and no line of it becomes a line of the output.
func TestA16Injection(t *testing.T) {
	formula := false
	for _, text := range []string{
		"=HYPERLINK(\"http://x\",\"EC25\")", "+1+1", "-1+1", "@SUM(1)", "\t=1", "x;=1+1", "<script>alert(1)</script>", "a.b.>", "../../x", "$(reboot)", "`id`", "';--", "EC25\",\"x",
	} {
		table, _ := says(t, text, true, "identify", "--from", "-", "-o", "csv")
		rows, err := csv.NewReader(strings.NewReader(table)).ReadAll()
		if err != nil || len(rows) != 2 {
			t.Fatalf("%q: %d rows, %v", text, len(rows), err)
		}
		said := false
		for _, cell := range rows[1] {
			said = said || strings.Contains(cell, strings.TrimLeft(text, "\t"))
			for part := range strings.SplitSeq(cell, ";") { // which divides cells in some countries
				if strings.IndexAny(strings.TrimLeft(part, " "), "=+-@\t\r＝＋－＠") == 0 {
					t.Errorf("%q gave the cell %q", text, cell)
				}
			}
		}
		formula = formula || said
		object, _ := says(t, text, true, "identify", "--from", "-", "-o", "json")
		var m inventory.Module
		if err := json.Unmarshal([]byte(object), &m); err != nil {
			t.Fatal(err)
		}
		if len(m.Transcript) < 2 || m.Transcript[1].Lines[0] != text {
			t.Errorf("%q became %+v", text, m.Transcript)
		}
	}
	if !formula {
		t.Error("no text of a module came into a cell: this test tests nothing")
	}
}
