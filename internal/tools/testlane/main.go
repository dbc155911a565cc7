// Command testlane reads the output of go test -json, prints what failed and one line
// that says how much ran.
//
// It promises a non-zero exit when a test failed, a package did not build, a test was
// skipped, or nothing ran at all, so that a green lane has tested something. It never
// runs tests itself.
package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os"
	"sort"
)

func main() {
	if len(os.Args) != 2 {
		fmt.Fprintln(os.Stderr, "usage: go test -json … | testlane NAME")
		os.Exit(2)
	}
	l := lane{packages: map[string]bool{}, output: map[string][]string{}}
	if err := l.read(os.Stdin); err != nil {
		fmt.Fprintln(os.Stderr, "testlane:", err)
		os.Exit(1)
	}
	if !l.report(os.Stdout, os.Args[1]) {
		os.Exit(1)
	}
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
