package serialport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Named returns the device of a port that a person named: a tty, a pty, a character device
// of a module, each also through a symlink, or "tcp://host:port" or "rfc2217://host:port" of
// a serial device server. The port that was named is to be asked even where discovery would
// skip it, unless it is a console, a firmware loader or speaks another protocol; all others
// of its device are skipped. What [Rules] deny is not asked either.
//
// The error wraps [ErrNotSerial] if it is something else (a file, a FIFO, a directory, another
// device), or [fs.ErrNotExist].
func (f *Finder) Named(ctx context.Context, path string) (Device, error) {
	if u, err := url.Parse(path); err == nil && (u.Scheme == "tcp" || u.Scheme == "rfc2217") {
		d, err := server(path, u)
		return f.denied(d), err
	}
	if !filepath.IsAbs(path) && f.Root == "" {
		abs, err := filepath.Abs(path)
		if err != nil {
			return Device{}, fmt.Errorf("cannot use port %q: %w", path, err)
		}
		path = abs
	}
	d, err := f.node(ctx, filepath.Clean(path))
	if gone := new(fs.PathError); errors.As(err, &gone) && gone.Path == path {
		err = gone.Err // the path is named already
	}
	switch {
	case errors.Is(err, fs.ErrNotExist), errors.Is(err, ErrNotSerial):
		return Device{}, fmt.Errorf("cannot use port %q: %w; \"rollcall ports\" lists what is here", path, err)
	case err != nil:
		return Device{}, fmt.Errorf("cannot use port %q: %w", path, err)
	}
	return f.denied(d), nil
}

// node gives the device of a named node. It looks at the node and does not open it.
func (f *Finder) node(ctx context.Context, path string) (Device, error) {
	real, err := filepath.EvalSymlinks(f.tree().path(path))
	if err != nil {
		return Device{}, err
	}
	fi, err := os.Stat(real)
	if err != nil {
		return Device{}, err
	}
	if what := notCharacterDevice(fi.Mode()); what != "" {
		return Device{}, fmt.Errorf("%s, %w", what, ErrNotSerial)
	}
	n := node{root: f.tree(), path: real}
	n.major, n.minor = numberOf(fi)
	if n.isPTY() && !exists(f.tree().path("sys/class/tty", filepath.Base(path))) {
		return f.pty(path, n), nil
	}
	return f.kernelNode(ctx, path, n)
}

// The majors of the slave sides of pseudo terminals, in the kernel's devices.txt.
const (
	ptyMajor     = 136
	ptyMajorLast = 143
)

func (n node) isPTY() bool { return n.major >= ptyMajor && n.major <= ptyMajorLast }

func notCharacterDevice(m fs.FileMode) string {
	switch {
	case m&fs.ModeCharDevice != 0:
		return ""
	case m.IsDir():
		return "it is a directory"
	case m.IsRegular():
		return "it is a regular file"
	case m&fs.ModeNamedPipe != 0:
		return "it is a FIFO"
	case m&fs.ModeSocket != 0:
		return "it is a socket"
	}
	return "it is a block device"
}

func (f *Finder) pty(path string, n node) Device {
	p := Port{Path: path, Kind: KindPTY, Role: inventory.RoleAT, class: "pty", name: filepath.Base(n.path), node: n}
	p.ask(rankGiven, "a pseudo terminal that was named")
	return Device{
		ID:    "tty:" + path,
		Info:  inventory.Device{Bus: "platform", Driver: "pty"},
		Ports: []Port{p}, Reason: p.Reason,
	}
}

// kernelNode gives the device of a node that sysfs knows.
func (f *Finder) kernelNode(ctx context.Context, path string, n node) (Device, error) {
	s, err := f.look(ctx)
	if err != nil {
		return Device{}, err
	}
	for _, d := range s.found {
		i := slices.IndexFunc(d.Ports, func(p Port) bool {
			return p.Kind != KindNone && p.node.major == n.major && p.node.minor == n.minor
		})
		if i >= 0 {
			return s.named(d, d.Ports[i].name, path), nil
		}
	}
	return s.unlisted(path, n)
}

// named judges a device of which a person named one port.
func (s *scan) named(d *found, name, path string) Device {
	s.judge(d)
	d.State, d.Reason = "", "it was named"
	for i := range d.Ports {
		p := &d.Ports[i]
		if p.name != name || p.Kind == KindNone {
			p.skip("not the port that was named")
			continue
		}
		p.Path = path
		if why := s.never(d, *p); why != "" {
			p.skip(why)
			d.State, d.Reason = inventory.StateDenied, why
			continue
		}
		p.Rule = "named"
		p.ask(rankGiven, "it was named")
	}
	slices.SortStableFunc(d.Ports, func(a, b Port) int { return int(b.Verdict) - int(a.Verdict) })
	return d.Device
}

// never says why a port is not asked even when a person names it.
func (s *scan) never(d *found, p Port) string {
	switch {
	case p.class == "tty" && s.consoles[p.name]:
		return "it is a console of this machine, which is never asked"
	case p.Role == inventory.RoleFirmware:
		return "it belongs to a module in firmware download mode; nothing is ever written to it"
	case p.Kind == KindChar && (p.Role != inventory.RoleAT && p.Role != inventory.RoleATSecond && p.Role != inventory.RoleUnknown):
		return "it speaks another protocol than AT: " + p.Reason
	}
	return ""
}

// unlisted gives the device of a node that discovery does not list: a tty without a device,
// or a character device of a vendor's driver.
func (s *scan) unlisted(path string, n node) (Device, error) {
	name := filepath.Base(n.path)
	p := Port{Path: path, Kind: KindTTY, Role: inventory.RoleAT, class: "tty", name: name, node: n}
	major, minor := deviceNumber(attr(s.path("sys/class/tty", name, "dev")))
	rule, char := s.tables.named("char", name)
	switch {
	case major == n.major && minor == n.minor && !terminal(n) && !s.consoles[name]:
		p.node.sys, _ = filepath.EvalSymlinks(s.path("sys/class/tty", name))
		p.ask(rankGiven, "it was named")
	case char && major == 0:
		p.Kind, p.class = KindChar, "char"
		p.ask(rankGiven, "it was named: "+rule.reason)
	default:
		return Device{}, fmt.Errorf("it is device %d:%d, %w", n.major, n.minor, ErrNotSerial)
	}
	return Device{ID: "tty:" + path, Info: inventory.Device{Bus: "platform"}, Ports: []Port{p}, Reason: p.Reason}, nil
}

// terminal: a virtual terminal, the current terminal or a multiplexer of pseudo terminals.
func terminal(n node) bool {
	const virtual, current, lastVirtual = 4, 5, 63
	return n.major == virtual && n.minor <= lastVirtual || n.major == current
}

// server gives the device of a serial device server.
func server(path string, u *url.URL) (Device, error) {
	if u.Hostname() == "" || u.Port() == "" || u.Path != "" || u.User != nil || u.RawQuery != "" {
		return Device{}, fmt.Errorf("cannot use port %q: want %s://host:port: %w", path, u.Scheme, ErrNotSerial)
	}
	p := Port{Path: path, Kind: KindTCP, Role: inventory.RoleAT, class: "net", name: net.JoinHostPort(u.Hostname(), u.Port())}
	if u.Scheme == "rfc2217" {
		p.Kind = KindRFC2217
	}
	p.ask(rankGiven, "a serial device server that was named")
	return Device{ID: u.Scheme + ":" + p.name, Ports: []Port{p}, Reason: p.Reason}, nil
}
