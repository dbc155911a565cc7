package serialport_test

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

// held opens a port that is held, and checks that it was left alone.
func held(t *testing.T, p serialport.Port, s serialport.Settings, pair *serialporttest.Pair) *serialport.HeldError {
	t.Helper()
	before := termios(t, pair.Keep)
	c, err := serialport.Open(soon(t), p, s)
	var h *serialport.HeldError
	if !errors.As(err, &h) {
		if c != nil {
			c.Close()
		}
		t.Fatalf("open gave %v, want a HeldError", err)
	}
	if diff := cmp.Diff(before, termios(t, pair.Keep)); diff != "" {
		t.Errorf("settings of a held port were changed:\n%s", diff)
	}
	return h
}

// TestB05ExclusiveAccessIsRespected: by an ordinary user, whom the kernel keeps out, and by root,
// whom it does not.
func TestB05ExclusiveAccessIsRespected(t *testing.T) {
	pair := serialporttest.Pty(t)
	exclusive(t, pair)
	if h := held(t, named(t, pair.Slave), settings(t), pair); h.How != "exclusive access" && !strings.Contains(h.How, "nobody else") {
		t.Errorf("held how: %q", h.How)
	}
	got := startChild(t, "open", []string{pair.Slave}).end(t)
	if !strings.HasPrefix(got, "*serialport.HeldError") {
		t.Errorf("an ordinary user got %q", got)
	}
	excl, err := unix.IoctlGetInt(int(pair.Keep.Fd()), unix.TIOCGEXCL)
	if err != nil || excl == 0 {
		t.Errorf("the other program's exclusive access was taken away (%v)", err)
	}
}

// exclusive takes exclusive access, as ModemManager does, and lets ordinary users at the node.
func exclusive(t *testing.T, pair *serialporttest.Pair) {
	t.Helper()
	if err := unix.IoctlSetInt(int(pair.Keep.Fd()), unix.TIOCEXCL, 0); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(pair.Slave, 0o666); err != nil {
		t.Fatal(err)
	}
}

// TestB05ExclusiveAccessIsTaken: while a port is open here, an ordinary user gets nowhere; after
// that it is free.
func TestB05ExclusiveAccessIsTaken(t *testing.T) {
	pair := serialporttest.Pty(t)
	if err := os.Chmod(pair.Slave, 0o666); err != nil {
		t.Fatal(err)
	}
	c := open(t, named(t, pair.Slave))
	if got := startChild(t, "open", []string{pair.Slave}).end(t); !strings.HasPrefix(got, "*serialport.HeldError") {
		t.Errorf("during the visit an ordinary user got %q", got)
	}
	if err := c.Close(); err != nil {
		t.Fatal(err)
	}
	if got := startChild(t, "open", []string{pair.Slave}).end(t); got != "opened\n" {
		t.Errorf("after the visit an ordinary user got %q", got)
	}
}

// TestB06RootGivesUpSysAdmin: after that, exclusive access holds against root, in a program with
// cgo and in one without.
func TestB06RootGivesUpSysAdmin(t *testing.T) {
	pair := serialporttest.Pty(t)
	exclusive(t, pair)
	helper := filepath.Join(t.TempDir(), "dropsysadmin")
	build := exec.Command("go", "build", "-o", helper, "./testdata/dropsysadmin")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	out, err := exec.Command(helper, pair.Slave).Output()
	if err != nil {
		t.Fatal(err)
	}
	checkDrop(t, string(out))
	caps := map[string]bool{}
	for line := range strings.Lines(string(out)) {
		if set, ok := strings.CutPrefix(line, "CapEff:"); ok {
			caps[set] = true
		}
	}
	if len(caps) != 1 {
		t.Errorf("the threads have different capabilities: %v", caps)
	}
	checkDrop(t, startChild(t, "drop", []string{pair.Slave}).end(t))
}

func checkDrop(t *testing.T, out string) {
	t.Helper()
	if want := fmt.Sprintf("had %v error <nil>\n", os.Geteuid() == 0); !strings.HasPrefix(out, want) {
		t.Errorf("got %q, want it to begin with %q", out, want)
	}
	if !strings.HasSuffix(out, "open false true\n") {
		t.Errorf("an open of a terminal with exclusive access ended in %q", out)
	}
}

