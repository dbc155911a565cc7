package serialport

import (
	"fmt"
	"path/filepath"
	"slices"
	"strconv"

	"github.com/rollcall-iot/rollcall/internal/clean"
)

// Holder is a process that uses a port.
type Holder struct {
	PID  int
	Name string
}

// String gives "pppd (pid 812)".
func (h Holder) String() string {
	name := h.Name
	if name == "" {
		name = "a process"
	}
	return fmt.Sprintf("%s (pid %d)", name, h.PID)
}

// Holders gives the processes that have a port open, as far as this process may see them: its
// own user's, or all for root. The port itself is not opened. This process and, for a pseudo
// terminal, the one at its other side are left out. A program that runs and is configured to use the
// port counts, whether it can be seen to have it open or not.
func Holders(p Port) []Holder {
	if p.node.major == 0 {
		return nil
	}
	all := holders(p.node)
	if h := p.node.root.running(p.claim.program); h != nil && !slices.Contains(all, *h) {
		all = append(all, *h)
	}
	return all
}

// processName gives the name of a process, made printable: a process may call itself anything.
func processName(proc string, pid int) string {
	return clean.Line(attr(filepath.Join(proc, strconv.Itoa(pid), "comm")))
}
