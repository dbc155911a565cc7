package overlay

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestNoDirectoryIsNone(t *testing.T) {
	for _, dir := range []string{"", filepath.Join(t.TempDir(), "none")} {
		if _, err := Load(dir); err != nil {
			t.Errorf("%q: %v", dir, err)
		}
	}
}

func TestWrongFilesAreNamed(t *testing.T) {
	for _, c := range []struct {
		name, text, want string
		mode             os.FileMode
	}{
		{"not YAML", "families: [", "x.yaml", 0o600},
		{"unknown key", "slug: x\nfamilees: []\n", "x.yaml", 0o600},
		{"writable by all", "slug: x\n", "mode 0666", 0o666},
	} {
		t.Run(c.name, func(t *testing.T) {
			path := filepath.Join(t.TempDir(), "x.yaml")
			if err := os.WriteFile(path, []byte(c.text), 0o600); err != nil {
				t.Fatal(err)
			}
			if err := os.Chmod(path, c.mode); err != nil {
				t.Fatal(err)
			}
			if _, err := Load(filepath.Dir(path)); err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
