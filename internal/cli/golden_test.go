package cli_test

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/internal/cli"
)

// What policy and hbom draw, at three widths. The lists and makers are the test's own, so that
// new data change nothing here; versions of data stand as DATA. UPDATE_GOLDEN=1 writes anew.
func TestGolden(t *testing.T) {
	const in = "testdata/golden/in/"
	dir := t.TempDir()
	for _, doc := range []string{"before", "after"} {
		run(t, 0, "hbom", in+doc+".jsonl", "--out", filepath.Join(dir, doc))
	}
	for name, args := range map[string][]string{
		"check":    {"policy", "check", in + "fleet.json", "--policy", in + "utility", "--at", "2026-11-22", "--show", "2"},
		"diff":     {"policy", "diff", in + "fleet.json", "--before", in + "utility", "--add", in + "proposal.yaml", "--at", "2026-11-22"},
		"list":     {"policy", "lists", "utility", "--policy", in + "utility", "--at", "2027-11-22"},
		"rule":     {"policy", "rules", "in-substation", "--policy", in + "utility"},
		"test":     {"policy", "test", in + "utility"},
		"hbomdiff": {"hbom", "diff", filepath.Join(dir, "before"), filepath.Join(dir, "after")},
	} {
		for _, width := range []int{40, 80, 120} {
			t.Run(fmt.Sprintf("%s-%d", name, width), func(t *testing.T) {
				t.Setenv("COLUMNS", fmt.Sprint(width))
				code := 0
				if name == "test" {
					code = 1 // one of its cases is wrong, to be seen
				}
				got := run(t, code, args...)
				for line := range strings.SplitSeq(got, "\n") {
					if n := len([]rune(line)); n > width && !strings.Contains(line, "://") { // addresses stay whole
						t.Errorf("%d columns of %d: %q", n, width, line)
					}
				}
				golden(t, fmt.Sprintf("%s-%d.txt", name, width), got)
			})
		}
	}
}

// run runs a command line and gives what it printed.
func run(t *testing.T, code int, args ...string) string {
	t.Helper()
	var stdout, stderr bytes.Buffer
	if got := cli.Run(t.Context(), args, strings.NewReader(""), &stdout, &stderr); got != code {
		t.Fatalf("rollcall %s: exit status %d, want %d: %s", strings.Join(args, " "), got, code, stderr.String())
	}
	return stdout.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	got = regexp.MustCompile(`\d{4}-\d{2}-\d{2}\+[0-9a-f]{8}`).ReplaceAllString(got, "DATA")
	path := filepath.Join("testdata", "golden", name)
	if os.Getenv("UPDATE_GOLDEN") != "" {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
