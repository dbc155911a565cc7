package agentcli

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestLabels(t *testing.T) {
	dir := t.TempDir()
	for name, text := range map[string]string{
		"site": "substation-12\nsecond line\n", "Crane": " 7 ", "20-more.conf": "# of the installer\nregion = north\nowner=works=1\n\nsite2=x\n",
		".hidden": "\x00", "site~": "\x00", "rack": "of the file",
	} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "folder"), 0o755); err != nil {
		t.Fatal(err)
	}
	got, err := labels(dir, map[string]string{"rack": "of the configuration"})
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{"site": "substation-12", "crane": "7", "region": "north", "owner": "works=1", "site2": "x", "rack": "of the configuration"}
	if d := cmp.Diff(want, got); d != "" {
		t.Error(d)
	}
	for _, none := range []string{"", filepath.Join(dir, "none")} {
		if got, err := labels(none, want); err != nil || len(got) != len(want) {
			t.Errorf("%q: %v, %v", none, got, err)
		}
	}
}

func TestBadLabels(t *testing.T) {
	for name, c := range map[string]struct {
		text, want string
		mode       os.FileMode
	}{
		"a b":    {"x", "is no name of a label", 0o644},
		"x.conf": {"site\n", "line 1: \"site\" is not name=value", 0o644},
		"y.conf": {"\nA/B=1\n", "line 2: \"a/b\" is no name", 0o644},
		"site":   {"a\x1b[2Jb", "do not print", 0o644},
		"long":   {strings.Repeat("x", 300), "more than 256 bytes", 0o644},
		"huge":   {strings.Repeat("x\n", 10_000), "larger than", 0o644},
		"open":   {"x", "writable by everybody", 0o646},
	} {
		dir := t.TempDir()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, c.mode); err != nil {
			t.Fatal(err)
		}
		if _, err := labels(dir, nil); err == nil || !strings.Contains(err.Error(), c.want) || !strings.Contains(err.Error(), path) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
}

func TestRunningID(t *testing.T) {
	path := filepath.Join(t.TempDir(), "status.json")
	for text, want := range map[string]string{"": "", `{"gateway":"gw1"}`: "gw1", `{"gateway":"a.b"}`: "", "{": ""} {
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		if got := runningID(path); got != want {
			t.Errorf("%s: %q, want %q", text, got, want)
		}
	}
	if got := runningID(path + "x"); got != "" {
		t.Errorf("no file: %q", got)
	}
}

// A pipe among the labels is told of; waiting for somebody to write to it would keep the agent from starting.
func TestLabelsDoNotWaitForAPipe(t *testing.T) {
	dir := t.TempDir()
	if err := syscall.Mkfifo(filepath.Join(dir, "site"), 0o600); err != nil {
		t.Fatal(err)
	}
	told := make(chan error, 1)
	go func() {
		_, err := labels(dir, nil)
		told <- err
	}()
	select {
	case err := <-told:
		if err == nil || !strings.Contains(err.Error(), "it is no file") {
			t.Errorf("a pipe as a label: %v", err)
		}
	case <-time.After(20 * time.Second):
		t.Fatal("it waits for a pipe")
	}
}
