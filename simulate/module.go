package simulate

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"sync/atomic"
	"time"

	"github.com/creack/pty"
	"golang.org/x/sys/unix"
	"golang.org/x/term"

	"github.com/rollcall-iot/rollcall/capture"
)

// Module is one simulated module.
type Module struct {
	id       string
	path     string
	settings Settings
	script   atomic.Pointer[script]
	master   *os.File
	closing  chan struct{}
	done     chan struct{}
}

func newModule(c capture.Case, s Settings) (*Module, error) {
	blocking, slave, err := pty.Open()
	if err != nil {
		return nil, fmt.Errorf("cannot open a pseudo terminal: %w", err)
	}
	master, err := pollable(blocking)
	if err != nil {
		_ = slave.Close()
		return nil, fmt.Errorf("cannot open a pseudo terminal: %w", err)
	}
	m := &Module{id: c.ID, path: slave.Name(), settings: s, master: master,
		closing: make(chan struct{}), done: make(chan struct{})}
	m.script.Store(newScript(c))
	// Raw: bytes go through as they are, as on a modem's line. It outlives this descriptor.
	_, err = term.MakeRaw(int(slave.Fd()))
	if err = errors.Join(err, slave.Close()); err != nil {
		_ = master.Close()
		return nil, fmt.Errorf("cannot set up pseudo terminal %s: %w", m.path, err)
	}
	return m, nil
}

// pollable gives the same pseudo terminal in a form in which Close ends a Read. The
// package that opened it left it blocking.
func pollable(f *os.File) (*os.File, error) {
	defer func() { _ = f.Close() }()
	fd, err := unix.FcntlInt(f.Fd(), unix.F_DUPFD_CLOEXEC, 0)
	if err != nil {
		return nil, err
	}
	if err := unix.SetNonblock(fd, true); err != nil {
		_ = unix.Close(fd)
		return nil, err
	}
	return os.NewFile(uintptr(fd), f.Name()), nil
}

// Path is the module's port: the symlink where there is one, else the pseudo terminal.
func (m *Module) Path() string { return m.path }

// Become makes the module answer as c from its next command on, like a module that was
// swapped or whose firmware was upgraded.
func (m *Module) Become(c capture.Case) { m.script.Store(newScript(c)) }

func (m *Module) run() {
	go func() {
		defer close(m.done)
		m.serve()
	}()
}

func (m *Module) close() error {
	close(m.closing)
	err := m.master.Close()
	<-m.done
	return err
}

// serve reads command lines and answers them until the module is closed.
func (m *Module) serve() {
	var line []byte
	buf := make([]byte, 512)
	for {
		n, err := m.read(buf)
		if err != nil {
			return
		}
		if m.settings.Received != nil {
			m.settings.Received(m.id, append([]byte(nil), buf[:n]...))
		}
		for rest := buf[:n]; len(rest) > 0; {
			part := rest
			if i := bytes.IndexByte(rest, '\r'); i >= 0 {
				part = rest[:i+1]
			}
			rest = rest[len(part):]
			s := m.script.Load()
			if s.echo(m.settings.Echo) && !m.write(part) {
				return
			}
			if line = edit(line, part); part[len(part)-1] != '\r' {
				continue
			}
			answer := s.answer(string(line))
			line = line[:0]
			if len(answer) > 0 && !(m.wait(m.settings.delay()) && m.write(answer)) {
				return
			}
		}
	}
}

// edit adds what was typed to a line, as far as a module keeps it (V.250 5.2.2).
func edit(line, typed []byte) []byte {
	const longest = 1024
	for _, c := range typed {
		switch {
		case c == '\b' && len(line) > 0:
			line = line[:len(line)-1]
		case c != '\r' && c != '\n' && len(line) < longest:
			line = append(line, c)
		}
	}
	return line
}

// read waits for bytes. While nobody has the other side open, the kernel says EIO; the
// poller wakes this up when somebody has written again.
func (m *Module) read(buf []byte) (n int, err error) {
	conn, err := m.master.SyscallConn()
	if err != nil {
		return 0, err
	}
	var inner error
	err = conn.Read(func(fd uintptr) bool {
		n, inner = unix.Read(int(fd), buf)
		return inner == nil && n > 0 || inner != nil && inner != unix.EAGAIN && inner != unix.EIO && inner != unix.EINTR
	})
	if err == nil {
		err = inner
	}
	return n, err
}

// write sends b at the speed of the line. Nobody on the other side loses it, as on a
// real one. It says whether the module is still there.
func (m *Module) write(b []byte) bool {
	const chunk = 64
	for len(b) > 0 {
		n := len(b)
		if m.settings.Baud > 0 {
			n = min(n, chunk)
			const bitsPerByte = 10 // start, eight, stop
			if !m.wait(time.Duration(n) * bitsPerByte * time.Second / time.Duration(m.settings.Baud)) {
				return false
			}
		}
		if _, err := m.master.Write(b[:n]); err != nil {
			return !m.isClosing()
		}
		b = b[n:]
	}
	return !m.isClosing()
}

// wait says whether the module is still there after d.
func (m *Module) wait(d time.Duration) bool {
	if d <= 0 {
		return !m.isClosing()
	}
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-m.closing:
		return false
	}
}

func (m *Module) isClosing() bool {
	select {
	case <-m.closing:
		return true
	default:
		return false
	}
}
