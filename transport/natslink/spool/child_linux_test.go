package spool

import (
	"bufio"
	"bytes"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"
)

// childEnv makes the test binary a process that works on a spool: "<what> <directory>".
const childEnv = "ROLLCALL_TEST_SPOOL"

// children are the scenarios that need a process of their own.
var children = map[string]func(dir string) error{
	"work":        work,
	"small":       onSmallDisk,
	"read-only":   onReadOnly,
	"descriptors": withoutDescriptors,
}

func TestMain(m *testing.M) {
	what, dir, ok := strings.Cut(os.Getenv(childEnv), " ")
	if !ok {
		os.Exit(m.Run())
	}
	runtime.LockOSThread() // strace counts the calls of each thread
	if err := children[what](dir); err != nil {
		fmt.Println("failed:", err)
		os.Exit(1)
	}
	os.Exit(0)
}

// child runs a scenario, below prefix where one is given, and returns what it said.
func child(what, dir string, attr *syscall.SysProcAttr, prefix ...string) (lines []string, err error) {
	args := append(slices.Clone(prefix), os.Args[0], "-test.run=^$")
	cmd := exec.Command(args[0], args[1:]...)
	cmd.Env = append(os.Environ(), childEnv+"="+what+" "+dir)
	cmd.SysProcAttr = attr
	var out, errs bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errs
	err = cmd.Run()
	for scan := bufio.NewScanner(&out); scan.Scan(); {
		lines = append(lines, scan.Text())
	}
	if err != nil {
		err = fmt.Errorf("%w: %s %s", err, strings.Join(lines, "; "), errs.String())
	}
	return lines, err
}

// ownMounts gives a child a mount namespace, as root or in a user namespace.
func ownMounts() *syscall.SysProcAttr {
	if os.Geteuid() == 0 {
		return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS}
	}
	return &syscall.SysProcAttr{Cloneflags: syscall.CLONE_NEWNS | syscall.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}}
}

func mountSmall(dir string) error {
	if err := syscall.Mount("", "/", "", syscall.MS_PRIVATE|syscall.MS_REC, ""); err != nil {
		return fmt.Errorf("this test needs a mount namespace: %w", err)
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k"); err != nil {
		return fmt.Errorf("this test needs to mount a tmpfs: %w", err)
	}
	return nil
}

// TestC06: a disk of 64 kB is full. Superseded reports go first, the report that does not
// fit stays in memory, and it goes to disk by itself when there is space again.
func TestC06(t *testing.T) {
	if _, err := child("small", t.TempDir(), ownMounts()); err != nil {
		t.Fatal(err)
	}
}

func onSmallDisk(dir string) error {
	if err := mountSmall(dir); err != nil {
		return err
	}
	s, err := Open(dir, Limits{})
	if err != nil {
		return err
	}
	defer s.Close()
	for seq := range uint64(20) { // 20 × 8 kB into 64 kB
		if err := s.Put(report(1, seq+1, 7000)); err != nil {
			return fmt.Errorf("put %d: %w", seq+1, err)
		}
	}
	if c := s.Counts(); c.Dropped == 0 || c.Held != 0 {
		return fmt.Errorf("superseded reports did not make room: %+v", c)
	}
	for s.Counts().Records > 1 { // the newest one stays, and may not be dropped
		e, _ := s.Next()
		if err := s.Remove(e.ID); err != nil {
			return err
		}
	}
	// Somebody else takes what is left.
	ballast, err := os.Create(dir + "/ballast")
	if err != nil {
		return err
	}
	for err == nil {
		_, err = ballast.Write(make([]byte, 512))
	}
	if err := errors.Join(ballast.Sync(), ballast.Close()); err != nil {
		return err
	}
	newest := report(1, 100, 40_000)
	if err := s.Put(newest); !errors.Is(err, ErrNotDurable) || !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("on a full disk: %w", err)
	}
	if !slices.Contains(codes(s.Health()), "disk-full") {
		return fmt.Errorf("health %v", s.Health())
	}
	if err := os.Remove(dir + "/ballast"); err != nil {
		return err
	}
	s.Flush()
	if c := s.Counts(); c.Held != 0 || slices.Contains(codes(s.Health()), "disk-full") {
		return fmt.Errorf("did not recover: %+v, %v", c, s.Health())
	}
	if err := s.Close(); err != nil {
		return err
	}
	return finds(dir, newest.ID)
}

// finds opens the spool again and looks for an envelope.
func finds(dir, id string) error {
	s, err := Open(dir, Limits{})
	if err != nil {
		return err
	}
	defer s.Close()
	if s.find(func(e *entry) bool { return e.id == id }) < 0 {
		return fmt.Errorf("%s is not there after a restart", id)
	}
	return nil
}

// TestC08 is a file system that is or becomes read-only.
func TestC08(t *testing.T) {
	if _, err := child("read-only", t.TempDir(), ownMounts()); err != nil {
		t.Fatal(err)
	}
}