func TestB08Unplug(t *testing.T) {
	steps := map[string]func(*testing.T, *serialporttest.Pair){
		"before the open":          unplugBeforeOpen,
		"before the first byte":    unplugBeforeFirstByte,
		"during a read":            unplugDuringRead,
		"during a write":           unplugDuringWrite,
		"before and during Close":  unplugBeforeClose,
		"between two unread bytes": unplugWithInput,
	}
	for name, step := range steps {
		t.Run(name, func(t *testing.T) {
			descriptors := countDescriptors(t)
			pair := serialporttest.Pty(t)
			pair.Keep.Close()
			step(t, pair)
			pair.Master.Close()
			if now := countDescriptors(t); now != descriptors {
				t.Errorf("%d descriptors before, %d after", descriptors, now)
			}
			again := serialporttest.Pty(t) // the next plug works
			open(t, named(t, again.Slave))
		})
	}
}

func unplugBeforeOpen(t *testing.T, pair *serialporttest.Pair) {
	p := named(t, pair.Slave)
	pair.Master.Close()
	if _, err := serialport.Open(soon(t), p, settings(t)); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("open gave %v", err)
	}
}

func unplugBeforeFirstByte(t *testing.T, pair *serialporttest.Pair) {
	c := open(t, named(t, pair.Slave))
	pair.Master.Close()
	lost(t, c)
	if _, err := c.Write([]byte("AT\r")); !errors.Is(err, serialport.ErrLost) {
		t.Errorf("write gave %v", err)
	}
	closeSoon(t, c)
}

func lost(t *testing.T, c *serialport.Conn) {
	t.Helper()
	within(t, "a read of a lost port", func() {
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, serialport.ErrLost) {
			t.Errorf("read gave %d, %v", n, err)
		}
	})
}

func closeSoon(t *testing.T, c *serialport.Conn) {
	t.Helper()
	within(t, "Close", func() {
		if err := c.Close(); err != nil {
			t.Errorf("Close gave %v", err)
		}
	})
}

func unplugDuringRead(t *testing.T, pair *serialporttest.Pair) {
	c := open(t, named(t, pair.Slave))
	done := make(chan error)
	go func() {
		_, err := c.Read(make([]byte, 1))
		done <- err
	}()
	time.Sleep(10 * time.Millisecond) // most often the read is under way by now; both orders are right
	pair.Master.Close()
	within(t, "the read", func() {
		if err := <-done; !errors.Is(err, serialport.ErrLost) {
			t.Errorf("read gave %v", err)
		}
	})
	closeSoon(t, c)
}

func unplugDuringWrite(t *testing.T, pair *serialporttest.Pair) {
	c := open(t, named(t, pair.Slave))
	done := make(chan error)
	go func() {
		var err error
		for err == nil {
			_, err = c.Write(make([]byte, 4096)) // nobody takes it, so it blocks at last
		}
		done <- err
	}()
	time.Sleep(20 * time.Millisecond)
	pair.Master.Close()
	within(t, "the write", func() {
		if err := <-done; !errors.Is(err, serialport.ErrLost) {
			t.Errorf("write gave %v", err)
		}
	})
	closeSoon(t, c)
}

func unplugBeforeClose(t *testing.T, pair *serialporttest.Pair) {
	c := open(t, named(t, pair.Slave))
	gone := make(chan struct{})
	go func() {
		pair.Master.Close()
		close(gone)
	}()
	closeSoon(t, c)
	<-gone
}

func unplugWithInput(t *testing.T, pair *serialporttest.Pair) {
	c := open(t, named(t, pair.Slave))
	if _, err := pair.Master.WriteString("OK"); err != nil {
		t.Fatal(err)
	}
	pair.Master.Close()
	within(t, "reading to the end", func() {
		var err error
		for err == nil { // what the module still said may come or not, and then the end
			_, err = c.Read(make([]byte, 1))
		}
		if !errors.Is(err, serialport.ErrLost) {
			t.Errorf("read gave %v", err)
		}
	})
	closeSoon(t, c)
}

