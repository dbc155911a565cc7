package serialport_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

func lockFileOf(pair *serialporttest.Pair, s serialport.Settings) string {
	return filepath.Join(s.LockDir, "LCK..pts_"+filepath.Base(pair.Slave))
}

func TestLockFileOfALiveProcessHolds(t *testing.T) {
	c := startChild(t, "simulate", nil)
	c.line(t)
	pid := c.cmd.Process.Pid
	for name, data := range map[string]string{
		"text":   fmt.Sprintf("%10d\n", pid),
		"longer": fmt.Sprintf("%10d minicom root\n", pid),
		"binary": string([]byte{byte(pid), byte(pid >> 8), byte(pid >> 16), 0}),
	} {
		t.Run(name, func(t *testing.T) {
			pair, s := serialporttest.Pty(t), settings(t)
			write(t, lockFileOf(pair, s), data)
			h := held(t, named(t, pair.Slave), s, pair)
			if !strings.Contains(h.Holder, fmt.Sprintf("(pid %d)", pid)) || !strings.Contains(h.How, "lock file") {
				t.Errorf("got %v", h)
			}
			if got := slurp(t, lockFileOf(pair, s)); got != data {
				t.Errorf("the lock file was changed to %q", got)
			}
		})
	}
}

func TestLockFileIsTakenAndRemoved(t *testing.T) {
	pair, s := serialporttest.Pty(t), settings(t)
	dead := startChild(t, "look", []string{"list"})
	dead.end(t)
	if err := dead.cmd.Wait(); err != nil {
		t.Fatal(err)
	}
	write(t, lockFileOf(pair, s), fmt.Sprintf("%10d\n", dead.cmd.Process.Pid)) // stale
	c, err := serialport.Open(soon(t), named(t, pair.Slave), s)
	if err != nil {
		t.Fatal(err)
	}
	if got, want := slurp(t, lockFileOf(pair, s)), fmt.Sprintf("%10d\n", os.Getpid()); got != want {
		t.Errorf("the lock file holds %q, want %q", got, want)
	}
	closeSoon(t, c)
	if left, _ := os.ReadDir(s.LockDir); len(left) > 0 {
		t.Errorf("%s is left", left[0].Name())
	}
}

// TestLockFileTakenOverIsLeft: who took the lock meanwhile keeps it.
func TestLockFileTakenOverIsLeft(t *testing.T) {
	pair, s := serialporttest.Pty(t), settings(t)
	c, err := serialport.Open(soon(t), named(t, pair.Slave), s)
	if err != nil {
		t.Fatal(err)
	}
	write(t, lockFileOf(pair, s), "         1\n")
	closeSoon(t, c)
	if got := slurp(t, lockFileOf(pair, s)); got != "         1\n" {
		t.Errorf("the lock file holds %q", got)
	}
}

func TestTwoRollcallsKeepApart(t *testing.T) {
	pair := serialporttest.Pty(t)
	open(t, named(t, pair.Slave)) // its lock file is in a directory that the second one does not see
	s := settings(t)
	_, err := serialport.Open(soon(t), named(t, pair.Slave), s)
	var h *serialport.HeldError
	if !errors.As(err, &h) {
		t.Fatalf("a second open gave %v", err)
	}
}

func TestFlockHolds(t *testing.T) {
	pair := serialporttest.Pty(t)
	if err := unix.Flock(int(pair.Keep.Fd()), unix.LOCK_EX); err != nil {
		t.Fatal(err)
	}
	h := held(t, named(t, pair.Slave), settings(t), pair)
	if want := fmt.Sprintf("(pid %d)", os.Getpid()); h.How != "flock" || !strings.Contains(h.Holder, want) {
		t.Errorf("got %v", h)
	}
}

func TestLineDisciplineHolds(t *testing.T) {
	const null = 27 // N_NULL, which every kernel has
	pair := serialporttest.Pty(t)
	if err := unix.IoctlSetPointerInt(int(pair.Keep.Fd()), unix.TIOCSETD, null); err != nil {
		t.Fatal(err)
	}
	_, err := serialport.Open(soon(t), named(t, pair.Slave), settings(t))
	var h *serialport.HeldError
	if !errors.As(err, &h) || h.How != "line discipline 27" {
		t.Errorf("open gave %v", err)
	}
}

func TestOpenFileHolds(t *testing.T) {
	pair := serialporttest.Pty(t)
	c := startChild(t, "hold", []string{pair.Slave})
	if got := c.line(t); got != "holding" {
		t.Fatal(got)
	}
	p := named(t, pair.Slave)
	h := held(t, p, settings(t), pair)
	if want := fmt.Sprintf("(pid %d)", c.cmd.Process.Pid); !strings.Contains(h.Holder, want) {
		t.Errorf("got %v, want %s", h, want)
	}
	if all := serialport.Holders(p); len(all) != 1 || all[0].PID != c.cmd.Process.Pid {
		t.Errorf("holders: %v", all)
	}
	c.end(t)
	_ = c.cmd.Wait()
	open(t, p)
}

// TestTheDeviceBehindAPtyIsNoHolder: a simulator keeps both sides open; the module that it plays
// may be asked.
func TestTheDeviceBehindAPtyIsNoHolder(t *testing.T) {
	c := startChild(t, "simulate", nil)
	open(t, named(t, c.line(t)))
}