func onReadOnly(dir string) error {
	if err := mountSmall(dir); err != nil {
		return err
	}
	s, err := Open(dir, Limits{})
	if err != nil {
		return err
	}
	first, second, third := report(1, 1, 10), report(1, 2, 10), report(1, 3, 10)
	if err := s.Put(first); err != nil {
		return err
	}
	remount := func(flags uintptr) error { return syscall.Mount("none", dir, "tmpfs", syscall.MS_REMOUNT|flags, "") }
	if err := remount(syscall.MS_RDONLY); err != nil {
		return err
	}
	for _, e := range []struct{ when string }{{"while running"}, {"at the start"}} {
		if err := s.Put(second); !errors.Is(err, ErrNotDurable) {
			return fmt.Errorf("%s: %w", e.when, err)
		}
		if !slices.Contains(codes(s.Health()), "not-durable") {
			return fmt.Errorf("%s: health %v", e.when, s.Health())
		}
		if got, ok := s.Next(); !ok || got.ID != first.ID {
			return fmt.Errorf("%s: what is there does not come out", e.when)
		}
		if e.when == "while running" {
			if err := s.Close(); err != nil {
				return err
			}
			if s, err = Open(dir, Limits{}); err != nil {
				return err
			}
		}
	}
	if err := remount(0); err != nil {
		return err
	}
	if err := s.Put(third); err != nil {
		return fmt.Errorf("writable again: %w", err)
	}
	if c := s.Counts(); c.Held != 0 || len(s.Health()) != 0 {
		return fmt.Errorf("did not recover: %+v, %v", c, s.Health())
	}
	return s.Close()
}

// TestC08Missing: the directory cannot be made, or goes away while running.
func TestC08Missing(t *testing.T) {
	base := t.TempDir()
	write(t, base+"/file", nil)
	s := open(t, base+"/file/spool")
	if err := s.Put(report(1, 1, 10)); !errors.Is(err, ErrNotDurable) {
		t.Errorf("no directory: %v", err)
	}
	if !slices.Contains(codes(s.Health()), "not-durable") {
		t.Errorf("health %v", s.Health())
	}
	if got := drain(t, s); len(got) != 1 {
		t.Errorf("came out %v", ids(got))
	}
	dir := base + "/spool"
	s = open(t, dir)
	put(t, s, report(1, 1, 10))
	if err := os.RemoveAll(dir); err != nil {
		t.Fatal(err)
	}
	// Whether this one is durable depends on the directory being made anew at once; it
	// must not be lost in either case.
	_ = s.Put(report(1, 2, 10))
	s.Flush()
	put(t, s, report(1, 3, 10))
	if c := s.Counts(); c.Held != 0 {
		t.Errorf("did not recover: %+v, %v", c, s.Health())
	}
	if got := drain(t, s); len(got) != 2 {
		t.Errorf("came out %v", ids(got))
	}
}

// TestC08Owner: the directory is somebody else's.
func TestC08Owner(t *testing.T) {
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o555); err != nil {
		t.Fatal(err)
	}
	done := make(chan error)
	go func() {
		runtime.LockOSThread() // and never back: the thread ends with its identity
		if os.Geteuid() == 0 {
			// The file system sees nobody, who has none of root's rights.
			if err := unix.Setfsuid(65534); err != nil {
				done <- err
				return
			}
		}
		s, err := Open(dir, Limits{})
		if err == nil {
			defer s.Close()
			if err := s.Put(report(1, 1, 10)); !errors.Is(err, ErrNotDurable) || !errors.Is(err, os.ErrPermission) {
				done <- fmt.Errorf("put: %w", err)
				return
			}
			if !slices.Contains(codes(s.Health()), "not-durable") {
				err = fmt.Errorf("health %v", s.Health())
			}
		}
		done <- err
	}()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// TestC12: the second on the same spool is refused, and told of the first.
func TestC12(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	var locked *LockedError
	if _, err := Open(dir, Limits{}); !errors.As(err, &locked) || locked.PID != os.Getpid() {
		t.Errorf("second: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, dir)
}

// TestC16: no descriptor is free. The report stays in memory, the reason is named, and
// it goes to disk when there are descriptors again.
func TestC16(t *testing.T) {
	if _, err := child("descriptors", t.TempDir(), nil); err != nil {
		t.Fatal(err)
	}
}

func withoutDescriptors(dir string) error {
	s, err := Open(dir, Limits{})
	if err != nil {
		return err
	}
	defer s.Close()
	first, second := report(1, 1, 10), report(1, 2, 10)
	if err := s.Put(first); err != nil {
		return err
	}
	if err := syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: 16, Max: 16}); err != nil {
		return err
	}
	var taken []int
	for {
		fd, err := syscall.Open("/", syscall.O_RDONLY, 0)
		if err != nil {
			break
		}
		taken = append(taken, fd)
	}
	if err := s.Put(second); !errors.Is(err, ErrNotDurable) {
		return fmt.Errorf("without descriptors: %w", err)
	}
	if !slices.Contains(codes(s.Health()), "descriptors-exhausted") {
		return fmt.Errorf("health %v", s.Health())
	}
	if e, ok := s.Next(); !ok || e.ID != second.ID {
		return errors.New("what is in memory does not come out meanwhile")
	}
	for _, fd := range taken {
		_ = syscall.Close(fd)
	}
	s.Flush()
	if c := s.Counts(); c.Held != 0 || c.Records != 2 || len(s.Health()) != 0 {
		return fmt.Errorf("did not recover: %+v, %v", c, s.Health())
	}
	return nil
}
