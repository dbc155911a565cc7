package cli_test

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"regexp"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/creack/pty"
	"github.com/google/go-cmp/cmp"
	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/internal/cli"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
)

// TestScanSendsOnlyTheCatalogue asks every embedded module and looks at all bytes that
// reached it.
func TestScanSendsOnlyTheCatalogue(t *testing.T) {
	cases, err := simulate.Cases()
	if err != nil {
		t.Fatal(err)
	}
	var mu sync.Mutex
	received := map[string][]byte{}
	fleet, err := simulate.Start(t.Context(), cases, t.TempDir(), simulate.Settings{Delay: -1, Received: func(id string, b []byte) {
		mu.Lock()
		defer mu.Unlock()
		received[id] = append(received[id], b...)
	}})
	if err != nil {
		t.Fatal(err)
	}
	defer func() {
		if err := fleet.Close(); err != nil {
			t.Error(err)
		}
	}()
	args := []string{"scan", "-o", "json"}
	for _, p := range fleet.Paths() {
		args = append(args, "--port", p)
	}
	var stdout, stderr bytes.Buffer
	if code := cli.Run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); code != 0 {
		t.Fatalf("exit status %d: %s", code, stderr.String())
	}
	var report inventory.Report
	if err := json.Unmarshal(stdout.Bytes(), &report); err != nil {
		t.Fatal(err)
	}
	if len(report.Modules) != len(cases) {
		t.Errorf("%d modules in the report, %d were there", len(report.Modules), len(cases))
	}
	permitted := map[string]bool{"": true}
	for _, q := range atcmd.Catalogue() {
		permitted[q.Command.String()] = true
	}
	mu.Lock()
	defer mu.Unlock()
	for id, b := range received {
		for cmd := range strings.SplitSeq(string(b), "\r") {
			if !permitted[cmd] {
				t.Errorf("%s was sent %q, which the catalogue does not hold", id, cmd)
			}
		}
	}
	if len(received) != len(cases) {
		t.Errorf("%d modules were asked, of %d", len(received), len(cases))
	}
}

const session = "ATI\nQuectel\nEC25\nRevision: EC25EFAR06A08M4G\n\nOK\n"

// onTerminal runs a command line on a terminal with so many columns.
func onTerminal(t *testing.T, columns uint16, args ...string) string {
	t.Helper()
	master, slave, err := pty.Open()
	if err != nil {
		t.Fatal(err)
	}
	if err := pty.Setsize(slave, &pty.Winsize{Rows: 40, Cols: columns}); err != nil {
		t.Fatal(err)
	}
	drawn := make(chan string)
	go func() {
		b, _ := io.ReadAll(master) // ends with EIO when the other side is closed
		drawn <- string(b)
	}()
	code := cli.Run(t.Context(), args, strings.NewReader(session), slave, slave)
	if err := slave.Close(); err != nil {
		t.Fatal(err)
	}
	text := <-drawn
	_ = master.Close()
	if code != 0 {
		t.Fatalf("exit status %d: %s", code, text)
	}
	return text
}

func TestTerminalWidthAndColour(t *testing.T) {
	t.Setenv("TERM", "xterm")
	t.Setenv("NO_COLOR", "")
	coloured := onTerminal(t, 40, "identify", "--from", "-")
	if !strings.Contains(coloured, "\x1b[1m") {
		t.Errorf("no colour on a terminal: %q", coloured)
	}
	t.Setenv("NO_COLOR", "1")
	text := onTerminal(t, 40, "identify", "--from", "-")
	if strings.Contains(text, "\x1b") {
		t.Errorf("NO_COLOR is not honoured: %q", text)
	}
	for line := range strings.SplitSeq(text, "\n") {
		if n := len([]rune(strings.TrimRight(line, "\r"))); n > 40 {
			t.Errorf("%d columns of 40: %q", n, line)
		}
	}
	t.Setenv("NO_COLOR", "")
	t.Setenv("TERM", "dumb")
	if text := onTerminal(t, 40, "identify", "--from", "-"); strings.Contains(text, "\x1b") {
		t.Errorf("colour on a dumb terminal: %q", text)
	}
}

func TestScanShowsProgressAndTakesItAway(t *testing.T) {
	t.Setenv("NO_COLOR", "1")
	fleet := oneModule(t, simulate.Settings{Delay: 150 * time.Millisecond}) // longer than progress waits
	text := onTerminal(t, 80, "scan", "--port", fleet.Paths()[0])
	before, after, ok := strings.Cut(text, "1 port")
	if !ok {
		t.Fatalf("no report: %q", text)
	}
	if !regexp.MustCompile(`AT\S* …`).MatchString(before) {
		t.Errorf("no progress: %q", before)
	}
	if i := strings.LastIndex(before, "\x1b[J"); i < 0 || strings.Contains(before[i:], "…") {
		t.Errorf("progress is left on the screen: %q", before)
	}
	if strings.Contains(after, "\x1b") {
		t.Errorf("cursor play in the report: %q", after)
	}
}

// TestInterrupted: a scan that is cut short ends at once, as a failure.
func TestInterrupted(t *testing.T) {
	fleet := oneModule(t, simulate.Settings{Delay: time.Hour})
	ctx, cancel := context.WithCancel(t.Context())
	time.AfterFunc(200*time.Millisecond, cancel)
	var stdout, stderr bytes.Buffer
	if code := cli.Run(ctx, []string{"scan", "--port", fleet.Paths()[0]}, strings.NewReader(""), &stdout, &stderr); code != 1 {
		t.Errorf("exit status %d, want 1: %s", code, stderr.String())
	}
}

