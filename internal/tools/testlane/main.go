// Command testlane reads the output of go test -json, prints what failed and one line
// that says how much ran.
//
// It promises a non-zero exit when a test failed, a package did not build, a test was
// skipped, or nothing ran at all, so that a green lane has tested something. Where a few tests
// failed on what a busy machine may do to them, it names them in a file, for the caller to run
// them again, alone; it never does so after a data race or a panic. It never runs tests itself.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"sort"
	"strings"
)

func main() {
	if len(os.Args) < 2 || len(os.Args) > 3 {
		fmt.Fprintln(os.Stderr, "usage: go test -json … | testlane NAME [FILE FOR TESTS TO RUN AGAIN]")
		os.Exit(2)
	}
	l := lane{packages: map[string]bool{}, output: map[string][]string{}}
	if err := l.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testlane:", err)
		os.Exit(1)
	}
	if l.report(os.Stdout, os.Args[1]) {
		return
	}
	if len(os.Args) == 3 {
		if err := os.WriteFile(os.Args[2], []byte(strings.Join(l.again(), "")), 0o600); err != nil {
			fmt.Fprintln(os.Stderr, "testlane:", err)
		}
	}
	os.Exit(1)
}

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action, Package, ImportPath, Test, Output string
}

type lane struct {
	passed   int
	failed   []string
	skipped  []string
	packages map[string]bool
	output   map[string][]string // of what has not passed yet
}

func (l *lane) read(r io.Reader) error {
	s := bufio.NewScanner(r)
	s.Buffer(nil, 16<<20)
	for s.Scan() {
		var e event
		if err := json.Unmarshal(s.Bytes(), &e); err != nil {
			fmt.Println(s.Text()) // what is no event comes from the build
			continue
		}
		l.add(e)
	}
	return s.Err()
}

func (l *lane) add(e event) {
	id := e.Package + e.ImportPath
	if e.Test != "" {
		id += " " + e.Test
	}
	switch e.Action {
	case "output", "build-output":
		l.output[id] = append(l.output[id], e.Output)
	case "pass":
		delete(l.output, id)
		if e.Test != "" {
			l.passed++
			l.packages[e.Package] = true
		}
	case "fail", "build-fail":
		l.failed = append(l.failed, id)
	case "skip":
		if e.Test != "" {
			l.skipped = append(l.skipped, id)
		}
		delete(l.output, id)
	}
}

func (l *lane) report(w io.Writer, name string) bool {
	sort.Strings(l.failed)
	for _, id := range l.failed {
		fmt.Fprintf(w, "--- FAILED %s\n", id)
		for _, line := range l.output[id] {
			fmt.Fprint(w, line)
		}
	}
	for _, id := range l.skipped {
		fmt.Fprintf(w, "--- SKIPPED %s\n", id)
	}
	fmt.Fprintf(w, "lane %s: %d tests passed in %d packages, %d failed, %d skipped\n",
		name, l.passed, len(l.packages), len(l.failed), len(l.skipped))
	if l.passed == 0 {
		fmt.Fprintf(w, "lane %s ran nothing\n", name)
	}
	return l.passed > 0 && len(l.failed) == 0 && len(l.skipped) == 0
}

// mostAgain is how many tests may be run again: more than that is no bad luck.
const mostAgain = 2

// again gives lines of a package and a pattern for its failed test, or none where what failed
// is no matter of a machine's load.
func (l *lane) again() []string {
	if l.passed == 0 || len(l.skipped) > 0 {
		return nil
	}
	tests, blamed := map[string]bool{}, map[string]bool{}
	for _, id := range l.failed {
		for _, line := range l.output[id] {
			if strings.Contains(line, "DATA RACE") || strings.HasPrefix(line, "panic: ") || strings.HasPrefix(line, "fatal error: ") {
				return nil
			}
		}
		pkg, test, ok := strings.Cut(id, " ")
		if !ok {
			continue
		}
		if strings.HasPrefix(test, "[") {
			return nil // the name of a test program that did not build
		}
		top, _, _ := strings.Cut(test, "/")
		tests[fmt.Sprintf("%s ^%s$\n", pkg, top)] = true
		blamed[pkg] = true
	}
	for _, id := range l.failed {
		if pkg, _, _ := strings.Cut(id, " "); !blamed[pkg] {
			return nil // it did not build, or ended without a test that failed
		}
	}
	if len(tests) > mostAgain {
		return nil
	}
	return slices.Sorted(maps.Keys(tests))
}
