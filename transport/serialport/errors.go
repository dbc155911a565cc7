package serialport

import (
	"errors"
	"fmt"
	"io/fs"
	"syscall"
)

// Errors that callers branch on. A port that is not there wraps [fs.ErrNotExist]; one that
// may not be opened is a [PermissionError], which wraps [fs.ErrPermission].
var (
	// ErrChanged: the node is no longer the device that was found.
	ErrChanged = errors.New("it is no longer the device that was found; look for ports again")
	// ErrNotSerial: what was named is no serial port.
	ErrNotSerial = errors.New("not a serial port")
	// ErrSkipped: a rule says that this port is not to be asked.
	ErrSkipped = errors.New("not to be asked")
	// ErrLost: the port went away while it was open.
	ErrLost = errors.New("the port is gone; was the device unplugged or restarted?")
)

// HeldError says that another program uses the port.
type HeldError struct {
	Path string
	// Holder names the program ("pppd (pid 812)"); empty if it cannot be seen.
	Holder string
	// How says what gave it away ("exclusive access", "lock file", …).
	How string
}

func (e *HeldError) Error() string {
	holder := e.Holder
	if holder == "" {
		holder = "another program"
	}
	return fmt.Sprintf("port %q is held by %s (%s); it was left alone: stop that program to have the port asked", e.Path, holder, e.How)
}

// PermissionError says that the operating system refused to open the port.
type PermissionError struct {
	Path string
	// Group is the group that may open the node, empty where none may.
	Group string
	// Member says that this process belongs to that group, or is root, so that something else forbids it.
	Member bool
	Err    error
}

func (e *PermissionError) Error() string {
	return fmt.Sprintf("cannot open port %q: %v: %s", e.Path, e.Err, e.advice())
}

func (e *PermissionError) advice() string {
	switch {
	case errors.Is(e.Err, syscall.EPERM):
		return "the service or container may not use this device: allow it there (systemd DeviceAllow=, --device)"
	case e.Member:
		return "its owner and mode allow it, so a security module such as SELinux or AppArmor forbids it: see its log"
	case e.Group != "":
		return fmt.Sprintf("join group %q (usermod -aG %s USER) and log in again", e.Group, e.Group)
	}
	return "no group may open it: install Rollcall's udev rules, then plug the device in again"
}

// Unwrap gives the error of the operating system.
func (e *PermissionError) Unwrap() error { return e.Err }

// Is reports that it is a kind of [fs.ErrPermission].
func (e *PermissionError) Is(target error) bool { return target == fs.ErrPermission }
