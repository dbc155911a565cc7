//go:build !(ppc || ppc64 || ppc64le)

package serialport

import "golang.org/x/sys/unix"

// The calls that carry any speed, and so all of a terminal's settings.
const (
	getTermios = unix.TCGETS2
	setTermios = unix.TCSETS2
)
