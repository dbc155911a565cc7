package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/cli"
)

// startUp runs "rollcall up" with more arguments, and says where its pages are. It ends with end.
func startUp(t *testing.T, dir string, args ...string) (url string, end func()) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	out, in := io.Pipe()
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		var stderr bytes.Buffer
		code := cli.Run(ctx, append([]string{"up", "--data-dir", dir, "--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0"}, args...), strings.NewReader(""), in, &stderr)
		_ = in.CloseWithError(fmt.Errorf("up ended with status %d: %s", code, stderr.String()))
	}()
	end = func() { cancel(); <-ended }
	t.Cleanup(end)
	lines := bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "pages" {
			url = strings.TrimSuffix(f[1], "/")
		}
	}
	if url == "" {
		t.Fatalf("up did not say where it is: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	return url, end
}

// By which rules a fleet is judged stands in the log of who did what, also where everything runs in
// one process: at the first start, and at one with other rules, but not at one with the same.
func TestUpKeepsByWhichRulesItJudges(t *testing.T) {
	dir := t.TempDir()
	rules := filepath.Join(dir, "own.yaml")
	if err := os.WriteFile(rules, []byte("policy: own\nrules:\n  - {id: own, when: 'module.state == \"held\"', severity: low, message: held}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	log := func(args ...string) []store.Audit {
		t.Helper()
		url, end := startUp(t, filepath.Join(dir, "data"), args...)
		defer end()
		resp, err := http.Get(url + "/api/v1/audit?action=change+rules")
		if err != nil {
			t.Fatal(err)
		}
		defer resp.Body.Close()
		var l struct{ Items []store.Audit }
		if err := json.NewDecoder(resp.Body).Decode(&l); err != nil {
			t.Fatal(err)
		}
		return l.Items
	}
	for range 2 {
		got := log()
		if len(got) != 1 || got[0].Via != "program" || got[0].Who == "" || got[0].From == "" || !strings.HasPrefix(got[0].Object, "policy starter") || !strings.HasPrefix(got[0].Result, "as rollcall up started") {
			t.Fatalf("without rules of one's own: %+v", got)
		}
	}
	got := log("--policy", rules)
	if len(got) != 2 || got[0].Via != "files" || !strings.Contains(got[0].Object, "starter+own") || !strings.Contains(got[0].Result, "started; last changed: "+rules) {
		t.Errorf("with rules of one's own: %+v", got)
	}
}
