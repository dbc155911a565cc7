package serialport

import (
	"context"
	"errors"
)

// Finder finds ports. The zero value looks at this machine with the embedded rules.
type Finder struct {
	// Root is the directory that stands for "/". "" means "/". Tests set a recorded tree.
	Root  string
	Rules Rules
}

// Find returns all devices with serial ports and all cellular devices, sorted by ID.
// It reads sysfs and opens no port.
func (f *Finder) Find(ctx context.Context) ([]Device, error) { return nil, errors.ErrUnsupported }

// Named returns the device of a port that a person named: a tty, a pty, a character device
// of a module, each also through a symlink, or "tcp://host:port" or "rfc2217://host:port" of
// a serial device server. The port that was named is to be asked even where discovery would
// skip it, unless it is a console or a firmware loader; all others of its device are skipped.
func (f *Finder) Named(ctx context.Context, path string) (Device, error) {
	return Device{}, errors.ErrUnsupported
}
