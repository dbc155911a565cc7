package rollcall_test

import (
	"fmt"
	"go/ast"
	"os"
	"strings"
	"testing"
)

// TestFaultsHaveTests: each fault that docs/faults.tsv must list (A modules, B ports, C spool and disk, D NATS and the
// network, E forgery and secrets, F time, restarts and resources, G collector) has a test whose name begins with its
// number, in a file that is run.
func TestFaultsHaveTests(t *testing.T) {
	tests := map[string][]string{}
	for _, f := range goFiles(t) {
		if !f.test {
			continue
		}
		for _, d := range f.ast.Decls {
			fn, ok := d.(*ast.FuncDecl)
			if !ok || fn.Recv != nil || !strings.HasPrefix(fn.Name.Name, "Test") || len(fn.Name.Name) < 7 {
				continue
			}
			if id := fn.Name.Name[4:7]; len(fn.Body.List) > 0 {
				tests[id] = append(tests[id], f.path+" "+fn.Name.Name)
			}
		}
	}
	listed := faults(t)
	for group, n := range map[string]int{"A": 25, "B": 15, "C": 17, "D": 19, "E": 14, "F": 11, "G": 8} {
		for i := 1; i <= n; i++ {
			id := fmt.Sprintf("%s%02d", group, i)
			if len(tests[id]) == 0 {
				t.Errorf("no test makes fault %s: want a func Test%s…", id, id)
			}
			if listed[id] == nil {
				t.Errorf("docs/faults.tsv does not list %s", id)
			}
		}
	}
	for id, f := range listed {
		if len(f) != 4 || strings.TrimSpace(f[3]) == "" {
			t.Errorf("docs/faults.tsv: %s does not say how its test was seen to fail: %q", id, f)
		}
		if len(tests[id]) == 0 {
			t.Errorf("docs/faults.tsv lists %s, which no test makes", id)
		}
	}
}

func faults(t *testing.T) map[string][]string {
	t.Helper()
	b, err := os.ReadFile("docs/faults.tsv")
	if err != nil {
		t.Fatal(err)
	}
	listed := map[string][]string{}
	for line := range strings.Lines(string(b)) {
		f := strings.Split(strings.TrimSuffix(line, "\n"), "\t")
		if !strings.HasPrefix(line, "#") && f[0] != "id" {
			listed[f[0]] = f
		}
	}
	return listed
}
