//go:build !linux

package serialport

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
)

// Ports are found and opened on Linux only. Elsewhere serial device servers can be asked.

func openNode(p Port, _ Settings) (*Conn, error) {
	return nil, fmt.Errorf("cannot open port %q: only Linux is supported: %w", p.Path, errors.ErrUnsupported)
}

func holders(node) []Holder { return nil }

func numberOf(fs.FileInfo) (major, minor uint32) { return 0, 0 }

func inode(fs.FileInfo) uint64 { return 0 }

// KernelEvents is not to be had here.
func KernelEvents(context.Context) (<-chan struct{}, error) { return nil, errors.ErrUnsupported }
