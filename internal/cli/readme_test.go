package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// How each command of the README is tried: in a scratch directory, with addresses and paths
// of the test in place of those that a reader has.
type trial struct {
	// until is what a command that runs for ever must print; it is interrupted then.
	until string
	// want is what a command that ends must print.
	want string
	// elsewhere says which other part of the tests runs it, so that it is not run here.
	elsewhere string
}

// buildCommand is how the README builds the program that its other commands run.
const buildCommand = "go build -o bin/rollcall ./cmd/rollcall"

func trials() map[string]trial {
	return map[string]trial{
		"go run ./cmd/rollcall up --simulate 12": {until: "Rollcall is up"},
		"make test":                              {elsewhere: ".ci/run, which runs this test"},
		buildCommand:                             {elsewhere: "newReadmeEnv, which needs what it builds"},
		"bin/rollcall scan":                      {},
		"bin/rollcall scan --port /dev/ttyUSB2":  {want: "identified"},
		"bin/rollcall scan --port /dev/ttyS1 --baud 9600,115200": {want: "identified"},
		"bin/rollcall scan --watch":                              {until: "cellular"},
		"bin/rollcall ports":                                     {},
		"bin/rollcall identify --from session.txt":               {want: "EC25"},
		"bin/rollcall explain session.txt":                       {want: "ATI"},
		"bin/rollcall collector --nats-url nats://127.0.0.1:4222 --store sqlite:rollcall.db --listen 127.0.0.1:8081": {until: "collecting"},
		"bin/rollcall fleet modules --server http://127.0.0.1:8080":                                                  {want: "sim-0001"},
		"bin/rollcall fleet gateways --server http://127.0.0.1:8080 -o json":                                         {want: `"id": "sim-0001"`},
		`bin/rollcall fleet gateways --server http://127.0.0.1:8080 -q "sim-0001"`:                                   {want: "sim-0001"},
		"bin/rollcall fleet events --server http://127.0.0.1:8080 -o csv":                                            {want: "gateway-new"},
		"bin/rollcall fleet rejected --server http://127.0.0.1:8080":                                                 {},
		"bin/rollcall fleet findings --server http://127.0.0.1:8080":                                                 {want: "Section 1260H"},
		"bin/rollcall fleet scan sim-0001 --server http://127.0.0.1:8080":                                            {want: "sim-0001"},
		"bin/rollcall token create alice --role read --store sqlite:rollcall.db --out alice.token":                   {want: "alice"},
		"bin/rollcall policy lists": {want: "dod-1260h"},
		"bin/rollcall hbom --server http://127.0.0.1:8080 -o cyclonedx --out hbom.json":                                   {},
		"CGO_ENABLED=0 GOARCH=arm64 go build -trimpath -ldflags '-s -w' -o bin/rollcall-agent-arm64 ./cmd/rollcall-agent": {},
		"bin/rollcall agent --once --gateway-id bench-1 --nats-url nats://127.0.0.1:4222 --state-dir /tmp/rollcall-state": {want: "is delivered"},
		"bin/rollcall simulate --from simulate/data/modules.jsonl --dir /tmp/modules":                                     {until: "quectel"},
	}
}

// TestReadmeCommands runs every command that the README shows.
func TestReadmeCommands(t *testing.T) {
	root, err := filepath.Abs("../..")
	if err != nil {
		t.Fatal(err)
	}
	known := trials()
	commands := readmeCommands(t, root)
	for c := range known {
		if !contains(commands, c) {
			t.Errorf("the README no longer shows %q", c)
		}
	}
	e := newReadmeEnv(t, root)
	for _, c := range commands {
		k, ok := known[c]
		if !ok {
			t.Errorf("the README shows %q, which nothing tries", c)
			continue
		}
		if k.elsewhere == "" {
			t.Run(c, func(t *testing.T) { e.try(t, c, k) })
		}
	}
}

// readmeCommands are the lines of the README's shell blocks, comments off, in order.
func readmeCommands(t *testing.T, root string) []string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	var commands []string
	inside := false
	for line := range strings.SplitSeq(string(b), "\n") {
		switch {
		case strings.HasPrefix(line, "```"):
			inside = line == "```sh"
		case inside:
			line, _, _ = strings.Cut(line, " #")
			if line = strings.TrimSpace(line); line != "" {
				commands = append(commands, line)
			}
		}
	}
	if len(commands) < 10 {
		t.Fatalf("found only %d commands in the README", len(commands))
	}
	return commands
}

// readmeEnv is a place with a running fleet, in which the commands of the README work.
type readmeEnv struct {
	root, dir string
	replace   *strings.Replacer
}

