package capture_test

import (
	"bytes"
	"encoding/binary"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/capture"
)

var update = flag.Bool("update", false, "write the golden files anew")

// TestTerminal reads each log of testdata/terminal and compares everything found, and
// what each line was taken for, with the golden file beside it.
func TestTerminal(t *testing.T) {
	logs := terminalLogs(t)
	if len(logs) < 20 {
		t.Fatalf("only %d logs in testdata/terminal", len(logs))
	}
	for _, path := range logs {
		t.Run(filepath.Base(path), func(t *testing.T) {
			text := read(t, path)
			if f := capture.Sniff(text); f != capture.Terminal {
				t.Errorf("Sniff = %v, want Terminal", f)
			}
			got := describe(capture.ReadSessions(bytes.NewReader(text)))
			golden := path + ".golden"
			if *update {
				if err := os.WriteFile(golden, []byte(got), 0o644); err != nil {
					t.Fatal(err)
				}
			}
			if diff := cmp.Diff(string(read(t, golden)), got); diff != "" {
				t.Errorf("-want +got\n%s", diff)
			}
		})
	}
}

// TestTerminalHowever: the same capture gives the same cases however it is read and
// whichever ends of line it has.
func TestTerminalHowever(t *testing.T) {
	for _, path := range terminalLogs(t) {
		text := read(t, path)
		want := describe(capture.ReadSessions(bytes.NewReader(text)))
		if got := describe(capture.ReadSessions(iotest.OneByteReader(bytes.NewReader(text)))); got != want {
			t.Errorf("%s: read byte by byte: %s", path, cmp.Diff(want, got))
		}
		if bytes.Contains(text, []byte("\r")) {
			continue
		}
		crlf := bytes.ReplaceAll(text, []byte("\n"), []byte("\r\n"))
		if got := describe(capture.ReadSessions(bytes.NewReader(crlf))); got != want {
			t.Errorf("%s: with CRLF: %s", path, cmp.Diff(want, got))
		}
	}
}

// TestTerminalUTF16: the same capture as an editor on Windows saves it.
func TestTerminalUTF16(t *testing.T) {
	const log = "ATI\r\nQuectel\r\nEC25\r\n移远\r\nOK\r\n"
	want := describe(capture.ReadSessions(strings.NewReader(log)))
	for _, order := range []binary.AppendByteOrder{binary.LittleEndian, binary.BigEndian} {
		var text []byte
		for _, u := range utf16.Encode([]rune("\ufeff" + log)) {
			text = order.AppendUint16(text, u)
		}
		if diff := cmp.Diff(want, describe(capture.ReadSessions(bytes.NewReader(text)))); diff != "" {
			t.Errorf("%v: -want +got\n%s", order, diff)
		}
	}
}

func TestReadTerminalTakesTheFullest(t *testing.T) {
	const log = "[ttyUSB1/at] --> 'AT+CGMI<CR>'\n[ttyUSB1/at] <-- 'Sierra<CR><LF>OK<CR><LF>'\n" +
		"[ttyUSB2/at] --> 'AT+CGMI<CR>'\n[ttyUSB2/at] <-- 'Quectel<CR><LF>OK<CR><LF>'\n" +
		"[ttyUSB2/at] --> 'AT+CGMM<CR>'\n[ttyUSB2/at] <-- 'EC25<CR><LF>OK<CR><LF>'\n"
	got, used, err := capture.ReadTerminal(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	if len(got.Transcript) != 2 || got.ID != "ttyUSB2" {
		t.Errorf("case %q with %d exchanges, want ttyUSB2 with 2", got.ID, len(got.Transcript))
	}
	if used[0].As != capture.UseNone || used[0].Why != "of another module" {
		t.Errorf("line 1 used as %q (%s), want left out as of another module", used[0].As, used[0].Why)
	}
}

// describe writes cases and uses as text for golden files.
func describe(cases []capture.Case, used []capture.Used, err error) string {
	var b strings.Builder
	if err != nil {
		fmt.Fprintf(&b, "error: %v\n", err)
	}
	for i, c := range cases {
		fmt.Fprintf(&b, "case %d %s\n", i, c.ID)
		if d := c.USB; d != nil {
			fmt.Fprintf(&b, "  usb %s:%s %q %q\n", d.VID, d.PID, d.Manufacturer, d.Product)
		}
		if d := c.PCI; d != nil {
			fmt.Fprintf(&b, "  pci %s:%s\n", d.VID, d.PID)
		}
		if m := c.Managed; m != nil {
			fmt.Fprintf(&b, "  %s %q %q %q %q %q %q\n", m.By, m.Manufacturer, m.Model, m.Revision, m.Hardware, m.EquipmentID, m.Plugin)
		}
		for _, l := range c.Banner {
			fmt.Fprintf(&b, "  ! %q\n", l)
		}
		for _, e := range c.Transcript {
			fmt.Fprintf(&b, "  %q %q %q\n", e.Cmd, e.Lines, e.Final)
		}
	}
	for _, u := range used {
		fmt.Fprintf(&b, "%3d %-10s %q", u.Line, u.As, u.Text)
		if u.Of != "" && u.As != capture.UseCommand {
			fmt.Fprintf(&b, " of %s", u.Of)
		}
		if u.Why != "" {
			fmt.Fprintf(&b, " (%s)", u.Why)
		}
		fmt.Fprintf(&b, " %d\n", u.Case)
	}
	return b.String()
}

func terminalLogs(t testing.TB) []string {
	t.Helper()
	all, err := filepath.Glob("testdata/terminal/*")
	if err != nil {
		t.Fatal(err)
	}
	var logs []string
	for _, p := range all {
		if filepath.Ext(p) != ".golden" && filepath.Ext(p) != ".tsv" {
			logs = append(logs, p)
		}
	}
	return logs
}

func read(t testing.TB, path string) []byte {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return b
}

// TestSilentChannelsAreReported: what came on a port that was asked nothing is left out with a reason, not in silence.
func TestSilentChannelsAreReported(t *testing.T) {
	const log = `<debug> [1.1] [ttyUSB2/at] --> 'AT+CGMM<CR>'
<debug> [1.1] [ttyUSB3/at] <-- '<CR><LF>+CREG: 1<CR><LF>'
<debug> [1.1] [ttyUSB2/at] <-- '<CR><LF>EC25<CR><LF><CR><LF>OK<CR><LF>'
`
	_, used, err := capture.ReadTerminal(strings.NewReader(log))
	if err != nil {
		t.Fatal(err)
	}
	for _, u := range used {
		if u.Line == 2 && u.As == capture.UseNone && u.Why != "" {
			return
		}
	}
	t.Errorf("line 2 is not accounted for: %+v", used)
}