// TestHoldersAreNamed in the words of recorded process tables.
func TestHoldersAreNamed(t *testing.T) {
	for _, name := range []string{"pppd", "gpsd", "ModemManager", "chat", "ubus_at_daemon", "smsd", "gammu-smsd", "evil\x1b[2J"} {
		t.Run(fmt.Sprintf("%q", name), func(t *testing.T) {
			tree, pair := attached(t)
			tree.File("proc/812/comm", name+"\n")
			tree.Link("proc/812/fd/0", "socket:[4711]")
			tree.Link("proc/812/fd/5", pair.Slave)
			tree.File("proc/813/comm", "other\n")
			tree.Link("proc/813/fd/5", "/dev/null")
			h := held(t, first(t, tree), settings(t), pair)
			if want := strings.ReplaceAll(name, "\x1b", `\x1b`) + " (pid 812)"; h.Holder != want {
				t.Errorf("holder %q, want %q", h.Holder, want)
			}
		})
	}
}

// TestB07ConfiguredPrograms: a program that holds a port without any lock, and whose files this user may not see,
// is known by its configuration. While it runs, the port is left to it; else it comes last.
func TestB07ConfiguredPrograms(t *testing.T) {
	for _, c := range []struct{ file, text, program, want string }{
		{"etc/config/qmodem", "config modem 'modem1'\n\toption at_port '%s'\n", "ubus_at_daemon", "QModem in /etc/config/qmodem"},
		{"etc/smsd.conf", "[GSM1]\ndevice = %s\n", "smsd", "smsd of smstools in /etc/smsd.conf"},
		{"etc/gammu-smsdrc", "[gammu]\n# port = /dev/null\nport = %s\n", "gammu-smsd", "gammu-smsd in /etc/gammu-smsdrc"},
		{"etc/default/gpsd", "DEVICES=\"/dev/null %s\"\n", "gpsd", "gpsd in /etc/default/gpsd"},
		{"etc/ppp/peers/isp", "%s\n115200\n", "pppd", "pppd in /etc/ppp/peers/isp"},
		{"etc/asterisk/quectel.conf", "[q0]\ndata=%s\n", "asterisk", "Asterisk in /etc/asterisk/quectel.conf"},
	} {
		t.Run(c.program, func(t *testing.T) {
			tree, pair := attached(t)
			tree.File(c.file, fmt.Sprintf(c.text, "/dev/ttyUSB2"))
			candidates := find(t, &serialport.Finder{Root: tree.Root}).Candidates()
			p := candidates[len(candidates)-1]
			if len(candidates) < 2 || p.Path != "/dev/ttyUSB2" || p.Claim != c.want {
				t.Fatalf("%d candidates, the last %s with claim %q, want %q", len(candidates), p.Path, p.Claim, c.want)
			}
			tree.File("proc/812/comm", c.program+"\n")
			if all := serialport.Holders(p); len(all) != 1 || all[0].Name != c.program {
				t.Errorf("holders: %v", all)
			}
			h := held(t, p, settings(t), pair)
			if h.Holder != c.program+" (pid 812)" || !strings.Contains(h.How, "/"+c.file) {
				t.Errorf("got %v", h)
			}
			if err := os.RemoveAll(filepath.Join(tree.Root, "proc/812")); err != nil {
				t.Fatal(err)
			}
			open(t, p)
		})
	}
}

// TestPermission: the error names the group to join.
func TestPermission(t *testing.T) {
	pair := serialporttest.Pty(t)
	for gid, want := range map[int]string{20: "dialout", 0: "udev rules"} {
		if err := os.Chown(pair.Slave, -1, gid); err != nil {
			if os.Geteuid() == 0 {
				t.Fatal(err)
			}
		}
		if err := os.Chmod(pair.Slave, 0o660); err != nil {
			t.Fatal(err)
		}
		if os.Geteuid() != 0 {
			continue
		}
		got := startChild(t, "open", []string{pair.Slave}).end(t)
		if !strings.HasPrefix(got, "*serialport.PermissionError") || !strings.Contains(got, want) {
			t.Errorf("group %d: got %q, want %q in it", gid, got, want)
		}
	}
	for want, e := range map[string]*serialport.PermissionError{
		"usermod -aG dialout": {Path: "/dev/ttyUSB2", Group: "dialout", Err: syscall.EACCES},
		"SELinux":             {Path: "/dev/ttyUSB2", Group: "dialout", Member: true, Err: syscall.EACCES},
		"udev rules":          {Path: "/dev/wwan0at0", Err: syscall.EACCES},
		"DeviceAllow":         {Path: "/dev/wwan0at0", Err: syscall.EPERM},
	} {
		if !errors.Is(e, fs.ErrPermission) || !errors.Is(e, e.Err) || !strings.Contains(e.Error(), want) {
			t.Errorf("%v: want a fs.ErrPermission with %q", e, want)
		}
	}
}

func write(t *testing.T, file, data string) {
	t.Helper()
	if err := os.WriteFile(file, []byte(data), 0o644); err != nil {
		t.Fatal(err)
	}
}

func slurp(t *testing.T, file string) string {
	t.Helper()
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
