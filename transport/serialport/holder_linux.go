package serialport

import (
	"bytes"
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
	dir, err := os.Open(filepath.Join(process, "fd"))
	if err != nil {
		return false
	}
	defer dir.Close()
	fds, err := dir.Readdirnames(-1)
	if err != nil {
		return false
	}
	open := false
	var target [256]byte
	for _, fd := range fds {
		k, err := unix.Readlinkat(int(dir.Fd()), fd, target[:])
		if err != nil || !looksLikeDevice(target[:k]) {
			continue
		}
		var st unix.Stat_t
		if unix.Fstatat(int(dir.Fd()), fd, &st, 0) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
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
func looksLikeDevice(path []byte) bool {
	if len(path) == 0 || path[0] != '/' {
		return false // a socket, a pipe
	}
	return bytes.Contains(path, []byte("/dev/")) || bytes.Contains(path, []byte("tty")) || bytes.Contains(path, []byte("wwan"))
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