func newReadmeEnv(t *testing.T, root string) *readmeEnv {
	t.Helper()
	dir := t.TempDir()
	e := &readmeEnv{root: root, dir: dir, replace: strings.NewReplacer()}
	e.run(t, strings.Replace(buildCommand, "bin/", filepath.Join(dir, "bin")+"/", 1)) // linking takes long: once
	session := "ATI\nQuectel\nEC25\nRevision: EC25EFAR06A08M4G\n\nOK\n"
	if err := os.WriteFile(filepath.Join(dir, "session.txt"), []byte(session), 0o600); err != nil {
		t.Fatal(err)
	}
	rollcall := filepath.Join(dir, "bin/rollcall")
	up := e.start(t, rollcall+" up --simulate 2 --data-dir "+filepath.Join(dir, "fleet")+" --listen 127.0.0.1:0 --nats-listen 127.0.0.1:0", "Ctrl-C")
	web, nats := field(t, up, "pages"), field(t, up, "NATS")
	e.start(t, rollcall+" simulate --from simulate/data/modules.jsonl --dir "+filepath.Join(dir, "ports"), "quectel")
	e.replace = strings.NewReplacer(
		"go run ./cmd/rollcall up", rollcall+" up --data-dir "+filepath.Join(dir, "up")+" --listen 127.0.0.1:0 --nats-listen 127.0.0.1:0",
		"-o bin/rollcall-agent", "-o "+filepath.Join(dir, "bin/rollcall-agent"),
		"bin/rollcall", rollcall,
		"--listen 127.0.0.1:8081", "--listen 127.0.0.1:0",
		"http://127.0.0.1:8080", strings.TrimSuffix(web, "/"),
		"nats://127.0.0.1:4222", nats,
		"/dev/ttyS1", firstPort(t, filepath.Join(dir, "ports")),
		"--out alice.token", "--out "+filepath.Join(dir, "alice.token"),
		"/dev/ttyUSB2", firstPort(t, filepath.Join(dir, "ports")),
		"sqlite:rollcall.db", "sqlite:"+filepath.Join(dir, "rollcall.db"),
		"--out hbom.json", "--out "+filepath.Join(dir, "hbom.json"),
		"session.txt", filepath.Join(dir, "session.txt"),
		"/tmp/rollcall-state", filepath.Join(dir, "state"),
		"/tmp/modules", filepath.Join(dir, "modules"))
	waitFor(t, func() bool {
		out, err := e.command(t.Context(), rollcall+" fleet modules --server "+strings.TrimSuffix(web, "/")).Output()
		return err == nil && bytes.Contains(out, []byte("sim-0001")) && bytes.Contains(out, []byte("sim-0002"))
	})
	return e
}

func (e *readmeEnv) try(t *testing.T, command string, k trial) {
	command = e.replace.Replace(command)
	if k.until != "" {
		e.start(t, command, k.until)
		return
	}
	if out := e.run(t, command); !strings.Contains(out, k.want) {
		t.Errorf("%s\nprints no %q:\n%s", command, k.want, out)
	}
}

func (e *readmeEnv) command(ctx context.Context, command string) *exec.Cmd {
	c := exec.CommandContext(ctx, "sh", "-c", command)
	c.Dir = e.root
	return c
}

// commandTime is generous: the first build may be among what runs.
const commandTime = 5 * time.Minute

func (e *readmeEnv) run(t *testing.T, command string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), commandTime)
	defer cancel()
	out, err := e.command(ctx, command).CombinedOutput()
	if err != nil {
		t.Fatalf("%s: %v\n%s", command, err, out)
	}
	return string(out)
}

// start runs a command until the test ends, and returns what it printed up to until.
func (e *readmeEnv) start(t *testing.T, command, until string) string {
	t.Helper()
	ctx, cancel := context.WithTimeout(context.Background(), commandTime)
	c := e.command(ctx, "exec "+command)
	c.Cancel = func() error { return c.Process.Signal(os.Interrupt) }
	out, err := c.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	var errs bytes.Buffer
	c.Stderr = &errs
	if err := c.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		cancel()
		_, _ = bytes.NewBuffer(nil).ReadFrom(out)
		_ = c.Wait()
	})
	var printed strings.Builder
	for s := bufio.NewScanner(out); s.Scan(); {
		printed.WriteString(s.Text() + "\n")
		if strings.Contains(s.Text(), until) {
			return printed.String()
		}
	}
	cancel()
	_ = c.Wait()
	t.Fatalf("%s ended without printing %q:\n%s%s", command, until, printed.String(), errs.String())
	return ""
}

// field is the word behind a label in what up prints.
func field(t *testing.T, text, label string) string {
	t.Helper()
	for line := range strings.SplitSeq(text, "\n") {
		if f := strings.Fields(line); len(f) == 2 && f[0] == label {
			return f[1]
		}
	}
	t.Fatalf("no %s in\n%s", label, text)
	return ""
}

func firstPort(t *testing.T, dir string) string {
	t.Helper()
	ports, err := filepath.Glob(filepath.Join(dir, "quectel-*"))
	if err != nil || len(ports) == 0 {
		t.Fatalf("no simulated port in %s: %v", dir, err)
	}
	return ports[0]
}

func waitFor(t *testing.T, done func() bool) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(100 * time.Millisecond) {
		if done() {
			return
		}
	}
	t.Fatal("waited a minute in vain")
}

func contains(list []string, s string) bool {
	for _, x := range list {
		if x == s {
			return true
		}
	}
	return false
}
