package overlay

import (
	"errors"
	"io/fs"
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

func TestFiles(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yaml", "a.yaml", "c.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte(name), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(filepath.Join(dir, "d.yaml"), 0o700); err != nil {
		t.Fatal(err)
	}
	for path, want := range map[string]string{"": "", dir: "a.yaml b.yaml", filepath.Join(dir, "b.yaml"): "b.yaml"} {
		files, err := Files(path)
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, f := range files {
			got = append(got, string(f.Data))
		}
		if strings.Join(got, " ") != want {
			t.Errorf("%q: got %q, want %q", path, got, want)
		}
	}
	if _, err := Files(filepath.Join(dir, "none")); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("got %v, want that it is not there", err)
	}
}

func TestDanglingFileIsAnError(t *testing.T) {
	dir := t.TempDir()
	if err := os.Symlink(filepath.Join(dir, "none"), filepath.Join(dir, "x.yaml")); err != nil {
		t.Fatal(err)
	}
	if _, err := Load(dir); err == nil {
		t.Error("a file of the user's own was left out in silence")
	}
}

func TestBothEndings(t *testing.T) {
	dir := t.TempDir()
	for _, name := range []string{"b.yml", "a.yaml", "c.yaml~", "d.txt"} {
		if err := os.WriteFile(filepath.Join(dir, name), []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	files, err := Files(dir)
	if err != nil || len(files) != 2 || filepath.Base(files[0].Name) != "a.yaml" || filepath.Base(files[1].Name) != "b.yml" {
		t.Errorf("%v, %v", files, err)
	}
}
