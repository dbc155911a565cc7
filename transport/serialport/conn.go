package serialport

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Conn is an open port.
type Conn struct {
	path string
	line line
	baud func(int) error // nil where there is no speed

	writeTimeout time.Duration

	deadline atomic.Bool // a write deadline was set
	closing  atomic.Bool
	once     sync.Once
	closed   error
	release  func() error // restores, unlocks and closes
}

// line is what carries the bytes: a file with deadlines, or a network connection.
type line interface {
	io.ReadWriter
	SetDeadline(time.Time) error
	SetReadDeadline(time.Time) error
	SetWriteDeadline(time.Time) error
}

// Open opens p, which must come from a [Finder] and have the verdict Ask.
//
// The error is a *[HeldError] if another program uses the port, a *[PermissionError] if the
// operating system refuses, or wraps [ErrChanged], [ErrNotSerial], [ErrSkipped], [ErrLost] or
// [fs.ErrNotExist]. If ctx ends first, the port is closed as soon as the kernel lets go of it.
func Open(ctx context.Context, p Port, s Settings) (*Conn, error) {
	if err := ctx.Err(); err != nil {
		return nil, fmt.Errorf("cannot open port %q: %w", p.Path, err)
	}
	if p.Verdict != Ask {
		return nil, fmt.Errorf("port %q: %w: %s", p.Path, ErrSkipped, p.Reason)
	}
	if p.node.path == "" && (p.Kind == KindTTY || p.Kind == KindPTY || p.Kind == KindChar) {
		return nil, fmt.Errorf("port %q does not come from a Finder: %w", p.Path, ErrSkipped)
	}
	switch p.Kind {
	case KindTTY, KindPTY, KindChar:
		return inTime(ctx, p.Path, func() (*Conn, error) { return openNode(p, s) })
	case KindTCP, KindRFC2217:
		return dial(ctx, p, s)
	}
	return nil, fmt.Errorf("port %q of kind %s cannot be opened: %w", p.Path, p.Kind, ErrNotSerial)
}

// inTime leaves an open that the kernel does not finish to itself; its port is closed at last.
func inTime(ctx context.Context, path string, open func() (*Conn, error)) (*Conn, error) {
	type result struct {
		c   *Conn
		err error
	}
	done := make(chan result, 1)
	go func() {
		c, err := open()
		done <- result{c, err}
	}()
	select {
	case r := <-done:
		return r.c, r.err
	case <-ctx.Done():
		go func() {
			if r := <-done; r.c != nil {
				_ = r.c.Close()
			}
		}()
		return nil, fmt.Errorf("cannot open port %q: %w", path, ctx.Err())
	}
}

// Name is the path of the port.
func (c *Conn) Name() string { return c.path }

// Read reads what the module sent. It never returns 0 and no error, unless b is empty.
func (c *Conn) Read(b []byte) (int, error) {
	for {
		n, err := c.line.Read(b)
		if n > 0 || len(b) == 0 {
			return n, nil
		}
		if err != nil {
			return 0, c.failed("read from", err)
		}
	}
}

// Write writes b, or fails at the deadline: that of SetWriteDeadline, else after WriteTimeout.
func (c *Conn) Write(b []byte) (int, error) {
	if !c.deadline.Load() {
		if err := c.line.SetWriteDeadline(time.Now().Add(c.writeTimeout)); err != nil {
			return 0, c.failed("write to", err)
		}
	}
	n, err := c.line.Write(b)
	if err != nil {
		return n, c.failed("write to", err)
	}
	return n, nil
}

// failed makes an error of a read or write.
func (c *Conn) failed(what string, err error) error {
	switch {
	case c.closing.Load():
		err = fs.ErrClosed
	case gone(err):
		err = ErrLost
	default:
		var pe *fs.PathError
		if errors.As(err, &pe) {
			err = pe.Err
		}
	}
	return fmt.Errorf("cannot %s port %q: %w", what, c.path, err)
}

// gone says whether an error means that the device is no longer there.
func gone(err error) bool {
	if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
		return true
	}
	for _, e := range []error{syscall.EIO, syscall.ENXIO, syscall.ENODEV, syscall.EPIPE, syscall.ECONNRESET, syscall.ESHUTDOWN} {
		if errors.Is(err, e) {
			return true
		}
	}
	return false
}

// SetReadDeadline bounds reads that are under way and to come.
func (c *Conn) SetReadDeadline(t time.Time) error { return c.line.SetReadDeadline(t) }

// SetWriteDeadline bounds writes that are under way and to come.
func (c *Conn) SetWriteDeadline(t time.Time) error {
	c.deadline.Store(!t.IsZero())
	return c.line.SetWriteDeadline(t)
}

// SetBaud changes the speed of a line that has one, and does nothing elsewhere.
func (c *Conn) SetBaud(baud int) error {
	if c.baud == nil {
		return nil
	}
	if err := c.baud(baud); err != nil {
		return fmt.Errorf("cannot set port %q to %d baud: %w", c.path, baud, err)
	}
	return nil
}

// Close unblocks Read and Write, restores what Open changed and closes the port. If the kernel
// does not let go of it within CloseWait, the rest is done in the background, and the error
// wraps [os.ErrDeadlineExceeded].
func (c *Conn) Close() error {
	c.once.Do(func() {
		c.closing.Store(true)
		_ = c.line.SetDeadline(time.Unix(1, 0))
		if err := c.release(); err != nil {
			c.closed = fmt.Errorf("cannot close port %q: %w", c.path, err)
		}
	})
	return c.closed
}

// within runs f, and leaves it to itself after d.
func within(d time.Duration, f func() error) error {
	done := make(chan error, 1)
	go func() { done <- f() }()
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case err := <-done:
		return err
	case <-timer.C:
		return fmt.Errorf("the kernel has not let go of it in %s: %w", d, os.ErrDeadlineExceeded)
	}
}