// countDescriptors counts the terminals that this process has open.
func countDescriptors(t *testing.T) int {
	t.Helper()
	links, err := filepath.Glob("/proc/self/fd/*")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, l := range links {
		if target, err := os.Readlink(l); err == nil && (strings.HasPrefix(target, "/dev/pts/") || strings.HasPrefix(target, "/dev/ptmx")) {
			n++
		}
	}
	return n
}

// TestB09AnotherDeviceUnderTheName: between finding and opening, the name has come to mean another
// device, by its number or by its place in sysfs.
func TestB09AnotherDeviceUnderTheName(t *testing.T) {
	swaps := map[string]func(*serialporttest.Tree, string){
		"the node is another device": func(tree *serialporttest.Tree, other string) { tree.Link("dev/ttyUSB2", other) },
		"node and number changed":    func(tree *serialporttest.Tree, other string) { tree.Attach("dev/ttyUSB2", other) },
		"the number is used again elsewhere": func(tree *serialporttest.Tree, _ string) {
			tree.Link("sys/class/tty/ttyUSB2", "../../devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.2/1-1.2:1.3/ttyUSB3/tty/ttyUSB3")
		},
		"sysfs no longer knows it": func(tree *serialporttest.Tree, _ string) { tree.Remove("sys/class/tty/ttyUSB2") },
	}
	for name, swap := range swaps {
		t.Run(name, func(t *testing.T) {
			tree, pair := attached(t)
			other := serialporttest.Pty(t)
			p := first(t, tree)
			swap(tree, other.Slave)
			before, otherBefore := termios(t, pair.Keep), termios(t, other.Keep)
			if _, err := serialport.Open(soon(t), p, settings(t)); !errors.Is(err, serialport.ErrChanged) {
				t.Errorf("open gave %v", err)
			}
			if diff := cmp.Diff(before, termios(t, pair.Keep)) + cmp.Diff(otherBefore, termios(t, other.Keep)); diff != "" {
				t.Errorf("settings were changed:\n%s", diff)
			}
		})
	}
}

func TestB11WriteBlocksForEver(t *testing.T) {
	deadlines := map[string]func(*serialport.Conn) error{
		"a deadline of the caller": func(c *serialport.Conn) error { return c.SetWriteDeadline(time.Now().Add(50 * time.Millisecond)) },
		"none set":                 func(*serialport.Conn) error { return nil },
		"one set and taken back":   func(c *serialport.Conn) error { return c.SetWriteDeadline(time.Time{}) },
	}
	for name, set := range deadlines {
		t.Run(name, func(t *testing.T) {
			before := runtime.NumGoroutine()
			pair := serialporttest.Pty(t)
			s := settings(t)
			s.WriteTimeout = 50 * time.Millisecond
			c, err := serialport.Open(soon(t), named(t, pair.Slave), s)
			if err != nil {
				t.Fatal(err)
			}
			if err := set(c); err != nil {
				t.Fatal(err)
			}
			within(t, "a write that nobody takes", func() {
				var err error
				for err == nil {
					_, err = c.Write(make([]byte, 4096))
				}
				if !errors.Is(err, os.ErrDeadlineExceeded) {
					t.Errorf("write gave %v", err)
				}
			})
			closeSoon(t, c)
			within(t, "the end of all goroutines", func() {
				for runtime.NumGoroutine() > before+1 { // that of within
					time.Sleep(time.Millisecond)
				}
			})
		})
	}
}

