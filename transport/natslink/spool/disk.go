package spool

import (
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// badDir holds what is damaged or was refused for good.
const badDir = "bad"

// disk is the directory of a spool, as far as the spool uses it. The tests have one
// that crashes.
type disk interface {
	// Create makes a new file, which must not be there.
	Create(name string) (file, error)
	// Read gives at most max+1 bytes of a plain file, not through a link.
	Read(name string, max int64) ([]byte, error)
	Rename(from, to string) error
	Remove(name string) error
	// Sync makes the directory's entries durable.
	Sync() error
	// List gives the names in the directory, or in bad/ for badDir.
	List(dir string) ([]string, error)
	// Exists says whether anything stands under that name, also a dangling link.
	Exists(name string) bool
	MkdirBad() error
	Close() error
}

type file interface {
	io.Writer
	Sync() error
	Close() error
}

// errForeign: the name is taken by something that is no plain file of ours.
var errForeign = errors.New("not a plain file with one name")

// osDisk is a real directory. All names are resolved below its descriptor (os.Root), so
// a link planted in it leads nowhere outside.
type osDisk struct {
	root *os.Root
	lock *os.File
}

// attachDir makes dir where it is missing, locks it and opens it.
func attachDir(dir string) (disk, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	root, err := os.OpenRoot(dir)
	if err != nil {
		return nil, err
	}
	lock, err := lockDir(root, dir)
	if err != nil {
		_ = root.Close()
		return nil, err
	}
	return &osDisk{root: root, lock: lock}, nil
}

// lockDir locks the directory itself: that needs no file and works on a read-only file
// system. The file "pid" only tells a second process whom to name.
func lockDir(root *os.Root, dir string) (*os.File, error) {
	f, err := root.Open(".")
	if err != nil {
		return nil, err
	}
	err = syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
	if errors.Is(err, syscall.EWOULDBLOCK) {
		_ = f.Close()
		return nil, &LockedError{Dir: dir, PID: readPID(root)}
	}
	if err != nil && !errors.Is(err, syscall.ENOLCK) && !errors.Is(err, syscall.ENOTSUP) {
		_ = f.Close()
		return nil, fmt.Errorf("cannot lock %s: %w", dir, err)
	}
	writePID(root)
	return f, nil
}

func readPID(root *os.Root) int {
	b, err := root.ReadFile("pid")
	if err != nil {
		return 0
	}
	pid, err := strconv.Atoi(strings.TrimSpace(string(b)))
	if err != nil {
		return 0
	}
	return pid
}

// writePID is best effort: on a read-only file system the pid is not known to others.
func writePID(root *os.Root) {
	text := strconv.Itoa(os.Getpid()) + "\n"
	if b, err := root.ReadFile("pid"); err == nil && string(b) == text {
		return
	}
	_ = root.Remove("pid")
	f, err := root.OpenFile("pid", os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o644)
	if err != nil {
		return
	}
	_, _ = io.WriteString(f, text)
	_ = f.Close()
}

func (d *osDisk) Create(name string) (file, error) {
	return d.root.OpenFile(name, os.O_WRONLY|os.O_CREATE|os.O_EXCL|syscall.O_NOFOLLOW, 0o600)
}

func (d *osDisk) Read(name string, max int64) ([]byte, error) {
	info, err := d.root.Lstat(name)
	if err != nil {
		return nil, err
	}
	if !info.Mode().IsRegular() {
		return nil, errForeign
	}
	// NONBLOCK: a FIFO that took the name meanwhile must not stop us.
	f, err := d.root.OpenFile(name, os.O_RDONLY|syscall.O_NOFOLLOW|syscall.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	if info, err = f.Stat(); err != nil {
		return nil, err
	}
	if st, ok := info.Sys().(*syscall.Stat_t); !info.Mode().IsRegular() || ok && st.Nlink > 1 {
		return nil, errForeign
	}
	return io.ReadAll(io.LimitReader(f, max+1))
}

func (d *osDisk) Rename(from, to string) error { return d.root.Rename(from, to) }

func (d *osDisk) Remove(name string) error { return d.root.Remove(name) }

// Sync uses the locked descriptor: it is the directory's, and needs no new one.
func (d *osDisk) Sync() error { return d.lock.Sync() }

func (d *osDisk) List(dir string) ([]string, error) {
	f, err := d.root.Open(dir)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	return f.Readdirnames(-1)
}

func (d *osDisk) Exists(name string) bool {
	_, err := d.root.Lstat(name)
	return !errors.Is(err, fs.ErrNotExist)
}

func (d *osDisk) MkdirBad() error {
	err := d.root.Mkdir(badDir, 0o700)
	if err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	info, err := d.root.Lstat(badDir)
	if err == nil && !info.IsDir() {
		err = fmt.Errorf("%s is no directory", filepath.Join(d.root.Name(), badDir))
	}
	return err
}

func (d *osDisk) Close() error { return errors.Join(d.lock.Close(), d.root.Close()) }
