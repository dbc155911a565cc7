package serialport_test

import (
	"context"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

// ec25 is a layout with an AT port on /dev/ttyUSB2 and a second one on /dev/ttyUSB3.
func ec25(t *testing.T) *serialporttest.Tree {
	t.Helper()
	b, err := os.ReadFile("testdata/devices/quectel-ec25.txtar")
	if err != nil {
		t.Fatal(err)
	}
	return serialporttest.Build(t, b)
}

// attached is a tree whose first AT port is a pseudo terminal.
func attached(t *testing.T) (*serialporttest.Tree, *serialporttest.Pair) {
	t.Helper()
	tree, pair := ec25(t), serialporttest.Pty(t)
	tree.Attach("dev/ttyUSB2", pair.Slave)
	return tree, pair
}

// find gives the only device of a tree.
func find(t *testing.T, f *serialport.Finder) serialport.Device {
	t.Helper()
	devices, err := f.Find(t.Context())
	if err != nil || len(devices) != 1 {
		t.Fatalf("found %d devices, want 1 (%v)", len(devices), err)
	}
	return devices[0]
}

// first gives the best candidate of a tree.
func first(t *testing.T, tree *serialporttest.Tree) serialport.Port {
	t.Helper()
	c := find(t, &serialport.Finder{Root: tree.Root}).Candidates()
	if len(c) == 0 {
		t.Fatal("no port may be asked")
	}
	return c[0]
}

// named gives the port of a pseudo terminal, as a person names it.
func named(t *testing.T, path string) serialport.Port {
	t.Helper()
	d, err := new(serialport.Finder).Named(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if len(d.Candidates()) != 1 {
		t.Fatalf("%q may not be asked: %s", path, d.Reason)
	}
	return d.Candidates()[0]
}

func open(t *testing.T, p serialport.Port) *serialport.Conn {
	t.Helper()
	c, err := serialport.Open(soon(t), p, settings(t))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.Close() })
	return c
}

// settings keep lock files of tests out of the machine's own directory.
func settings(t *testing.T) serialport.Settings { return serialport.Settings{LockDir: t.TempDir()} }

// soon bounds what must not hang, generously.
func soon(t *testing.T) context.Context {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	t.Cleanup(cancel)
	return ctx
}

// termios reads all settings of a terminal.
func termios(t *testing.T, f *os.File) unix.Termios {
	t.Helper()
	v, err := unix.IoctlGetTermios(int(f.Fd()), unix.TCGETS2)
	if err != nil {
		t.Fatal(err)
	}
	return *v
}

// within fails the test if f takes longer than anything of its kind may.
func within(t *testing.T, what string, f func()) {
	t.Helper()
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	select {
	case <-done:
	case <-time.After(time.Minute):
		t.Fatalf("%s hangs", what)
	}
}

// fdFlags reads the flags of a descriptor of this process without touching it.
func fdFlags(t *testing.T, fd string) int {
	t.Helper()
	b, err := os.ReadFile("/proc/self/fdinfo/" + fd)
	if err != nil {
		t.Fatal(err)
	}
	for line := range strings.Lines(string(b)) {
		if v, ok := strings.CutPrefix(line, "flags:"); ok {
			n, err := strconv.ParseInt(strings.TrimSpace(v), 8, 64)
			if err != nil {
				t.Fatal(err)
			}
			return int(n)
		}
	}
	t.Fatalf("descriptor %s has no flags", fd)
	return 0
}

func mkfifo(t *testing.T, path string) {
	t.Helper()
	if err := unix.Mkfifo(path, 0o666); err != nil {
		t.Fatal(err)
	}
}
