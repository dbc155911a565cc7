package survey

import (
	"bufio"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

// lineAt plays a module on a UART that understands one speed alone. At others it sends back what a
// line at another speed looks like, where noise says so.
type lineAt struct {
	speed uint32
	noise bool

	mu    sync.Mutex
	heard []string
}

func (l *lineAt) serve(t *testing.T, master *os.File) {
	r := bufio.NewReader(master)
	for {
		cmd, err := r.ReadString('\r')
		if err != nil {
			return
		}
		now := termios(t, master)
		l.mu.Lock()
		l.heard = append(l.heard, fmt.Sprintf("%d %s", now.Ospeed, strings.TrimSpace(cmd)))
		l.mu.Unlock()
		switch {
		case now.Ospeed != l.speed && l.noise:
			_, _ = master.Write([]byte{0xf8, 0x00, 0xe0, 0xff, 0x9c})
		case now.Ospeed != l.speed:
		case strings.HasPrefix(cmd, "ATI"):
			fmt.Fprint(master, "\r\nQuectel\r\nEC25\r\nRevision: EC25EFAR06A08M4G\r\n\r\nOK\r\n")
		case strings.HasPrefix(cmd, "AT\r"):
			fmt.Fprint(master, "\r\nOK\r\n")
		default:
			fmt.Fprint(master, "\r\nERROR\r\n")
		}
	}
}

// termios reads the settings of a pseudo terminal from its master, which has those of the slave.
func termios(t *testing.T, f *os.File) *unix.Termios {
	t.Helper()
	rc, err := f.SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	var got *unix.Termios
	_ = rc.Control(func(fd uintptr) { got, err = unix.IoctlGetTermios(int(fd), unix.TCGETS2) })
	if err != nil {
		t.Error(err)
		return new(unix.Termios)
	}
	return got
}

// A module on a UART is found at its speed, each speed is tried in order, and all settings are put back.
func TestSpeedsAreTried(t *testing.T) {
	t.Parallel()
	for _, noise := range []bool{false, true} {
		pair, line := serialporttest.Pty(t), &lineAt{speed: 9600, noise: noise}
		go line.serve(t, pair.Master)
		before := termios(t, pair.Keep)
		s := settings(t, pair.Slave)
		s.Bauds = []int{115200, 9600, 57600}
		modules, err := Run(t.Context(), s)
		if err != nil || len(modules) != 1 {
			t.Fatalf("got %+v, %v", modules, err)
		}
		m := modules[0]
		if m.State != inventory.StateIdentified || m.Ports[0].Baud != 9600 {
			t.Errorf("noise %v: %s (%s), port %+v", noise, m.State, m.Reason, m.Ports[0])
		}
		if diff := cmp.Diff(before, termios(t, pair.Keep)); diff != "" {
			t.Errorf("settings were changed:\n%s", diff)
		}
		line.mu.Lock()
		if line.heard[0] != "115200 AT" || slices.ContainsFunc(line.heard, func(s string) bool { return strings.HasPrefix(s, "57600") }) ||
			slices.ContainsFunc(line.heard, func(s string) bool { return strings.HasPrefix(s, "115200") && s != "115200 AT" }) {
			t.Errorf("noise %v: heard %q", noise, line.heard)
		}
		line.mu.Unlock()
		for _, x := range m.Transcript {
			if x.Note != "" {
				t.Errorf("the transcript holds %+v of another speed", x)
			}
		}
	}
}

// A line that is silent at all speeds says so, and stands as it stood.
func TestSilentAtAllSpeeds(t *testing.T) {
	t.Parallel()
	pair := serialporttest.Pty(t)
	before := termios(t, pair.Keep)
	s := settings(t, pair.Slave)
	s.Bauds = []int{9600, 19200}
	modules, err := Run(t.Context(), s)
	if err != nil || len(modules) != 1 || modules[0].State != inventory.StateUnanswered || !strings.Contains(modules[0].Reason, "at 9600 and 19200 baud") {
		t.Errorf("got %+v, %v", modules, err)
	}
	if diff := cmp.Diff(before, termios(t, pair.Keep)); diff != "" {
		t.Errorf("settings were changed:\n%s", diff)
	}
}

// USB has no speed: nothing is tried on a USB port that was found.
func TestNoSpeedsOnUSB(t *testing.T) {
	s := Settings{Bauds: []int{9600, 115200}}
	usb := serialport.Device{Info: inventory.Device{Bus: "usb"}}
	uart := serialport.Device{Info: inventory.Device{Bus: "platform"}}
	tty := serialport.Port{Kind: serialport.KindTTY}
	if got := s.speeds(target{device: usb, port: tty}); !slices.Equal(got, []int{0}) {
		t.Errorf("on a USB port that was found: %v", got)
	}
	if got := s.speeds(target{device: uart, port: tty}); len(got) != 2 {
		t.Errorf("on a UART that the configuration allows: %v", got)
	}
	if got := s.speeds(target{device: uart, port: serialport.Port{Kind: serialport.KindChar}}); !slices.Equal(got, []int{0}) {
		t.Errorf("on a character device: %v", got)
	}
	s.Ports = []string{filepath.Join("dev", "ttyUSB0")}
	if got := s.speeds(target{device: usb, port: tty}); len(got) != 2 {
		t.Errorf("on an adapter that was named: %v", got)
	}
}
