package doctor

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

func config(t *testing.T, url string) *configs.Agent {
	t.Helper()
	c := &configs.Agent{StateDir: filepath.Join(t.TempDir(), "state")}
	c.NATS.URLs = []string{url}
	return c
}

func named(t *testing.T, checks []Check, name string) Check {
	t.Helper()
	i := slices.IndexFunc(checks, func(c Check) bool { return c.Name == name })
	if i < 0 {
		t.Fatalf("no check of %s in %+v", name, checks)
	}
	return checks[i]
}

// A machine without devices, with a broker: only the missing device is worth a word.
func TestHealthyMachineWithoutModules(t *testing.T) {
	server := natslinktest.Start(t, natslinktest.Settings{})
	root := t.TempDir()
	checks := Run(t.Context(), Settings{Config: config(t, server.URL()), Root: root, Finder: &serialport.Finder{Root: root}})
	for name, want := range map[string]Level{"configuration": OK, "state": OK, "NATS": OK, "ModemManager": OK} {
		if c := named(t, checks, name); c.Level != want {
			t.Errorf("%s is %s (%s), want %s", name, c.Level, c.Text, want)
		}
	}
	for _, c := range checks {
		if (c.Level == Warn || c.Level == Fail) && c.Advice == "" {
			t.Errorf("%s is bad (%s) and has no advice", c.Name, c.Text)
		}
	}
}

func TestTroubleHasAdvice(t *testing.T) {
	root := t.TempDir()
	if err := os.MkdirAll(filepath.Join(root, "proc/7"), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(root, "proc/7/comm"), []byte("ModemManager\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	closed, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	closed.Close()
	c := config(t, "nats://"+closed.Addr().String())
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	c.StateDir = file
	checks := Run(t.Context(), Settings{Config: c, Root: root, Finder: &serialport.Finder{Root: root}, Wait: time.Second})
	for name, want := range map[string]string{"NATS": "refused", "state": "no directory", "ModemManager": "running"} {
		if got := named(t, checks, name); !strings.Contains(got.Text, want) {
			t.Errorf("%s says %q, want %q in it", name, got.Text, want)
		}
	}
	if Worst(checks) != Fail {
		t.Errorf("worst is %s", Worst(checks))
	}
}

func TestBrokenConfigurationIsNamed(t *testing.T) {
	root := t.TempDir()
	checks := Run(t.Context(), Settings{ConfigErr: errors.New(`unknown key "x"`), Root: root, Finder: &serialport.Finder{Root: root}})
	if c := named(t, checks, "configuration"); c.Level != Fail || !strings.Contains(c.Text, `"x"`) {
		t.Errorf("got %+v", c)
	}
}

func TestZone(t *testing.T) {
	for seconds, want := range map[int]string{0: "UTC+00:00", 19800: "UTC+05:30", -12600: "UTC-03:30", -2670: "UTC-00:44"} {
		if c := zone(time.Date(2026, 1, 1, 0, 0, 0, 0, time.FixedZone("here", seconds))); !strings.Contains(c.Text, "here ("+want+")") {
			t.Errorf("%d s: %s, want %s", seconds, c.Text, want)
		}
	}
}

// A server that works and is old is no failure, and has nothing to do with credentials.
func TestOldServer(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer c.Close()
				fmt.Fprint(c, `INFO {"server_id":"old","version":"2.9.0","max_payload":1048576,"proto":1,"headers":true}`+"\r\n")
				for lines := bufio.NewScanner(c); lines.Scan(); {
					if lines.Text() == "PING" {
						fmt.Fprint(c, "PONG\r\n")
					}
				}
			}()
		}
	}()
	var n configs.NATS
	n.URLs = []string{"nats://" + l.Addr().String()}
	c := broker(t.Context(), n, natslinktest.Patience)
	if c.Level != Warn || !strings.Contains(c.Text, "2.9.0") || c.Advice == "" || strings.Contains(c.Advice, "creds") {
		t.Errorf("%+v", c)
	}
}

func TestAddress(t *testing.T) {
	for in, want := range map[string]string{
		"nats://h": "h:4222", "tls://h:1": "h:1", "wss://h": "h:443", "ws://[::1]": "[::1]:80",
	} {
		if got := address(in); got != want {
			t.Errorf("address(%q) = %q, want %q", in, got, want)
		}
	}
}

// What the configuration names is looked at, in place of what the kernel shows.
func TestNamedPortsAreLookedAt(t *testing.T) {
	pair := serialporttest.Pty(t)
	root := t.TempDir()
	for name, text := range map[string]string{"sys/class/tty/.keep": "", "proc/7/comm": "ModemManager\n", "proc/self/attr/current": "rollcall (enforce)\n"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(root, name)), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	c := config(t, "nats://127.0.0.1:1")
	c.Scan.Ports = []string{pair.Slave, root, "tcp://127.0.0.1:1"}
	s := Settings{Config: c, Root: root, Finder: new(serialport.Finder), Wait: time.Second, Manager: told{"usb:1-1": {Model: "EC25\x1b[2J"}}}
	checks := Run(t.Context(), s)
	for name, want := range map[string]Level{"tty:" + pair.Slave: OK, root: Fail, "tcp:127.0.0.1:1": OK, "security": Note, "ModemManager": OK} {
		if got := named(t, checks, name); got.Level != want {
			t.Errorf("%s is %s (%s), want %s", name, got.Level, got.Text, want)
		}
	}
	if got := named(t, checks, "ModemManager"); !strings.Contains(got.Text, "usb:1-1 EC25") || strings.Contains(got.Text, "\x1b") {
		t.Errorf("ModemManager says %q", got.Text)
	}
	s.Manager = told(nil)
	if got := named(t, Run(t.Context(), s), "ModemManager"); !strings.Contains(got.Text, "no module") {
		t.Errorf("ModemManager says %q", got.Text)
	}
}

// told plays a manager.
type told map[string]*inventory.Managed

func (m told) Managed(context.Context, []serialport.Device) (map[string]*inventory.Managed, error) {
	return m, nil
}

func (told) Inhibit(context.Context, serialport.Device) (func(context.Context) error, error) {
	panic("doctor changes nothing")
}
