package serialport

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"regexp"
	"strings"
)

// maxAttribute bounds what is read of one file. The kernel's own bound for sysfs is one page;
// configuration and udev's database may be longer.
const maxAttribute = 64 << 10

// tree reads files below a directory that stands for "/".
type tree string

func (f *Finder) tree() tree {
	if f.Root == "" {
		return "/"
	}
	return tree(f.Root)
}

// path gives the real path of one below the root.
func (t tree) path(elem ...string) string {
	return filepath.Join(append([]string{string(t)}, elem...)...)
}

// attr reads a small file: without the newline at its end, and "" if there is none.
func attr(path string) string {
	f, err := os.Open(path)
	if err != nil {
		return ""
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, maxAttribute))
	if err != nil && len(b) == 0 {
		return ""
	}
	return strings.TrimRight(string(b), "\r\n")
}

// text reads an attribute that a device wrote: bounded, and valid UTF-8.
func text(path string) string {
	const most = 256 // a USB string holds at most 126 characters
	s := attr(path)
	if len(s) > most {
		s = s[:most]
	}
	return strings.ToValidUTF8(s, "\uFFFD")
}

var hex4 = regexp.MustCompile(`^(0x)?([0-9a-fA-F]{4})$`)

// id reads an attribute of four hex digits; "" if it is anything else.
func id(path string) string {
	m := hex4.FindStringSubmatch(attr(path))
	if m == nil {
		return ""
	}
	return strings.ToLower(m[2])
}

// hex reads an attribute of a few hex digits in lower case; "" if it is anything else.
func hex(path string) string {
	s := strings.ToLower(strings.TrimPrefix(attr(path), "0x"))
	if s == "" || len(s) > 8 || strings.Trim(s, "0123456789abcdef") != "" {
		return ""
	}
	return s
}

// linkBase gives the last element of what a symlink points to, "" if it is none.
func linkBase(path string) string {
	target, err := os.Readlink(path)
	if err != nil {
		return ""
	}
	return filepath.Base(target)
}

func exists(path string) bool {
	_, err := os.Stat(path)
	return err == nil
}

// list gives the names in a directory, sorted. A directory that is not there is empty.
func list(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, os.ErrNotExist) {
		return nil, nil
	}
	names := make([]string, len(entries))
	for i, e := range entries {
		names[i] = e.Name()
	}
	return names, err
}

// property reads KEY=value lines, as of a uevent file, and gives the value of one key.
func property(text, key string) string {
	for line := range strings.SplitSeq(text, "\n") {
		if k, v, ok := strings.Cut(line, "="); ok && k == key {
			return v
		}
	}
	return ""
}