// TestOutputGone: a full disk or a closed pipe is an error, not success.
func TestOutputGone(t *testing.T) {
	full, err := os.OpenFile("/dev/full", os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = full.Close() }()
	for _, format := range []string{"table", "json", "yaml", "csv"} {
		var stderr bytes.Buffer
		code := cli.Run(t.Context(), []string{"identify", "--from", "-", "-o", format}, strings.NewReader(session), full, &stderr)
		if code != 1 || !strings.Contains(stderr.String(), "cannot write the output") {
			t.Errorf("%s: exit status %d: %q", format, code, stderr.String())
		}
	}
}

func oneModule(tb testing.TB, s simulate.Settings) *simulate.Fleet {
	tb.Helper()
	cases, err := simulate.Cases()
	if err != nil {
		tb.Fatal(err)
	}
	fleet, err := simulate.Start(tb.Context(), []capture.Case{cases[0]}, "", s)
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := fleet.Close(); err != nil {
			tb.Error(err)
		}
	})
	return fleet
}

// BenchmarkIdentify judges a thousand cases as scripts do, JSON Lines in and out.
func BenchmarkIdentify(b *testing.B) {
	cases, err := simulate.Many(1000)
	if err != nil {
		b.Fatal(err)
	}
	var in bytes.Buffer
	for i, c := range cases {
		line, err := json.Marshal(map[string]any{"id": fmt.Sprint(i), "exchange": c.Transcript, "banner": c.Banner, "usb": c.USB})
		if err != nil {
			b.Fatal(err)
		}
		in.Write(append(line, '\n'))
	}
	for b.Loop() {
		if code := cli.Run(b.Context(), []string{"identify", "--from", "-", "-o", "json"}, bytes.NewReader(in.Bytes()), io.Discard, io.Discard); code != 0 {
			b.Fatalf("exit status %d", code)
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(b.N*len(cases)), "µs/case")
}

// BenchmarkScan asks one module that takes 15 ms an answer at 115200 baud, and reports
// the time beside the sum of the answers' own times.
func BenchmarkScan(b *testing.B) {
	const baud = 115200
	fleet := oneModule(b, simulate.Settings{Baud: baud, Echo: simulate.EchoOff})
	var own time.Duration
	questions := 0
	for b.Loop() {
		var out bytes.Buffer
		if code := cli.Run(b.Context(), []string{"scan", "-o", "json", "--port", fleet.Paths()[0]}, strings.NewReader(""), &out, io.Discard); code != 0 {
			b.Fatalf("exit status %d", code)
		}
		var r inventory.Report
		if err := json.Unmarshal(out.Bytes(), &r); err != nil {
			b.Fatal(err)
		}
		for _, e := range r.Modules[0].Transcript {
			own += simulate.DefaultDelay + time.Duration(answerBytes(e)*10)*time.Second/baud
			questions++
		}
	}
	b.ReportMetric(float64(b.Elapsed())/float64(own), "×own-time")
	b.ReportMetric(float64(questions)/float64(b.N), "questions")
}

// answerBytes counts an answer as it is on the line.
func answerBytes(e inventory.Exchange) int {
	n := len("\r\n") + len(e.Final) + len("\r\n")
	for _, line := range e.Lines {
		n += len(line) + len("\r\n")
	}
	if len(e.Lines) > 0 {
		n += len("\r\n")
	}
	return n
}

// TestErrorsAreText: what stands in an error is shown as text, too.
func TestErrorsAreText(t *testing.T) {
	for _, args := range [][]string{{"scan", "--\x1b[2J\u202e"}, {"\x1b[2J"}, {"identify", "--from", "\x1b[2J\u009b"}, {"scan", "--port", "\x1b[2J"}, {"explain", "-", "\x1b[2J"}} {
		var stdout, stderr bytes.Buffer
		if code := cli.Run(t.Context(), args, strings.NewReader(session), &stdout, &stderr); code == 0 {
			t.Errorf("%q: exit status 0", args)
		}
		if text := stdout.String() + stderr.String(); strings.ContainsAny(text, "\x1b\u009b\u202e") || !strings.Contains(text, `\x1b[2J`) {
			t.Errorf("%q: %q", args, text)
		}
	}
}

// TestFormatsCarryTheSame: YAML holds what JSON holds, whatever a module said.
func TestFormatsCarryTheSame(t *testing.T) {
	hostile := "Quectel\x1b[2J\u202e\u009b\u0085\u2028\u00ad\U000e0001\x00\x7f\n- a: b\t\"'\\ \ufeff #x: |"
	line, err := json.Marshal(map[string]any{"id": hostile, "exchange": []inventory.Exchange{
		{Cmd: "ATI", Lines: []string{hostile, "125", "yes", "null", "", " ", "~", "0x1f", "2026-11-22", "=", "!!str x", "&a", "*a", "%"}, Final: "OK"}}})
	if err != nil {
		t.Fatal(err)
	}
	run := func(format string) []byte {
		var stdout, stderr bytes.Buffer
		if code := cli.Run(t.Context(), []string{"identify", "--from", "-", "-o", format}, bytes.NewReader(line), &stdout, &stderr); code != 0 {
			t.Fatalf("%s: exit status %d: %s", format, code, stderr.String())
		}
		return stdout.Bytes()
	}
	var fromJSON, fromYAML any
	if err := json.Unmarshal(run("json"), &fromJSON); err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(run("yaml"), &fromYAML); err != nil {
		t.Fatal(err)
	}
	again, err := json.Marshal(fromYAML)
	if err != nil {
		t.Fatal(err)
	}
	fromYAML = nil
	if err := json.Unmarshal(again, &fromYAML); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(fromJSON, fromYAML); diff != "" {
		t.Errorf("-json +yaml\n%s", diff)
	}
	if got := fromJSON.(map[string]any)["id"]; got != hostile {
		t.Errorf("id is %q, want %q", got, hostile)
	}
}
