package lists_test

import (
	"os/exec"
	"strings"
	"testing"
)

// The agent links this package; the expression language and its parser would cost it megabytes.
func TestLinksNoExpressionLanguage(t *testing.T) {
	out, err := exec.Command("go", "list", "-deps", ".").CombinedOutput()
	if err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	for dep := range strings.Lines(string(out)) {
		for _, bad := range []string{"cel.dev/", "antlr", "google.golang.org/", "net/http"} {
			if strings.Contains(dep, bad) {
				t.Errorf("links %s", strings.TrimSpace(dep))
			}
		}
	}
}
