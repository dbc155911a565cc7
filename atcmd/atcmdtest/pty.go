package atcmdtest

import (
	"fmt"
	"os"
	"syscall"

	"github.com/creack/pty"
	"golang.org/x/term"
)

// Pty is the module on a real pty.
type Pty struct {
	// Path of the device that takes the place of the module's port.
	Path string
	// keep holds the device open, so that it lasts however often others open and close it.
	keep *os.File
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
	p := &Pty{Path: slave.Name(), keep: slave}
	if err := m.serve(&end{File: master, slave: slave}); err != nil {
		return nil, err
	}
	return p, nil
}

// Open opens the device as a port. It satisfies atcmd.Port.
func (p *Pty) Open() (*os.File, error) {
	f, err := os.OpenFile(p.Path, os.O_RDWR|syscall.O_NOCTTY|syscall.O_NONBLOCK, 0)
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

// end is the module's side of the pty.
type end struct {
	*os.File
	slave *os.File
}

// Close unplugs: whoever holds the device reads its end.
func (e *end) Close() error {
	_ = e.slave.Close()
	return e.File.Close()
}
