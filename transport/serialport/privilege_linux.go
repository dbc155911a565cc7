package serialport

import (
	"errors"
	"fmt"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DropSysAdmin gives up CAP_SYS_ADMIN in all threads of the process, for good, so that
// another program's exclusive access to a port holds against this process too: the kernel lets
// whoever has that capability pass. It says whether there was anything to give up. Call it at
// the start of a command.
//
// A program that is built with cgo cannot change all its threads this way; it gets an error that
// wraps [errors.ErrUnsupported].
func DropSysAdmin() (had bool, err error) {
	caps, err := capabilities()
	if err != nil {
		return false, fmt.Errorf("cannot read the capabilities of the process: %w", err)
	}
	const word, bit = unix.CAP_SYS_ADMIN / 32, uint32(1) << (unix.CAP_SYS_ADMIN % 32)
	if (caps[word].Effective|caps[word].Permitted)&bit == 0 {
		return false, nil
	}
	// Without it in the bounding set a program that this process starts does not get it back.
	// That needs a capability of its own, which may be missing.
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0)
	if errno == syscall.ENOTSUP {
		return true, fmt.Errorf("cannot give up CAP_SYS_ADMIN in a program built with cgo: %w", errors.ErrUnsupported)
	}
	caps[word].Effective &^= bit
	caps[word].Permitted &^= bit
	caps[word].Inheritable &^= bit
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	_, _, errno = syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&caps[0])), 0)
	if errno != 0 {
		return true, fmt.Errorf("cannot give up CAP_SYS_ADMIN: %w", errno)
	}
	return true, nil
}

func capabilities() (caps [2]unix.CapUserData, err error) {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	err = unix.Capget(&head, &caps[0])
	return caps, err
}
