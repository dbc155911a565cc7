// Package rollcall_test holds the rules of the tree as tests: package comments, the direction of
// imports, the list of dependencies, and what Go code may not hold. It tests no behaviour.
package rollcall_test

import (
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/mod/modfile"
)

const module = "github.com/rollcall-iot/rollcall/"

// goFile is one parsed file of the tree.
type goFile struct {
	path string // slash-separated, from the root
	dir  string
	test bool
	set  *token.FileSet
	ast  *ast.File
}

func goFiles(t *testing.T) []goFile {
	t.Helper()
	var files []goFile
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && (d.Name() == "testdata" || strings.HasPrefix(d.Name(), ".") && path != "."):
			return fs.SkipDir
		case d.IsDir() || filepath.Ext(path) != ".go":
			return nil
		}
		set := token.NewFileSet()
		f, err := parser.ParseFile(set, path, nil, parser.ParseComments)
		if err != nil {
			return err
		}
		files = append(files, goFile{path, filepath.ToSlash(filepath.Dir(path)), strings.HasSuffix(path, "_test.go"), set, f})
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(files) < 20 {
		t.Fatalf("found only %d Go files; is this the root of the tree?", len(files))
	}
	return files
}

func (f goFile) imports() []string {
	var paths []string
	for _, i := range f.ast.Imports {
		p, _ := strconv.Unquote(i.Path.Value)
		paths = append(paths, p)
	}
	return paths
}

// Every package has one comment, and it says what the package never does.
func TestPackageComments(t *testing.T) {
	docs := map[string][]string{}
	for _, f := range goFiles(t) {
		if f.test || f.dir == "." {
			continue
		}
		docs[f.dir] = append(docs[f.dir], "")
		if f.ast.Doc != nil {
			docs[f.dir][len(docs[f.dir])-1] = f.ast.Doc.Text()
		}
	}
	for dir, texts := range docs {
		texts = slices.DeleteFunc(texts, func(s string) bool { return s == "" })
		switch {
		case len(texts) != 1:
			t.Errorf("package %s has %d package comments, want one", dir, len(texts))
		case !strings.Contains(texts[0], "never") && !strings.Contains(texts[0], "Never"):
			t.Errorf("the comment of package %s does not say what it never does", dir)
		}
	}
}

// borders says what a package may not import, and why. A key covers the packages below it.
var borders = []struct {
	dir, forbidden, why string
}{
	{"inventory", module, "the data model stands below everything"},
	{"fingerprint", "os", "identification is a pure function"},
	{"fingerprint", "net", "identification is a pure function"},
	{"fingerprint", "time", "identification is a pure function"},
	{"fingerprint", module + "atcmd", "identification knows transcripts, not dialogues"},
	{"atcmd", "os", "the dialogue knows streams, not devices"},
	{"atcmd", "net", "the dialogue knows streams, not networks"},
	{"atcmd", module + "fingerprint", "the dialogue knows no maker"},
	{"atcmd", module + "transport", "the dialogue knows streams, not devices"},
	{"transport", module + "fingerprint", "transport carries, it does not judge"},
	{"transport", module + "collector", "gateways link no collector code"},
	{"survey", module + "collector", "gateways link no collector code"},
	{"agent", module + "collector", "gateways link no collector code"},
	{"agent", "github.com/nats-io/nats-server", "gateways link no broker"},
	{"agent", "modernc.org/sqlite", "gateways link no database"},
	{"internal/agentcli", module + "collector", "gateways link no collector code"},
	{"cmd/rollcall-agent", module + "internal/cli", "gateways link no collector code"},
	{"collector", module + "agent", "the collector trusts messages, not agents"},
	{"collector", module + "transport/serialport", "the collector opens no port"},
	{"policy", module + "collector", "judgement is a pure function"},
	{"policy", "os", "judgement is a pure function"},
	{"hbom", module + "collector", "a bill of materials is made from values"},
}

// isDouble: packages for tests, and the generator that go generate runs, may do more.
func isDouble(dir string) bool {
	return strings.HasSuffix(filepath.Base(dir), "test") || dir == "fingerprint/knowledge/pack"
}

func TestImports(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || isDouble(f.dir) {
			continue
		}
		for _, p := range f.imports() {
			for _, b := range borders {
				if within(f.dir, b.dir) && within(p, b.forbidden) && !within(p, module+b.dir) {
					t.Errorf("%s imports %s: %s", f.path, p, b.why)
				}
			}
			if isDouble(p) && strings.HasPrefix(p, module) {
				t.Errorf("%s imports %s, which is for tests", f.path, p)
			}
		}
	}
}

func within(path, parent string) bool {
	parent = strings.TrimSuffix(parent, "/")
	return path == parent || strings.HasPrefix(path, parent+"/")
}

