// Command dropsysadmin gives up CAP_SYS_ADMIN and then opens the terminal that it is given. It is
// built without cgo by TestB06.
package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/transport/serialport"
)

func main() {
	for range 8 { // more threads than the runtime starts with
		go func() { select {} }()
	}
	had, err := serialport.DropSysAdmin()
	fmt.Println("had", had, "error", err)
	tasks, _ := filepath.Glob("/proc/self/task/*/status")
	for _, t := range tasks {
		b, _ := os.ReadFile(t)
		for line := range strings.Lines(string(b)) {
			if strings.HasPrefix(line, "Cap") {
				fmt.Print(line)
			}
		}
	}
	fd, err := unix.Open(os.Args[1], unix.O_RDWR|unix.O_NOCTTY|unix.O_NONBLOCK, 0)
	fmt.Println("open", fd >= 0, err == unix.EBUSY)
}
