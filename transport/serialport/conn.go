package serialport

import (
	"context"
	"errors"
	"time"
)

// Conn is an open port.
type Conn struct{}

// Open opens p, which must come from a [Finder] and have the verdict Ask.
//
// The error is a *[HeldError] if another program uses the port, a *[PermissionError] if the
// operating system refuses, or wraps [ErrChanged], [ErrNotSerial], [ErrSkipped] or
// [fs.ErrNotExist].
func Open(ctx context.Context, p Port, s Settings) (*Conn, error) { return nil, errors.ErrUnsupported }

// Read reads what the module sent. It never returns 0 and no error.
func (c *Conn) Read(b []byte) (int, error) { return 0, errors.ErrUnsupported }

// Write writes b, or fails at the deadline.
func (c *Conn) Write(b []byte) (int, error) { return 0, errors.ErrUnsupported }

// SetReadDeadline bounds reads that are under way and to come.
func (c *Conn) SetReadDeadline(t time.Time) error { return errors.ErrUnsupported }

// SetWriteDeadline bounds writes that are under way and to come.
func (c *Conn) SetWriteDeadline(t time.Time) error { return errors.ErrUnsupported }

// SetBaud changes the speed of a line that has one.
func (c *Conn) SetBaud(baud int) error { return errors.ErrUnsupported }

// Close unblocks Read and Write, restores what Open changed and closes the port.
func (c *Conn) Close() error { return errors.ErrUnsupported }
