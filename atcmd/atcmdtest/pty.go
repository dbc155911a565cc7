package atcmdtest

import (
	"fmt"
	"os"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"
)

// Pty is the module on a real pty.
type Pty struct {
	// Path of the device that takes the place of the module's port.
	Path string
}

// Pty puts the module on a pty in raw mode, until Close or Vanish.
func (m *FakeModem) Pty() (*Pty, error) {
	master, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot open a pty: %w", err)
	}
	if err := raw(slave); err != nil {
		return nil, err
	}
	if master, err = pollable(master); err != nil {
		return nil, err
	}
	if err := m.serve(&end{File: master, slave: slave}); err != nil {
		return nil, err
	}
	return &Pty{Path: slave.Name()}, nil
}

// pollable returns f in non-blocking mode and closes f: opening a pty leaves the master in
// blocking mode, where Close waits for a Read.
func pollable(f *os.File) (*os.File, error) {
	defer f.Close()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, fmt.Errorf("cannot duplicate the pty: %w", err)
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, fmt.Errorf("cannot make the pty non-blocking: %w", err)
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Open opens the device as a port. It satisfies atcmd.Port.
func (p *Pty) Open() (*os.File, error) {
	f, err := os.OpenFile(p.Path, os.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	if err != nil {
		return nil, err
	}
	if err := raw(f); err != nil {
		_ = f.Close()
		return nil, err
	}
	return f, nil
}

// raw switches line editing and echo off without taking f out of the runtime's poller.
func raw(f *os.File) error {
	c, err := f.SyscallConn()
	if err != nil {
		return err
	}
	var failed error
	err = c.Control(func(fd uintptr) { _, failed = term.MakeRaw(int(fd)) })
	if err == nil {
		err = failed
	}
	if err != nil {
		return fmt.Errorf("cannot set %s to raw mode: %w", f.Name(), err)
	}
	return nil
}

// end is the module's side of the pty. It holds the device open too, so that it lasts
// however often others open and close it.
type end struct {
	*os.File
	slave *os.File
}

// Close unplugs: whoever holds the device reads its end.
func (e *end) Close() error {
	_ = e.slave.Close()
	return e.File.Close()
}
