//go:build ppc || ppc64 || ppc64le

package serialport

import "golang.org/x/sys/unix"

// On these processors the plain calls carry any speed.
const (
	getTermios = unix.TCGETS
	setTermios = unix.TCSETS
)
