package serialport_test

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

func TestConnCarriesBytesUnchanged(t *testing.T) {
	pair := serialporttest.Pty(t)
	c := open(t, named(t, pair.Slave))
	all := make([]byte, 256)
	for i := range all {
		all[i] = byte(i)
	}
	if _, err := pair.Master.Write(all); err != nil {
		t.Fatal(err)
	}
	if got := read(t, c, len(all)); string(got) != string(all) {
		t.Errorf("read %q", got)
	}
	if _, err := c.Write(all); err != nil {
		t.Fatal(err)
	}
	if got := read(t, pair.Master, len(all)); string(got) != string(all) {
		t.Errorf("the module got %q", got)
	}
}

type reader interface{ Read([]byte) (int, error) }

func read(t *testing.T, r reader, n int) []byte {
	t.Helper()
	var got []byte
	within(t, "reading", func() {
		buf := make([]byte, 64)
		for len(got) < n {
			m, err := r.Read(buf)
			if err != nil || m == 0 {
				t.Errorf("read %d bytes and %v after %d of %d", m, err, len(got), n)
				return
			}
			got = append(got, buf[:m]...)
		}
	})
	return got
}

func TestCloseUnblocksRead(t *testing.T) {
	pair := serialporttest.Pty(t)
	c := open(t, named(t, pair.Slave))
	started, done := make(chan struct{}), make(chan error)
	go func() {
		close(started)
		_, err := c.Read(make([]byte, 1))
		done <- err
	}()
	<-started
	time.Sleep(10 * time.Millisecond) // most often the read is under way by now; both orders are right
	if err := c.Close(); err != nil {
		t.Error(err)
	}
	within(t, "a read after Close", func() {
		if err := <-done; !errors.Is(err, fs.ErrClosed) {
			t.Errorf("read gave %v, want fs.ErrClosed", err)
		}
	})
	if err := c.Close(); err != nil {
		t.Errorf("a second Close gave %v", err)
	}
}

func TestReadDeadline(t *testing.T) {
	pair := serialporttest.Pty(t)
	c := open(t, named(t, pair.Slave))
	if err := c.SetReadDeadline(time.Now().Add(20 * time.Millisecond)); err != nil {
		t.Fatal(err)
	}
	within(t, "a read with a deadline", func() {
		if n, err := c.Read(make([]byte, 1)); n != 0 || !errors.Is(err, os.ErrDeadlineExceeded) {
			t.Errorf("read gave %d, %v", n, err)
		}
	})
}

// TestStaleInputIsFlushed: what a module said before the visit is no answer.
func TestStaleInputIsFlushed(t *testing.T) {
	pair := serialporttest.Pty(t)
	if _, err := pair.Master.WriteString("\r\nRDY\r\n"); err != nil {
		t.Fatal(err)
	}
	c := open(t, named(t, pair.Slave))
	if _, err := pair.Master.WriteString("fresh"); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, c, 5)); got != "fresh" {
		t.Errorf("read %q", got)
	}
}

func TestOpenRefusesSkipped(t *testing.T) {
	for _, p := range find(t, &serialport.Finder{Root: ec25(t).Root}).Ports {
		if p.Verdict == serialport.Skip {
			if _, err := serialport.Open(t.Context(), p, settings(t)); !errors.Is(err, serialport.ErrSkipped) {
				t.Errorf("%s: %v", p.Path, err)
			}
		}
	}
	made := serialport.Port{Path: "/dev/null", Kind: serialport.KindTTY, Verdict: serialport.Ask}
	if _, err := serialport.Open(t.Context(), made, settings(t)); !errors.Is(err, serialport.ErrSkipped) {
		t.Errorf("a port that no Finder found: %v", err)
	}
}

func TestDescriptorsAreClosedOnExec(t *testing.T) {
	pair := serialporttest.Pty(t)
	open(t, named(t, pair.Slave))
	fi, err := os.Stat(pair.Slave)
	if err != nil {
		t.Fatal(err)
	}
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	seen := 0
	for _, e := range fds {
		path := filepath.Join("/proc/self/fd", e.Name())
		if other, err := os.Stat(path); err != nil || !os.SameFile(fi, other) {
			continue
		}
		seen++
		if flags := fdFlags(t, e.Name()); flags&unix.O_CLOEXEC == 0 {
			t.Errorf("descriptor %s would go to child processes", e.Name())
		}
	}
	if seen < 3 { // the test's own, ours and the library's
		t.Errorf("saw %d descriptors of the port", seen)
	}
}

func TestSetBaud(t *testing.T) {
	pair := serialporttest.Pty(t)
	c := open(t, named(t, pair.Slave))
	if got := termios(t, pair.Keep); got.Ospeed != 115200 {
		t.Errorf("opened with %d baud", got.Ospeed)
	}
	for _, baud := range []int{9600, 230400, 921600} {
		if err := c.SetBaud(baud); err != nil {
			t.Fatal(err)
		}
		if got := termios(t, pair.Keep); int(got.Ospeed) != baud {
			t.Errorf("set %d baud, the terminal has %d", baud, got.Ospeed)
		}
	}
}

func TestNamedThroughSymlink(t *testing.T) {
	pair := serialporttest.Pty(t)
	link := filepath.Join(t.TempDir(), "module-1")
	if err := os.Symlink(pair.Slave, link); err != nil {
		t.Fatal(err)
	}
	p := named(t, link)
	if diff := cmp.Diff(link, p.Path); diff != "" {
		t.Error(diff)
	}
	open(t, p)
}

func TestNamedUSBPort(t *testing.T) {
	tree, pair := attached(t)
	f := &serialport.Finder{Root: tree.Root}
	d, err := f.Named(t.Context(), "/dev/ttyUSB2")
	if err != nil {
		t.Fatal(err)
	}
	if d.ID != "usb:1-1.2" || d.Info.PID != "0125" || len(d.Candidates()) != 1 || d.Candidates()[0].Path != "/dev/ttyUSB2" {
		t.Errorf("got %s", show([]serialport.Device{d}))
	}
	c := open(t, d.Candidates()[0])
	if _, err := pair.Master.WriteString("x"); err != nil {
		t.Fatal(err)
	}
	read(t, c, 1)
}
