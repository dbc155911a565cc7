package serialport

import (
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"

	"golang.org/x/sys/unix"
)

// lockName is how UUCP lock files name a node: its path below /dev, with "_" for "/".
func lockName(n node) string {
	dev := n.root.path("dev") + "/"
	name, ok := strings.CutPrefix(n.path, dev)
	if !ok {
		name = strings.TrimPrefix(n.path, "/dev/")
	}
	return strings.ReplaceAll(strings.TrimPrefix(name, "/"), "/", "_")
}

// lockHolder gives the live process that a lock file names, nil if there is none. A file of a
// dead process is stale.
func lockHolder(root tree, file string) *Holder {
	pid := lockPID(file)
	if pid <= 0 || unix.Kill(pid, 0) == unix.ESRCH {
		return nil
	}
	return &Holder{PID: pid, Name: processName(root.path("proc"), pid)}
}

// lockPID reads a lock file: a pid in text, or as four bytes, as old programs write it.
func lockPID(file string) int {
	b, err := os.ReadFile(file)
	if err != nil {
		return 0
	}
	if f := strings.Fields(string(b)); len(f) > 0 {
		if pid, err := strconv.Atoi(f[0]); err == nil {
			return pid
		}
	}
	if len(b) == 4 {
		return int(binary.NativeEndian.Uint32(b))
	}
	return 0
}

// lock takes the lock file, where its directory can be written, and flock.
func (o *opening) lock() error {
	if err := o.lockByFile(); err != nil {
		return err
	}
	switch err := unix.Flock(o.fd, unix.LOCK_EX|unix.LOCK_NB); {
	case err == unix.EWOULDBLOCK:
		return o.held(flockHolder(o.fd), "flock")
	case err != nil && err != unix.ENOLCK && err != unix.EINVAL:
		return fmt.Errorf("cannot lock port %q: %w", o.port.Path, err)
	}
	return nil
}

// lockByFile makes the lock file. It is written aside and then linked into place, so that
// nobody reads half of it.
func (o *opening) lockByFile() error {
	file := o.lockFile()
	aside := filepath.Join(filepath.Dir(file), fmt.Sprintf("LTMP..%d.%s", os.Getpid(), lockName(o.port.node)))
	if err := os.WriteFile(aside, fmt.Appendf(nil, "%10d\n", os.Getpid()), 0o644); err != nil {
		return nil // no such directory, or not ours to write: the other locks must do
	}
	defer os.Remove(aside)
	for range 2 {
		err := os.Link(aside, file)
		if err == nil {
			o.undo = append(o.undo, func() { unlock(file) })
			return nil
		}
		if !errors.Is(err, os.ErrExist) {
			return nil
		}
		if h := lockHolder(o.port.node.root, file); h != nil {
			return o.held(h.String(), "lock file "+file)
		}
		_ = os.Remove(file) // stale: its process is dead
	}
	return o.held("", "lock file "+file)
}

// unlock removes a lock file that is still ours.
func unlock(file string) {
	if lockPID(file) == os.Getpid() {
		_ = os.Remove(file)
	}
}

// flockHolder names the process that holds flock on an open file, "" if it cannot be seen.
func flockHolder(fd int) string {
	var st unix.Stat_t
	if unix.Fstat(fd, &st) != nil {
		return ""
	}
	inode := fmt.Sprintf("%02x:%02x:%d", unix.Major(uint64(st.Dev)), unix.Minor(uint64(st.Dev)), st.Ino)
	for line := range strings.SplitSeq(attr("/proc/locks"), "\n") {
		f := strings.Fields(line) // "1: FLOCK ADVISORY WRITE 812 00:06:312 0 EOF"
		if len(f) >= 6 && f[1] == "FLOCK" && f[5] == inode {
			if pid, err := strconv.Atoi(f[4]); err == nil && pid > 0 {
				return Holder{PID: pid, Name: processName("/proc", pid)}.String()
			}
		}
	}
	return ""
}
