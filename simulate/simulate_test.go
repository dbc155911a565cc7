package simulate_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
)

func aCase(id string) capture.Case {
	return capture.Case{ID: id, Observation: fingerprint.Observation{Transcript: []inventory.Exchange{
		{Cmd: "ATI", Lines: []string{"Quectel", "EC25", "Revision: EC25EFAR06A08M4G"}, Final: "OK"},
		{Cmd: "AT+CGMR", Lines: []string{"EC25EFAR06A08M4G"}},
		{Cmd: "AT+CGSN", Final: "+CME ERROR: 10"},
		{Cmd: "AT+GMM"},
	}}}
}

// open opens a port for reading and writing, with a deadline far beyond any answer.
func open(t *testing.T, path string) *os.File {
	t.Helper()
	f, err := os.OpenFile(path, os.O_RDWR, 0)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = f.Close() })
	if err := f.SetDeadline(time.Now().Add(30 * time.Second)); err != nil {
		t.Fatal(err)
	}
	return f
}

// ask sends text and reads until what came ends in one of the ends.
func ask(t *testing.T, f *os.File, text string, end string) string {
	t.Helper()
	if _, err := f.WriteString(text); err != nil {
		t.Fatal(err)
	}
	var got []byte
	buf := make([]byte, 256)
	for !bytes.HasSuffix(got, []byte(end)) {
		n, err := f.Read(buf)
		if err != nil {
			t.Fatalf("asked %q, got %q, then %v", text, got, err)
		}
		got = append(got, buf[:n]...)
	}
	return string(got)
}

func start(t *testing.T, cases []capture.Case, dir string, s simulate.Settings) *simulate.Fleet {
	t.Helper()
	f, err := simulate.Start(t.Context(), cases, dir, s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := f.Close(); err != nil {
			t.Error(err)
		}
	})
	return f
}

func TestAnswers(t *testing.T) {
	f := start(t, []capture.Case{aCase("a")}, "", simulate.Settings{Delay: -1, Echo: simulate.EchoOff})
	port := open(t, f.Paths()[0])
	for _, test := range []struct{ cmd, want string }{
		{"AT\r", "\r\nOK\r\n"},
		{"ATI\r", "\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A08M4G\r\n\r\nOK\r\n"},
		{"ati 0\r", "\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A08M4G\r\n\r\nOK\r\n"},
		{"AT+CGMR\r", "\r\nEC25EFAR06A08M4G\r\n\r\nOK\r\n"}, // cut off in the source
		{"AT+CGSN\r", "\r\n+CME ERROR: 10\r\n"},
		{"AT+NOSUCH?\r", "\r\n+CME ERROR: 10\r\n"}, // as it refused before
		{"\nAT\r", "\r\nOK\r\n"},
		{"ATX\b\r", "\r\nOK\r\n"},
		{"noiseAT\r", "\r\nOK\r\n"},
		{"AT+GMM\rAT\r", "\r\nOK\r\n"}, // never answered in the source
	} {
		if got := ask(t, port, test.cmd, test.want); got != test.want {
			t.Errorf("%q: got %q, want %q", test.cmd, got, test.want)
		}
	}
}

func TestEcho(t *testing.T) {
	f := start(t, []capture.Case{aCase("a")}, "", simulate.Settings{Delay: -1, Echo: simulate.EchoOn, Baud: 115200})
	port := open(t, f.Paths()[0])
	if got := ask(t, port, "AT+CGMR\r", "OK\r\n"); got != "AT+CGMR\r\r\nEC25EFAR06A08M4G\r\n\r\nOK\r\n" {
		t.Errorf("got %q", got)
	}
}

func TestBannerComesOnce(t *testing.T) {
	c := aCase("a")
	c.Banner = []string{"RDY"}
	f := start(t, []capture.Case{c}, "", simulate.Settings{Delay: -1, Echo: simulate.EchoOff})
	port := open(t, f.Paths()[0])
	if got := ask(t, port, "AT\r", "OK\r\n"); got != "\r\nRDY\r\n\r\nOK\r\n" {
		t.Errorf("first: got %q", got)
	}
	if got := ask(t, port, "AT\r", "OK\r\n"); got != "\r\nOK\r\n" {
		t.Errorf("second: got %q", got)
	}
}

func TestPromptInsteadOfResult(t *testing.T) {
	c := capture.Case{Observation: fingerprint.Observation{Transcript: []inventory.Exchange{{Cmd: "ATI", Lines: []string{"ELM327 v2.3", ">"}}}}}
	f := start(t, []capture.Case{c}, "", simulate.Settings{Delay: -1, Echo: simulate.EchoOff})
	port := open(t, f.Paths()[0])
	if got := ask(t, port, "ATI\r", ">\r\n"); got != "\r\nELM327 v2.3\r\n>\r\n" {
		t.Errorf("got %q", got)
	}
	if got := ask(t, port, "AT\r", ">"); got != "?\r\r>" {
		t.Errorf("got %q", got)
	}
}

// TestOpenedAgain: a port can be opened many times, one after the other, and is asked
// by one program at a time.
func TestOpenedAgain(t *testing.T) {
	f := start(t, []capture.Case{aCase("a")}, "", simulate.Settings{Delay: -1, Echo: simulate.EchoOff})
	for i := range 20 {
		port := open(t, f.Paths()[0])
		if got := ask(t, port, "AT\r", "OK\r\n"); got != "\r\nOK\r\n" {
			t.Errorf("time %d: got %q", i, got)
		}
		if err := port.Close(); err != nil {
			t.Fatal(err)
		}
	}
}

