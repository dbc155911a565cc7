package serialport

import (
	"bytes"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// holders walks /proc for open files with the device number of a node: numbers and not
// paths, since there are symlinks, and other /dev directories in containers.
func holders(n node) []Holder {
	proc := n.root.path("proc")
	dir, err := os.Open(proc)
	if err != nil {
		return nil
	}
	defer dir.Close()
	processes, _ := dir.Readdirnames(-1)
	var buf [8192]byte
	var all []Holder
	for _, process := range processes {
		pid, err := strconv.Atoi(process)
		if err == nil && pid != os.Getpid() && n.openIn(int(dir.Fd()), process, buf[:]) {
			all = append(all, Holder{PID: pid, Name: processName(proc, pid)})
		}
	}
	slices.SortFunc(all, func(a, b Holder) int { return a.PID - b.PID })
	return all
}

// openIn says whether a process of the directory proc has the node open. The process that holds the
// master of a pseudo terminal is the device behind it, not one more user of it. It asks the kernel
// itself: os.File would make five calls more for each process.
func (n node) openIn(proc int, process string, buf []byte) bool {
	dir, err := unix.Openat(proc, process+"/fd", unix.O_RDONLY|unix.O_DIRECTORY|unix.O_CLOEXEC, 0)
	if err != nil {
		return false
	}
	defer unix.Close(dir)
	open := false
	var fds []string
	for {
		k, err := unix.ReadDirent(dir, buf)
		if err != nil || k <= 0 {
			return open
		}
		_, _, fds = unix.ParseDirent(buf[:k], -1, fds[:0])
		for _, fd := range fds {
			major, minor, err := deviceBehind(dir, fd)
			switch {
			case err == unix.EACCES:
				return false // nothing of this process may be seen
			case err != nil:
			case n.isPTY() && major == 5 && minor == 2 && masterOf(n.root.path("proc", process), fd) == int(n.minor):
				return false
			default:
				open = open || major == n.major && minor == n.minor
			}
		}
	}
}

// deviceBehind gives the number of the character device that a descriptor in a directory of them is open on.
func deviceBehind(dir int, fd string) (major, minor uint32, err error) {
	var target [256]byte
	k, err := unix.Readlinkat(dir, fd, target[:])
	if err != nil {
		return 0, 0, err
	}
	if !looksLikeDevice(target[:k]) {
		return 0, 0, unix.ENODEV
	}
	var st unix.Stat_t
	if err := unix.Fstatat(dir, fd, &st, 0); err != nil {
		return 0, 0, err
	}
	if st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return 0, 0, unix.ENODEV
	}
	major, minor = rdev(&st)
	return major, minor, nil
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
