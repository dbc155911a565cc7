package rollcall_test

import (
	"go/ast"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// Every link from one page to another file of the tree leads there.
func TestLinksLeadSomewhere(t *testing.T) {
	link := regexp.MustCompile(`\]\(([^)\s#]+)(?:#[^)\s]*)?\)`)
	n := 0
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && d.Name() == ".git":
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".md":
			return nil
		}
		b, err := os.ReadFile(path)
		for _, m := range link.FindAllStringSubmatch(string(b), -1) {
			if strings.Contains(m[1], "://") {
				continue
			}
			n++
			if _, err := os.Stat(filepath.Join(filepath.Dir(path), m[1])); err != nil {
				t.Errorf("%s links to %q: %v", path, m[1], err)
			}
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if n < 20 {
		t.Fatalf("found only %d links", n)
	}
}

// Each promise names tests that are there, in one of the packages that it names.
func TestPromisesNameTests(t *testing.T) {
	page, err := os.ReadFile("docs/PROMISES.md")
	if err != nil {
		t.Fatal(err)
	}
	tests := map[string][]string{}
	for _, f := range goFiles(t) {
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && f.test && fn.Recv == nil {
				tests[f.dir] = append(tests[f.dir], fn.Name.Name)
			}
		}
	}
	list, _, _ := strings.Cut(string(page), "\nLonger runs")
	promises := regexp.MustCompile(`(?m)^\d+\. `).Split(list, -1)[1:]
	if len(promises) < 20 {
		t.Fatalf("found only %d promises", len(promises))
	}
	for i, p := range promises {
		var here []string
		for _, span := range regexp.MustCompile("`([a-z/]+)`").FindAllStringSubmatch(p, -1) {
			here = append(here, tests[span[1]]...)
		}
		for _, name := range regexp.MustCompile(`\bTest[A-Z]\w*`).FindAllString(p, -1) {
			if !slices.ContainsFunc(here, func(s string) bool { return strings.HasPrefix(s, name) }) {
				t.Errorf("docs/PROMISES.md, %d: no package that it names has a test %s", i+1, name)
			}
		}
	}
}
