package cli_test

import (
	"context"
	"errors"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rogpeppe/go-internal/testscript"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/internal/cli"
	"github.com/rollcall-iot/rollcall/simulate"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

func TestMain(m *testing.M) {
	os.Exit(testscript.RunMain(m, map[string]func() int{
		"rollcall": func() int {
			return cli.Run(context.Background(), os.Args[1:], os.Stdin, os.Stdout, os.Stderr)
		},
	}))
}

// TestScripts runs the scripts of testdata/script. Beside the usual commands they have
// those below.
func TestScripts(t *testing.T) {
	testscript.Run(t, testscript.Params{
		Dir: "testdata/script",
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":     status,
			"printable":  printable,
			"grepsecret": grepSecret,
			"modules":    modules,
			"awaitfile":  awaitFile,
			"interrupt":  interrupt,
			"tree": func(ts *testscript.TestScript, _ bool, args []string) {
				ts.Setenv("ROOT", serialporttest.Build(t, []byte(ts.ReadFile(args[0]))).Root)
			},
		},
	})
}

// status N command …: runs the command, which must exit with N.
func status(ts *testscript.TestScript, _ bool, args []string) {
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	var exit *exec.ExitError
	switch err := ts.Exec(args[1], args[2:]...); {
	case errors.As(err, &exit):
		got = exit.ExitCode()
	case err != nil:
		ts.Fatalf("%v", err)
	}
	if got != want {
		ts.Fatalf("exit status %d, want %d", got, want)
	}
}

// printable FILE …: nothing in the files (stdout, stderr) is more than text to a terminal.
func printable(ts *testscript.TestScript, neg bool, args []string) {
	for _, name := range args {
		text := ts.ReadFile(name)
		i := strings.IndexFunc(text, func(r rune) bool { return r != '\n' && !unicode.IsGraphic(r) })
		if (i >= 0) != neg {
			ts.Fatalf("%s: unprintable: %v at %q", name, i >= 0, text[max(i-10, 0):min(max(i, 0)+20, len(text))])
		}
	}
}

// grepsecret FILE OUTPUT: the output holds the secret part of the token in the file.
func grepSecret(ts *testscript.TestScript, neg bool, args []string) {
	token := strings.TrimSpace(ts.ReadFile(args[0]))
	if secret := token[len(token)-43:]; strings.Contains(ts.ReadFile(args[1]), secret) == neg {
		ts.Fatalf("%s holds the secret of %s: %v", args[1], args[0], neg)
	}
}

// modules FILE DIR: runs a simulated module for each line of FILE until the script ends.
func modules(ts *testscript.TestScript, _ bool, args []string) {
	var cases []capture.Case
	for c, err := range capture.ReadJSONLines(strings.NewReader(ts.ReadFile(args[0]))) {
		ts.Check(err)
		cases = append(cases, c)
	}
	fleet, err := simulate.Start(context.Background(), cases, ts.MkAbs(args[1]), simulate.Settings{Delay: -1})
	ts.Check(err)
	ts.Defer(func() { ts.Check(fleet.Close()) })
}

// awaitfile PATH: waits until the file is there.
func awaitFile(ts *testscript.TestScript, _ bool, args []string) {
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(20 * time.Millisecond) {
		if _, err := os.Stat(ts.MkAbs(args[0])); err == nil {
			return
		}
	}
	ts.Fatalf("%s did not appear", args[0])
}

// interrupt: presses Ctrl-C for all commands in the background.
func interrupt(ts *testscript.TestScript, _ bool, _ []string) {
	for _, c := range ts.BackgroundCmds() {
		ts.Check(c.Process.Signal(os.Interrupt))
	}
}