// No hidden registration, no other programs run, no configuration read but by commands.
func TestForbiddenEverywhere(t *testing.T) {
	for _, f := range goFiles(t) {
		if f.test || isDouble(f.dir) {
			continue
		}
		for _, p := range f.imports() {
			if p == "os/exec" {
				t.Errorf("%s imports os/exec: Rollcall runs no other program", f.path)
			}
			if p == module+"configs" && !strings.HasPrefix(f.dir, "internal/") {
				t.Errorf("%s imports configs: only commands read configuration", f.path)
			}
		}
		for _, d := range f.ast.Decls {
			if fn, ok := d.(*ast.FuncDecl); ok && fn.Recv == nil && fn.Name.Name == "init" {
				t.Errorf("%s has an init function: registration is an explicit list in one place", f.path)
			}
		}
	}
}

// Commands are doors: all work is in packages that tests can call.
func TestMainsAreShort(t *testing.T) {
	mains, err := filepath.Glob("cmd/*/main.go")
	if err != nil || len(mains) == 0 {
		t.Fatalf("found no cmd/*/main.go: %v", err)
	}
	for _, m := range mains {
		b, err := os.ReadFile(m)
		if err != nil {
			t.Fatal(err)
		}
		if n := strings.Count(string(b), "\n"); n > 30 {
			t.Errorf("%s has %d lines, want 30 at most", m, n)
		}
	}
}

// Every direct dependency has a line of why; nothing is replaced.
func TestDependenciesAreListed(t *testing.T) {
	b, err := os.ReadFile("go.mod")
	if err != nil {
		t.Fatal(err)
	}
	mod, err := modfile.Parse("go.mod", b, nil)
	if err != nil {
		t.Fatal(err)
	}
	doc, err := os.ReadFile("docs/dependencies.md")
	if err != nil {
		t.Fatal(err)
	}
	direct := map[string]bool{}
	for _, r := range mod.Require {
		if r.Indirect {
			continue
		}
		direct[r.Mod.Path] = true
		if !strings.Contains(string(doc), "| `"+r.Mod.Path+"` |") {
			t.Errorf("docs/dependencies.md does not say why %s is needed", r.Mod.Path)
		}
	}
	for _, m := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\|").FindAllStringSubmatch(string(doc), -1) {
		if !direct[m[1]] {
			t.Errorf("docs/dependencies.md lists %s, which go.mod does not require directly", m[1])
		}
	}
	if len(mod.Replace) > 0 {
		t.Error("go.mod replaces modules; the tree must build from the published ones")
	}
}

// Makers and lists are data. Go code, tests aside, names none of them in a string.
func TestNoMakerInCode(t *testing.T) {
	makers, err := filepath.Glob("fingerprint/knowledge/makers/*.yaml")
	if err != nil || len(makers) < 20 {
		t.Fatalf("found %d maker files: %v", len(makers), err)
	}
	var names []string
	for _, m := range makers {
		slug := strings.TrimSuffix(filepath.Base(m), ".yaml")
		if !slices.Contains([]string{"option", "sharp", "apple", "palm", "digi", "lg", "hp", "intel"}, slug) { // also plain words
			names = append(names, slug)
		}
	}
	for _, f := range goFiles(t) {
		if f.test || isDouble(f.dir) {
			continue
		}
		ast.Inspect(f.ast, func(n ast.Node) bool {
			lit, ok := n.(*ast.BasicLit)
			if !ok || lit.Kind != token.STRING {
				return true
			}
			for _, word := range regexp.MustCompile(`[A-Za-z][A-Za-z-]+`).FindAllString(lit.Value, -1) {
				if slices.Contains(names, strings.ToLower(word)) {
					t.Errorf("%s names %s in code; makers are data", f.set.Position(lit.Pos()), word)
				}
			}
			return true
		})
	}
}

// The wording about makers is neutral, and nothing tells of the machine it was written on.
func TestWording(t *testing.T) {
	loaded := regexp.MustCompile(`(?i)\b(banned|spyware|blacklisted|blacklist)\b`)
	machine := regexp.MustCompile(`/(?:home|root|work)/\w`)
	err := filepath.WalkDir(".", func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		if d.IsDir() {
			if path == ".git" || d.Name() == "schema" {
				return fs.SkipDir
			}
			return nil
		}
		if !slices.Contains([]string{".go", ".md", ".yaml", ".html", ".txtar", ".tsv", ".css", ".js", ".service", ".rules"}, filepath.Ext(path)) || path == "structure_test.go" {
			return nil
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return err
		}
		if m := loaded.Find(b); m != nil && !strings.HasSuffix(path, "_test.go") {
			t.Errorf("%s says %q; name the list, its edition and its source instead", path, m)
		}
		if m := machine.Find(b); m != nil {
			t.Errorf("%s names a path of one machine: %q", path, m)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
}

// Whoever is new finds every package in docs/ARCHITECTURE.md.
func TestArchitectureNamesEveryPackage(t *testing.T) {
	page, err := os.ReadFile("docs/ARCHITECTURE.md")
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range goFiles(t) {
		if f.test || f.dir == "." || strings.HasPrefix(f.dir, "cmd/") {
			continue
		}
		named := false
		for _, span := range regexp.MustCompile("`[^`\n]+`").FindAllString(string(page), -1) {
			name := strings.Trim(span, "`")
			named = named || f.dir == name || strings.HasSuffix(f.dir, "/"+name)
		}
		if !named {
			t.Errorf("%s: package %s does not stand in docs/ARCHITECTURE.md", f.path, f.dir)
		}
	}
}