// TestB12SettingsAreRestored: byte for byte, on every way out, and HUPCL is clear during the visit.
func TestB12SettingsAreRestored(t *testing.T) {
	ways := map[string]func(*testing.T, *serialporttest.Pair, *serialport.Conn){
		"close":          func(t *testing.T, _ *serialporttest.Pair, c *serialport.Conn) { closeSoon(t, c) },
		"another speed":  func(t *testing.T, _ *serialporttest.Pair, c *serialport.Conn) { _ = c.SetBaud(9600); closeSoon(t, c) },
		"odd speed":      func(t *testing.T, _ *serialporttest.Pair, c *serialport.Conn) { _ = c.SetBaud(123456); closeSoon(t, c) },
		"a blocked read": blockedRead,
		"unsent output":  unsentOutput,
		"a panic":        panics,
	}
	for name, way := range ways {
		t.Run(name, func(t *testing.T) {
			pair := serialporttest.Pty(t)
			unusual(t, pair)
			before := termios(t, pair.Keep)
			c := open(t, named(t, pair.Slave))
			during := termios(t, pair.Keep)
			if during.Cflag&unix.HUPCL != 0 || during.Lflag&(unix.ECHO|unix.ICANON) != 0 || during.Cflag&unix.CLOCAL == 0 {
				t.Errorf("during the visit: %+v", during)
			}
			way(t, pair, c)
			if diff := cmp.Diff(before, termios(t, pair.Keep)); diff != "" {
				t.Errorf("settings differ after the visit (-before +after):\n%s", diff)
			}
		})
	}
}

// unusual sets a terminal as no program leaves it by chance.
func unusual(t *testing.T, pair *serialporttest.Pair) {
	t.Helper()
	v := termios(t, pair.Keep)
	v.Cflag |= unix.HUPCL | unix.CSTOPB
	v.Cflag = v.Cflag&^(unix.CBAUD|unix.CBAUD<<unix.IBSHIFT) | unix.BOTHER | unix.BOTHER<<unix.IBSHIFT
	v.Ispeed, v.Ospeed = 31250, 31250
	v.Iflag |= unix.IXON | unix.IGNPAR
	v.Lflag |= unix.ECHO | unix.ICANON
	v.Cc[unix.VMIN], v.Cc[unix.VTIME], v.Cc[unix.VINTR] = 7, 9, 0x42
	if err := unix.IoctlSetTermios(int(pair.Keep.Fd()), unix.TCSETS2, &v); err != nil {
		t.Fatal(err)
	}
}

func blockedRead(t *testing.T, _ *serialporttest.Pair, c *serialport.Conn) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		_, _ = c.Read(make([]byte, 1))
	}()
	closeSoon(t, c)
	<-done
}

func unsentOutput(t *testing.T, _ *serialporttest.Pair, c *serialport.Conn) {
	_ = c.SetWriteDeadline(time.Now().Add(20 * time.Millisecond))
	_, _ = c.Write(make([]byte, 1<<16))
	closeSoon(t, c)
}

func panics(t *testing.T, _ *serialporttest.Pair, c *serialport.Conn) {
	defer func() { _ = recover() }()
	defer closeSoon(t, c)
	panic("in the caller")
}

// TestB12SettingsAreRestoredWhenOpeningFails breaks off at each step.
func TestB12SettingsAreRestoredWhenOpeningFails(t *testing.T) {
	for steps := range serialport.OpeningSteps {
		pair := serialporttest.Pty(t)
		unusual(t, pair)
		before := termios(t, pair.Keep)
		s := settings(t)
		if err := serialport.BreakOff(named(t, pair.Slave), s, steps); err != nil {
			t.Fatalf("step %d: %v", steps, err)
		}
		if diff := cmp.Diff(before, termios(t, pair.Keep)); diff != "" {
			t.Errorf("settings differ after a break after %d steps:\n%s", steps, diff)
		}
		if left, _ := os.ReadDir(s.LockDir); len(left) > 0 {
			t.Errorf("after %d steps %s is left", steps, left[0].Name())
		}
		open(t, named(t, pair.Slave)) // no lock is left either
	}
}

func TestOpenEndsWithItsContext(t *testing.T) {
	pair := serialporttest.Pty(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := serialport.Open(ctx, named(t, pair.Slave), settings(t)); !errors.Is(err, context.Canceled) {
		t.Errorf("open gave %v", err)
	}
	closed := make(chan struct{})
	within(t, "an open that the kernel does not finish", func() {
		if err := serialport.OpenSlowly(closed); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("open gave %v", err)
		}
	})
	within(t, "closing what was opened too late", func() { <-closed })
}
