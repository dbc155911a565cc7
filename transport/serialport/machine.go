package serialport

import (
	"fmt"
	"path/filepath"
	"strings"
)

// consoles names the ttys that the kernel writes its messages to. Something answers there,
// and it is not a module.
func (t tree) consoles() map[string]bool {
	all := map[string]bool{"console": true}
	for _, name := range strings.Fields(attr(t.path("sys/class/tty/console/active"))) {
		all[name] = true
	}
	for line := range strings.SplitSeq(attr(t.path("proc/consoles")), "\n") {
		if name, _, ok := strings.Cut(line, " "); ok {
			all[name] = true
		}
	}
	for _, word := range strings.Fields(attr(t.path("proc/cmdline"))) {
		if v, ok := strings.CutPrefix(word, "console="); ok {
			name, _, _ := strings.Cut(v, ",")
			all[filepath.Base(name)] = true
		}
	}
	return all
}

// follow resolves symlinks of a path below the root, and gives it as a path below "/".
func (t tree) follow(path string) string {
	real, err := filepath.EvalSymlinks(t.path(path))
	if err != nil {
		return filepath.Clean(path)
	}
	rel, err := filepath.Rel(string(t), real)
	if err != nil || !filepath.IsLocal(rel) {
		return filepath.Clean(path)
	}
	return "/" + rel
}

// udev gives the properties that udev's rules set for a node. The format of its database is
// not promised; it has been these lines for years, and a change means only that nothing is learnt.
func (t tree) udev(n node) map[string]string {
	if n.major == 0 {
		return nil
	}
	props := map[string]string{}
	file := t.path("run/udev/data", fmt.Sprintf("c%d:%d", n.major, n.minor))
	for line := range strings.SplitSeq(attr(file), "\n") {
		if kv, ok := strings.CutPrefix(line, "E:"); ok {
			k, v, _ := strings.Cut(kv, "=")
			props[k] = v
		}
	}
	return props
}
