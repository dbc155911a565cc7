package serialport

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// holders walks /proc for open files with the device number of a node: numbers and not
// paths, since there are symlinks, and other /dev directories in containers.
func holders(n node) []Holder {
	proc := n.root.path("proc")
	names, err := list(proc)
	if err != nil {
		return nil
	}
	var all []Holder
	for _, name := range names {
		pid, err := strconv.Atoi(name)
		if err != nil || pid == os.Getpid() {
			continue
		}
		if n.openIn(filepath.Join(proc, name)) {
			all = append(all, Holder{PID: pid, Name: processName(proc, pid)})
		}
	}
	return all
}

// openIn says whether a process has the node open. The process that holds the master of a pseudo
// terminal is the device behind it, not one more user of it.
func (n node) openIn(process string) bool {
	fds, err := list(filepath.Join(process, "fd"))
	if err != nil {
		return false
	}
	open := false
	for _, fd := range fds {
		file := filepath.Join(process, "fd", fd)
		target, err := os.Readlink(file)
		if err != nil || !strings.Contains(target, "/") {
			continue // a socket, a pipe
		}
		var st unix.Stat_t
		if !looksLikeDevice(target) || unix.Stat(file, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
			continue
		}
		major, minor := rdev(&st)
		if n.isPTY() && major == 5 && minor == 2 && masterOf(process, fd) == int(n.minor) {
			return false
		}
		open = open || major == n.major && minor == n.minor
	}
	return open
}

// looksLikeDevice spares a stat of every open file: one on a dead network mount would not return.
func looksLikeDevice(path string) bool {
	base := filepath.Base(path)
	return strings.Contains(path, "/dev/") || strings.Contains(base, "tty") || strings.Contains(base, "wwan")
}

// masterOf gives the number of the pseudo terminal that a descriptor of /dev/ptmx is the master of.
func masterOf(process, fd string) int {
	for line := range strings.SplitSeq(attr(filepath.Join(process, "fdinfo", fd)), "\n") {
		if v, ok := strings.CutPrefix(line, "tty-index:"); ok {
			if i, err := strconv.Atoi(strings.TrimSpace(v)); err == nil {
				return i
			}
		}
	}
	return -1
}
