package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// ClockSynced asks the kernel whether something (NTP, PTP, GNSS) disciplines the clock.
func ClockSynced() bool {
	var t unix.Timex
	_, err := unix.Adjtimex(&t)
	return err == nil && t.Status&unix.STA_UNSYNC == 0 && time.Now().After(earliest)
}
