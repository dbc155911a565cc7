//go:build unix

package serialport

import (
	"io/fs"
	"syscall"

	"golang.org/x/sys/unix"
)

// numberOf gives the device number of a node.
func numberOf(fi fs.FileInfo) (major, minor uint32) {
	st, ok := fi.Sys().(*syscall.Stat_t)
	if !ok {
		return 0, 0
	}
	rdev := uint64(st.Rdev) //nolint:unconvert // its type differs between architectures
	return unix.Major(rdev), unix.Minor(rdev)
}
