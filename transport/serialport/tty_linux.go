package serialport

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"syscall"

	"go.bug.st/serial"
	"golang.org/x/sys/unix"
)

// raw saves the settings of a terminal and makes it raw: the first thing that is changed, since
// until then the terminal echoes what the module says back to it, as a command. HUPCL is off
// during the visit, so that not even the end of the process drops DTR.
func (o *opening) raw() error {
	saved, err := unix.IoctlGetTermios(o.fd, getTermios)
	if err != nil {
		return fmt.Errorf("cannot open port %q: it has no terminal settings (%v): %w", o.port.Path, err, ErrNotSerial)
	}
	o.undo = append(o.undo, func() {
		o.control(func(fd int) {
			// Output that the device does not take would hold the close for 30 s.
			_ = unix.IoctlSetInt(fd, unix.TCFLSH, unix.TCIOFLUSH)
			_ = unix.IoctlSetTermios(fd, setTermios, saved)
		})
	})
	t := *saved
	makeRaw(&t)
	if err := unix.IoctlSetTermios(o.fd, setTermios, &t); err != nil {
		return fmt.Errorf("cannot set port %q raw: %w", o.port.Path, err)
	}
	return nil
}

func makeRaw(t *unix.Termios) {
	t.Iflag &^= unix.IGNBRK | unix.BRKINT | unix.PARMRK | unix.ISTRIP | unix.INLCR | unix.IGNCR |
		unix.ICRNL | unix.IUCLC | unix.IXON | unix.IXOFF | unix.IXANY | unix.IGNPAR | unix.INPCK
	t.Oflag &^= unix.OPOST
	t.Lflag &^= unix.ECHO | unix.ECHOE | unix.ECHOK | unix.ECHONL | unix.ECHOCTL | unix.ECHOPRT | unix.ECHOKE |
		unix.ICANON | unix.ISIG | unix.IEXTEN
	t.Cflag &^= unix.HUPCL | unix.CRTSCTS
	t.Cflag |= unix.CLOCAL | unix.CREAD
	t.Cc[unix.VMIN], t.Cc[unix.VTIME] = 1, 0
}

// setLine opens the terminal a second time through go.bug.st/serial, which sets the line and takes
// exclusive access. Bytes go over our own descriptor: the library's reads panic with a descriptor
// above 1023 and return 0 without an error, and its writes have no deadline.
func (o *opening) setLine() error {
	port, err := o.openLibrary()
	if err != nil {
		return o.libraryRefused(err)
	}
	o.serial = port
	o.undo = append(o.undo, o.closeLibrary)
	if err := o.unchanged(); err != nil {
		return err
	}
	// What the library opened is the same terminal only if ours has not been hung up meanwhile.
	if err := unix.IoctlSetInt(o.fd, unix.TCFLSH, unix.TCIOFLUSH); err != nil {
		return fmt.Errorf("cannot open port %q: %w (%v)", o.port.Path, ErrLost, err)
	}
	return nil
}

// openLibrary names the terminal by our own descriptor, so that the very node that was looked at
// is opened. The library does not mark its descriptor to be closed in child processes: no child
// may be started meanwhile.
func (o *opening) openLibrary() (serial.Port, error) {
	path := fmt.Sprintf("/proc/self/fd/%d", o.fd)
	if !exists(path) {
		path = o.port.node.path
	}
	syscall.ForkLock.RLock()
	defer syscall.ForkLock.RUnlock()
	port, err := serial.Open(path, &serial.Mode{BaudRate: o.set.baud()})
	if err == nil {
		closeOnExec(o.port.node)
	}
	return port, err
}

// closeOnExec marks all descriptors of this process for a device.
func closeOnExec(n node) {
	fds, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		return
	}
	for _, e := range fds {
		fd, err := strconv.Atoi(e.Name())
		var st unix.Stat_t
		if err != nil || unix.Fstat(fd, &st) != nil || st.Mode&unix.S_IFMT != unix.S_IFCHR {
			continue
		}
		if major, minor := rdev(&st); major == n.major && minor == n.minor {
			unix.CloseOnExec(fd)
		}
	}
}

func (o *opening) libraryRefused(err error) error {
	var pe *serial.PortError
	if errors.As(err, &pe) {
		switch pe.Code() {
		case serial.PortBusy:
			return o.held("", "exclusive access")
		case serial.InvalidSerialPort:
			return fmt.Errorf("cannot open port %q: %w (%v)", o.port.Path, ErrLost, err)
		}
	}
	return o.refused(err)
}

// closeLibrary closes the library's descriptor. That ends exclusive access, whoever asked for
// it: another program, with the right to pass ours, may have taken it meanwhile. So it is set
// again, and goes away with the last close of the terminal, ours or that program's. A pseudo
// terminal outlives its last close while its other side is open; there nobody else is expected.
func (o *opening) closeLibrary() {
	_ = o.serial.Close()
	if o.port.Kind != KindPTY {
		o.control(func(fd int) { _ = unix.IoctlSetInt(fd, unix.TIOCEXCL, 0) })
	}
}

// lockFile is the UUCP lock file of the node.
func (o *opening) lockFile() string {
	dir := o.set.LockDir
	if dir == "" {
		dir = o.port.node.root.path("var/lock")
	}
	return filepath.Join(dir, "LCK.."+lockName(o.port.node))
}
