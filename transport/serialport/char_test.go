package serialport_test

import (
	"errors"
	"os"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

// TestWWANPortIsLeftAsItIs: a character device is no terminal, so nothing of one is set. A pseudo
// terminal stands for it here, on which any setting would be seen.
func TestWWANPortIsLeftAsItIs(t *testing.T) {
	tree, pair := layout(t, "quectel-rm520n-pci"), serialporttest.Pty(t)
	tree.Attach("dev/wwan0at0", pair.Slave)
	p := first(t, tree)
	if p.Kind != serialport.KindChar {
		t.Fatalf("%s is of kind %s", p.Path, p.Kind)
	}
	if _, err := pair.Master.WriteString("stale\n"); err != nil {
		t.Fatal(err)
	}
	read(t, pair.Master, len("stale\r\n")) // the echo, which comes when the input is there
	before := termios(t, pair.Keep)
	c := open(t, p)
	if diff := cmp.Diff(before, termios(t, pair.Keep)); diff != "" {
		t.Errorf("settings were changed:\n%s", diff)
	}
	if _, err := c.Write([]byte("AT\r")); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, pair.Master, 3)); got != "AT\r" {
		t.Errorf("the module got %q", got)
	}
	if _, err := pair.Master.WriteString("OK\n"); err != nil {
		t.Fatal(err)
	}
	if got := string(read(t, c, 3)); got != "OK\n" {
		t.Errorf("read %q", got)
	}
	if err := c.SetBaud(9600); err != nil {
		t.Error(err)
	}
	closeSoon(t, c)
	if excl, err := unix.IoctlGetInt(int(pair.Keep.Fd()), unix.TIOCGEXCL); err != nil || excl != 0 {
		t.Errorf("exclusive access is %d after the visit (%v)", excl, err)
	}
}

func TestWWANPortIsHeld(t *testing.T) {
	tree, pair := layout(t, "quectel-rm520n-pci"), serialporttest.Pty(t)
	tree.Attach("dev/wwan0at0", pair.Slave)
	exclusive(t, pair)
	held(t, first(t, tree), settings(t), pair)
}

func TestWWANPortIsLost(t *testing.T) {
	tree, pair := layout(t, "quectel-rm520n-pci"), serialporttest.Pty(t)
	tree.Attach("dev/wwan0at0", pair.Slave)
	c := open(t, first(t, tree))
	pair.Master.Close()
	lost(t, c)
	closeSoon(t, c)
}

// TestDescriptorsAbove1023: select, which the library reads by, ends the process there.
func TestDescriptorsAbove1023(t *testing.T) {
	for range 1100 {
		f, err := os.Open("/dev/null")
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { f.Close() })
	}
	pair := serialporttest.Pty(t)
	c := open(t, named(t, pair.Slave))
	if _, err := pair.Master.WriteString("OK"); err != nil {
		t.Fatal(err)
	}
	read(t, c, 2)
	closeSoon(t, c)
	if _, err := c.Read(make([]byte, 1)); !errors.Is(err, os.ErrClosed) {
		t.Errorf("read after Close gave %v", err)
	}
}
