package serialport

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"

	"golang.org/x/sys/unix"
)

// DropSysAdmin gives up CAP_SYS_ADMIN in all threads of the process, for good, so that
// another program's exclusive access to a port holds against this process too: the kernel lets
// whoever has that capability pass. It says whether there was anything to give up. Call it at
// the start of a command.
//
// A program that is built with cgo cannot change all its threads at once; it gets an error that
// wraps [errors.ErrUnsupported], unless it has called [RestartWithoutSysAdmin] before.
func DropSysAdmin() (had bool, err error) {
	caps, err := capabilities()
	if err != nil {
		return false, fmt.Errorf("cannot read the capabilities of the process: %w", err)
	}
	if !caps.sysAdmin() {
		return os.Getenv(startedAgain) == strconv.Itoa(os.Getpid()), nil
	}
	// Without it in the bounding set a program that this process starts does not get it back.
	// That needs a capability of its own, which may be missing.
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_PRCTL, unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0)
	if errno == syscall.ENOTSUP {
		return true, fmt.Errorf("cannot give up CAP_SYS_ADMIN in a program that is built with cgo: %w", errors.ErrUnsupported)
	}
	caps.drop()
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	_, _, errno = syscall.AllThreadsSyscall(unix.SYS_CAPSET, uintptr(unsafe.Pointer(&head)), uintptr(unsafe.Pointer(&caps[0])), 0)
	if errno != 0 {
		return true, fmt.Errorf("cannot give up CAP_SYS_ADMIN: %w", errno)
	}
	return true, nil
}

const (
	sysAdminWord = unix.CAP_SYS_ADMIN / 32
	sysAdminBit  = uint32(1) << (unix.CAP_SYS_ADMIN % 32)
)

// capSets are the capabilities of a thread, in words of 32.
type capSets [2]unix.CapUserData

func capabilities() (caps capSets, err error) {
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	err = unix.Capget(&head, &caps[0])
	return caps, err
}

func (c *capSets) drop() {
	w := &c[sysAdminWord]
	w.Effective &^= sysAdminBit
	w.Permitted &^= sysAdminBit
	w.Inheritable &^= sysAdminBit
}

func (c *capSets) sysAdmin() bool {
	return (c[sysAdminWord].Effective|c[sysAdminWord].Permitted)&sysAdminBit != 0
}

// startedAgain is set, to the process id, for a program that was started again, so that one that
// gets the capability back on execution (from its file) does not do so for ever.
const startedAgain = "ROLLCALL_STARTED_AGAIN"

// RestartWithoutSysAdmin is for the first line of main in a program that may be built with cgo,
// as "go run" does. Where [DropSysAdmin] cannot do its work, it executes the program anew without
// CAP_SYS_ADMIN: same arguments, environment and process id. Elsewhere it does nothing. It
// returns an error only if it should have and could not.
func RestartWithoutSysAdmin() error {
	caps, err := capabilities()
	if err != nil || !caps.sysAdmin() || threadsCanChange() {
		return err
	}
	pid := strconv.Itoa(os.Getpid())
	if os.Getenv(startedAgain) == pid {
		return errors.New("cannot give up CAP_SYS_ADMIN: the program gets it back when it starts")
	}
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	// Root gets all capabilities on execution but those that left the bounding set.
	if err := unix.Prctl(unix.PR_CAPBSET_DROP, unix.CAP_SYS_ADMIN, 0, 0, 0); err != nil && os.Geteuid() == 0 {
		return fmt.Errorf("cannot give up CAP_SYS_ADMIN: %w", err)
	}
	caps.drop()
	head := unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}
	if err := unix.Capset(&head, &caps[0]); err != nil {
		return fmt.Errorf("cannot give up CAP_SYS_ADMIN: %w", err)
	}
	err = unix.Exec("/proc/self/exe", os.Args, append(os.Environ(), startedAgain+"="+pid))
	return fmt.Errorf("cannot start again without CAP_SYS_ADMIN: %w", err)
}

// threadsCanChange says whether one call can be made in all threads: not with cgo.
func threadsCanChange() bool {
	_, _, errno := syscall.AllThreadsSyscall(unix.SYS_GETPID, 0, 0, 0)
	return errno != syscall.ENOTSUP
}
