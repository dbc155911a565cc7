package serialport

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// opening is a port on its way to being open. What it changes, it notes in undo.
type opening struct {
	port Port
	set  Settings
	fd   int
	file *os.File
	// serial is the library's view of a terminal, nil elsewhere.
	serial serial.Port
	undo   []func()
}

// openNode opens a tty, a pty or a character device: it looks, locks, saves, and only then
// changes anything.
func openNode(p Port, s Settings) (*Conn, error) {
	o := &opening{port: p, set: s, fd: -1}
	c, err := o.run()
	if err != nil {
		o.back()
		return nil, err
	}
	return c, nil
}

func (o *opening) run() (*Conn, error) {
	for _, step := range o.steps() {
		if err := step(); err != nil {
			return nil, err
		}
	}
	c := &Conn{path: o.port.Path, line: o.file, writeTimeout: o.set.writeTimeout(), release: o.close}
	if o.serial != nil {
		c.baud = func(baud int) error { return o.serial.SetMode(&serial.Mode{BaudRate: baud}) }
	}
	return c, nil
}

// steps are what opening a port takes, in this order. The last one looks again, since somebody
// may have raced.
func (o *opening) steps() []func() error {
	look := []func() error{o.unheld, o.inPlace, o.openQuietly, o.unchanged, o.unused, o.lock}
	if o.port.Kind == KindChar {
		return append(look, o.exclusive, o.drain, o.wrap, o.alone)
	}
	return append(look, o.raw, o.wrap, o.setLine, o.alone)
}

// wrap gives the descriptor to the runtime, which reads and writes with deadlines.
func (o *opening) wrap() error {
	o.file = os.NewFile(uintptr(o.fd), o.port.Path)
	return nil
}

// back undoes everything, the last first.
func (o *opening) back() {
	for _, f := range slices.Backward(o.undo) {
		f()
	}
	o.undo = nil
	switch {
	case o.file != nil:
		_ = o.file.Close()
	case o.fd >= 0:
		_ = unix.Close(o.fd)
	}
}

// close is what a Conn does at its end.
func (o *opening) close() error {
	return within(o.set.closeWait(), func() error {
		o.back()
		return nil
	})
}

// unheld looks for other programs without opening anything.
func (o *opening) unheld() error {
	if h := lockHolder(o.port.node.root, o.lockFile()); h != nil {
		return o.held(h.String(), "lock file "+o.lockFile())
	}
	if c := o.port.claim; c.program != "" {
		if h := o.port.node.root.running(c.program); h != nil {
			return o.held(h.String(), c.file+" gives it the port")
		}
	}
	return o.alone()
}

// alone fails if another process has the node open, as far as that can be seen.
func (o *opening) alone() error {
	if h := holders(o.port.node); len(h) > 0 {
		return o.held(h[0].String(), "it has the port open")
	}
	return nil
}

func (o *opening) held(holder, how string) error {
	return &HeldError{Path: o.port.Path, Holder: holder, How: how}
}

// openQuietly opens the node without waiting for a carrier and without a byte or a setting
// going either way. That the kernel raises DTR and RTS cannot be avoided.
func (o *opening) openQuietly() error {
	fd, err := openNoIntr(o.port.node.path)
	if err != nil {
		return o.refused(err)
	}
	o.fd = fd
	return nil
}

func openNoIntr(path string) (int, error) {
	for {
		fd, err := unix.Open(path, unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK|unix.O_CLOEXEC, 0)
		if err != unix.EINTR {
			return fd, err
		}
	}
}

// refused explains why the kernel did not open a node.
func (o *opening) refused(err error) error {
	switch {
	case errors.Is(err, unix.EBUSY):
		return o.held("", "the kernel gives it to nobody else")
	case errors.Is(err, fs.ErrPermission):
		group, member := groupOf(o.port.node.path)
		return &PermissionError{Path: o.port.Path, Group: group, Member: member, Err: err}
	case errors.Is(err, unix.ENXIO), errors.Is(err, unix.ENODEV):
		return fmt.Errorf("cannot open port %q: there is no device behind it (%v): %w", o.port.Path, err, fs.ErrNotExist)
	case errors.Is(err, unix.EIO):
		return fmt.Errorf("cannot open port %q: there is nothing behind it (%v): %w", o.port.Path, err, ErrNotSerial)
	}
	return fmt.Errorf("cannot open port %q: %w", o.port.Path, err)
}