// TestHeldByNobody: the simulation does not hold the slave side open.
func TestHeldByNobody(t *testing.T) {
	f := start(t, []capture.Case{aCase("a")}, "", simulate.Settings{})
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	for _, fd := range fds {
		if to, err := os.Readlink("/proc/self/fd/" + fd.Name()); err == nil && to == f.Paths()[0] {
			t.Errorf("descriptor %s holds %s", fd.Name(), to)
		}
	}
}

func TestBecome(t *testing.T) {
	f := start(t, []capture.Case{aCase("a")}, "", simulate.Settings{Delay: -1, Echo: simulate.EchoOff})
	port := open(t, f.Paths()[0])
	ask(t, port, "AT+CGMR\r", "OK\r\n")
	next := aCase("a")
	next.Transcript[1].Lines = []string{"EC25EFAR06A09M4G"}
	f.Modules()[0].Become(next)
	if got := ask(t, port, "AT+CGMR\r", "OK\r\n"); !strings.Contains(got, "EC25EFAR06A09M4G") {
		t.Errorf("got %q", got)
	}
}

func TestDirectory(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "new")
	ids := []string{"ok-1", "../../etc/x", "a b\n$(reboot)", "", "ok-1", ".hidden", strings.Repeat("x", 200), "…"}
	var cases []capture.Case
	for _, id := range ids {
		cases = append(cases, aCase(id))
	}
	f := start(t, cases, dir, simulate.Settings{Delay: -1})
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	var names []string
	for _, e := range entries {
		names = append(names, e.Name())
	}
	want := []string{"_.._etc_x", "a_b___reboot_", "hidden", "module-4", "module-8", "ok-1", "ok-1-2", strings.Repeat("x", 80)}
	if diff := cmp.Diff(want, names); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	ask(t, open(t, filepath.Join(dir, "ok-1-2")), "AT\r", "OK\r\n")
	if err := f.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(dir); !os.IsNotExist(err) {
		t.Errorf("directory is left behind: %v", err)
	}
}

func TestDirectoryTaken(t *testing.T) {
	dir := t.TempDir()
	start(t, []capture.Case{aCase("a")}, dir, simulate.Settings{})
	if _, err := simulate.Start(t.Context(), []capture.Case{aCase("a")}, dir, simulate.Settings{}); err == nil || !strings.Contains(err.Error(), "another simulation") {
		t.Errorf("error %v, want one that says what to do", err)
	}
	if _, err := os.Lstat(filepath.Join(dir, "a")); err != nil {
		t.Errorf("the first simulation lost its link: %v", err)
	}
}

// TestEndsWithContext: the end of the context unplugs all modules and leaves no goroutine.
func TestEndsWithContext(t *testing.T) {
	before := runtime.NumGoroutine()
	ctx, cancel := context.WithCancel(t.Context())
	dir := filepath.Join(t.TempDir(), "d")
	f, err := simulate.Start(ctx, []capture.Case{aCase("a"), aCase("b")}, dir, simulate.Settings{Delay: time.Hour, Echo: simulate.EchoOff})
	if err != nil {
		t.Fatal(err)
	}
	port := open(t, f.Paths()[0])
	if _, err := port.WriteString("AT\r"); err != nil {
		t.Fatal(err)
	}
	cancel()
	if _, err := port.Read(make([]byte, 1)); err == nil {
		t.Error("an unplugged module answered")
	}
	if err := f.Close(); err != nil {
		t.Error(err)
	}
	if _, err := os.Stat(dir); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("directory is left behind: %v", err)
	}
	deadline := time.Now().Add(10 * time.Second)
	for runtime.NumGoroutine() > before && time.Now().Before(deadline) {
		runtime.Gosched()
	}
	if n := runtime.NumGoroutine(); n > before {
		t.Errorf("%d goroutines, %d before", n, before)
	}
}

func TestReceived(t *testing.T) {
	var mu sync.Mutex
	var got []byte
	f := start(t, []capture.Case{aCase("a")}, "", simulate.Settings{Delay: -1, Received: func(id string, b []byte) {
		mu.Lock()
		defer mu.Unlock()
		got = append(append(got, id...), b...)
	}})
	ask(t, open(t, f.Paths()[0]), "AT\r", "OK\r\n")
	mu.Lock()
	defer mu.Unlock()
	if !strings.Contains(string(got), "a") || !strings.HasSuffix(string(got), "\r") {
		t.Errorf("received %q", got)
	}
}

func TestCases(t *testing.T) {
	cases, err := simulate.Cases()
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) < 40 {
		t.Errorf("%d embedded transcripts, want at least 40", len(cases))
	}
	ids := map[string]bool{}
	for _, c := range cases {
		if ids[c.ID] || c.ID == "" {
			t.Errorf("id %q is empty or taken", c.ID)
		}
		ids[c.ID] = true
		if len(c.Transcript) == 0 {
			t.Errorf("%s: no transcript", c.ID)
		}
	}
}

func TestManyHaveDifferentIMEIs(t *testing.T) {
	cases, err := simulate.Many(100)
	if err != nil {
		t.Fatal(err)
	}
	if len(cases) != 100 {
		t.Fatalf("%d cases, want 100", len(cases))
	}
	owner := map[string]int{}
	for i, c := range cases {
		for _, e := range c.Transcript {
			if e.Cmd != "AT+CGSN" || len(e.Lines) != 1 || len(e.Lines[0]) != 15 || strings.Contains(e.Lines[0], "*") {
				continue
			}
			imei := e.Lines[0]
			if j, taken := owner[imei]; taken {
				t.Errorf("cases %d and %d have the same IMEI %s", i, j, imei)
			}
			owner[imei] = i
			if !inventory.ValidIMEI(imei) {
				t.Errorf("case %d: IMEI %s has a wrong check digit", i, imei)
			}
		}
	}
	if len(owner) < 20 {
		t.Errorf("only %d IMEIs looked at", len(owner))
	}
}
