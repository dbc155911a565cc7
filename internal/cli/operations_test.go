package cli_test

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// Every command of docs/operations.md that is not to be done by hand works, in its order.
func TestOperationsCommands(t *testing.T) {
	b, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	srv := natslinktest.Start(t, natslinktest.Settings{})
	natslinktest.MakeStream(t, srv.JetStream(natslinktest.User{}), 0)
	dir := t.TempDir()
	e := &readmeEnv{root: "../..", dir: dir}
	e.root = dir
	program := testProgram(t)
	config := "nats: {urls: [" + srv.URL() + "]}\nstore: sqlite:" + filepath.Join(dir, "rollcall.db") + "\nlisten: 127.0.0.1:0\nstate_dir: " + filepath.Join(dir, "state") + "\n"
	if err := os.WriteFile(filepath.Join(dir, "collector.yaml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	replace := strings.NewReplacer("rollcall ", program+" ", "nats://127.0.0.1:4222", srv.URL(), "--duration 5s", "--duration 500ms")
	n := 0
	for i, part := range strings.Split(string(b), "```") {
		text, ok := strings.CutPrefix(part, "sh\n")
		if i%2 == 0 || !ok {
			continue
		}
		for command := range strings.Lines(text) {
			command = strings.TrimSpace(command)
			n++
			if command == "rollcall collector --config collector.yaml" {
				e.start(t, replace.Replace(command), "collecting")
				continue
			}
			e.run(t, replace.Replace(command))
		}
	}
	if n != 9 {
		t.Errorf("ran %d commands, want 9", n)
	}
	for _, made := range []string{"admin.token", "collector.creds", "backup-1.db", "restored.db"} {
		if info, err := os.Stat(filepath.Join(dir, made)); err != nil || info.Mode().Perm()&0o077 != 0 {
			t.Errorf("%s: %v %v", made, info, err)
		}
	}
}

// testProgram is this test under the name of the program, which it then is (TestMain): linking
// the program itself takes longer than all its commands.
func testProgram(t *testing.T) string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	if err := os.Symlink(self, filepath.Join(dir, "rollcall")); err != nil {
		t.Fatal(err)
	}
	return filepath.Join(dir, "rollcall")
}

// Every warning that a gateway can send has its line in docs/operations.md, and no line is of another.
func TestOperationsNameEveryWarning(t *testing.T) {
	b, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	_, section, _ := strings.Cut(string(b), "## What to do on each warning")
	said := map[string]bool{}
	for _, m := range regexp.MustCompile("(?m)^\\| `([a-z-]+)` \\|").FindAllStringSubmatch(section, -1) {
		said[m[1]] = true
	}
	raised := map[string]bool{}
	code := regexp.MustCompile(`(?:health\.(?:set|raise)\(|[cC]ode[A-Z]\w*\s*= )"([a-z-]+)"|return "([a-z-]+)", "the|return "([a-z-]+)", "no `)
	for _, root := range []string{"../../agent", "../../transport/natslink"} {
		err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
			if err != nil || filepath.Ext(path) != ".go" || strings.HasSuffix(path, "_test.go") {
				return err
			}
			text, err := os.ReadFile(path)
			for _, m := range code.FindAllStringSubmatch(string(text), -1) {
				raised[m[1]+m[2]+m[3]] = true
			}
			return err
		})
		if err != nil {
			t.Fatal(err)
		}
	}
	if len(raised) < 20 {
		t.Fatalf("found only %d warnings in the code: %v", len(raised), raised)
	}
	for c := range raised {
		if !said[c] {
			t.Errorf("docs/operations.md does not say what to do on %s", c)
		}
	}
	for c := range said {
		if !raised[c] {
			t.Errorf("docs/operations.md names %s, which nothing raises", c)
		}
	}
}

// Every metric that docs/operations.md tells to watch is one that the collector has.
func TestOperationsNameMetrics(t *testing.T) {
	b, err := os.ReadFile("../../docs/operations.md")
	if err != nil {
		t.Fatal(err)
	}
	code := ""
	files, _ := filepath.Glob("../../collector/*.go")
	for _, f := range files {
		text, err := os.ReadFile(f)
		if err != nil {
			t.Fatal(err)
		}
		code += string(text)
	}
	names := regexp.MustCompile(`rollcall_[a-z_]+[a-z]`).FindAllString(string(b), -1)
	if len(names) < 6 {
		t.Fatalf("found only %v", names)
	}
	for _, name := range names {
		if !strings.Contains(code, `"`+name+`"`) {
			t.Errorf("docs/operations.md names %s, which the collector does not have", name)
		}
	}
}
