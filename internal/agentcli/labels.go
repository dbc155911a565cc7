package agentcli

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"

	"github.com/rollcall-iot/rollcall/internal/clean"
)

// Bounds of what files may say of a gateway: it goes out with every report.
const (
	maxLabels    = 64
	maxLabelFile = 16 << 10
	maxLabelText = 256
)

var labelName = regexp.MustCompile(`^[a-z0-9][a-z0-9_.-]{0,62}$`)

// labels are those of the files in a directory, under those of the configuration. A file *.conf holds NAME=VALUE
// lines and # comments; any other is one label, named like the file, with its first line as value. Hidden files and
// those that editors leave behind are not read. No directory is no error.
func labels(dir string, configured map[string]string) (map[string]string, error) {
	all := map[string]string{}
	if dir == "" {
		return configured, nil
	}
	entries, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("cannot read labels: %w", err)
	}
	for _, e := range entries { // sorted by name: the last one counts
		name := e.Name()
		if strings.HasPrefix(name, ".") || strings.HasSuffix(name, "~") || e.IsDir() {
			continue
		}
		if err := readLabels(filepath.Join(dir, name), all); err != nil {
			return nil, fmt.Errorf("cannot read labels in %s: %w", filepath.Join(dir, name), err)
		}
	}
	maps.Copy(all, configured)
	if len(all) > maxLabels {
		return nil, fmt.Errorf("%d labels are too many: at most %d, of %s and gateway.labels", len(all), maxLabels, dir)
	}
	return all, nil
}

func readLabels(path string, into map[string]string) error {
	f, err := os.OpenFile(path, os.O_RDONLY|syscall.O_NONBLOCK, 0) // a pipe would be waited for
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	switch {
	case err != nil:
		return err
	case !info.Mode().IsRegular():
		return errors.New("it is no file")
	case info.Mode().Perm()&0o002 != 0:
		return fmt.Errorf("it is writable by everybody (mode %04o): chmod o-w it", info.Mode().Perm())
	}
	b, err := io.ReadAll(io.LimitReader(f, maxLabelFile+1))
	if err != nil {
		return err
	}
	if len(b) > maxLabelFile {
		return fmt.Errorf("it is larger than %d bytes", maxLabelFile)
	}
	name := filepath.Base(path)
	if !strings.HasSuffix(name, ".conf") {
		first, _, _ := strings.Cut(string(b), "\n")
		return label(name, first, into)
	}
	for i, line := range strings.Split(string(b), "\n") {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		name, value, ok := strings.Cut(line, "=")
		if !ok {
			return fmt.Errorf("line %d: %q is not name=value", i+1, line)
		}
		if err := label(strings.TrimSpace(name), value, into); err != nil {
			return fmt.Errorf("line %d: %w", i+1, err)
		}
	}
	return nil
}

func label(name, value string, into map[string]string) error {
	name, value = strings.ToLower(name), strings.TrimSpace(value)
	switch {
	case !labelName.MatchString(name):
		return fmt.Errorf("%q is no name of a label: want letters, digits, _, . and -", name)
	case len(value) > maxLabelText || clean.Line(value) != value:
		return fmt.Errorf("label %s: its value has more than %d bytes, or characters that do not print", name, maxLabelText)
	}
	into[name] = value
	return nil
}