// groupOf names the group that may open a node, "" if none may, and says whether this process
// may by its user and groups.
func groupOf(path string) (name string, member bool) {
	fi, err := os.Stat(path)
	if err != nil {
		return "", false
	}
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return "", false
	}
	if os.Geteuid() == 0 {
		member = true
	}
	if st.Gid == 0 || fi.Mode().Perm()&0o060 != 0o060 {
		return "", member
	}
	groups, _ := os.Getgroups()
	member = member || int(st.Gid) == os.Getegid() || slices.Contains(groups, int(st.Gid))
	gid := strconv.FormatUint(uint64(st.Gid), 10)
	if g, err := user.LookupGroupId(gid); err == nil {
		return g.Name, member
	}
	return gid, member
}

// inPlace compares the node with what was found before it is opened: opening alone would reach
// the lines of a stranger.
func (o *opening) inPlace() error {
	var st unix.Stat_t
	if err := unix.Stat(o.port.node.path, &st); err != nil {
		return o.refused(err)
	}
	return o.same(&st)
}

// unchanged compares the open file with what was found, since the node may have been replaced
// meanwhile.
func (o *opening) unchanged() error {
	var st unix.Stat_t
	if err := unix.Fstat(o.fd, &st); err != nil {
		return o.refused(err)
	}
	return o.same(&st)
}

// same compares the number of a device, and the place in sysfs that the number has now: numbers
// are used again after a replug.
func (o *opening) same(st *unix.Stat_t) error {
	if st.Mode&unix.S_IFMT != unix.S_IFCHR {
		return fmt.Errorf("cannot open port %q: it is no character device: %w", o.port.Path, ErrNotSerial)
	}
	n := o.port.node
	if major, minor := rdev(st); major != n.major || minor != n.minor {
		return fmt.Errorf("cannot open port %q: it is device %d:%d, found was %d:%d: %w",
			o.port.Path, major, minor, n.major, n.minor, ErrChanged)
	}
	return n.inPlace(o.port)
}

// inPlace compares the place of a node in sysfs with the one that it was found at.
func (n node) inPlace(p Port) error {
	if n.sys == "" {
		return nil
	}
	entry := n.root.path("sys/class", p.class, p.name)
	sys, err := filepath.EvalSymlinks(entry)
	major, minor := deviceNumber(attr(filepath.Join(entry, "dev")))
	if err != nil || sys != n.sys || major != n.major || minor != n.minor {
		return fmt.Errorf("cannot open port %q: sysfs shows it as %q, found was %q: %w", p.Path, sys, n.sys, ErrChanged)
	}
	return nil
}

// unused fails if the open tty shows that another program uses it. Nothing is changed yet.
func (o *opening) unused() error {
	excl, err := unix.IoctlGetInt(o.fd, unix.TIOCGEXCL)
	if err == nil && excl != 0 {
		return o.held("", "exclusive access")
	}
	if o.port.Kind == KindChar {
		return nil // most of them know neither
	}
	ldisc, err := unix.IoctlGetInt(o.fd, unix.TIOCGETD)
	if err != nil {
		return fmt.Errorf("cannot open port %q: it is no terminal (%v): %w", o.port.Path, err, ErrNotSerial)
	}
	if ldisc != disciplineTTY {
		return o.held("", "line discipline "+disciplineName(ldisc))
	}
	return nil
}

// Line disciplines of linux/tty.h. All but the first mean that a program has taken the line over.
const (
	disciplineTTY  = 0
	disciplineSLIP = 1
	disciplinePPP  = 3
	disciplineHCI  = 15
	disciplineGSM  = 21
)

func disciplineName(n int) string {
	switch n {
	case disciplineSLIP:
		return "SLIP"
	case disciplinePPP:
		return "PPP"
	case disciplineHCI:
		return "Bluetooth HCI"
	case disciplineGSM:
		return "GSM0710: ask one of its /dev/gsmtty ports"
	}
	return strconv.Itoa(n)
}

// drain throws away what a character device has kept: its flush call does nothing.
func (o *opening) drain() error {
	buf := make([]byte, 4096)
	for range 64 {
		n, err := unix.Read(o.fd, buf)
		if n <= 0 && err != unix.EINTR {
			return nil
		}
	}
	return nil
}

// exclusive asks for exclusive access to a character device; kernels before 7.3 know none there.
func (o *opening) exclusive() error {
	if unix.IoctlSetInt(o.fd, unix.TIOCEXCL, 0) == nil {
		o.undo = append(o.undo, func() { o.control(func(fd int) { _ = unix.IoctlSetInt(fd, unix.TIOCNXCL, 0) }) })
	}
	return nil
}

// control runs f with the descriptor, before and after it became a file.
func (o *opening) control(f func(fd int)) {
	if o.file == nil {
		f(o.fd)
		return
	}
	if rc, err := o.file.SyscallConn(); err == nil {
		_ = rc.Control(func(fd uintptr) { f(int(fd)) })
	}
}
