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
	return split(uint64(st.Rdev))
}

// rdev gives the device number of an open file. Its type differs between processors.
func rdev(st *unix.Stat_t) (major, minor uint32) { return split(uint64(st.Rdev)) }

func split(dev uint64) (major, minor uint32) { return unix.Major(dev), unix.Minor(dev) }

// inode tells two entries of one name apart.
func inode(fi fs.FileInfo) uint64 {
	if st, ok := fi.Sys().(*syscall.Stat_t); ok {
		return st.Ino
	}
	return 0
}
