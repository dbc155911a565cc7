package agent

import (
	"time"

	"golang.org/x/sys/unix"
)

// Uptime is CLOCK_MONOTONIC: how long this machine runs, without the time that it slept.
func Uptime() time.Duration {
	var t unix.Timespec
	if unix.ClockGettime(unix.CLOCK_MONOTONIC, &t) != nil {
		return 0
	}
	return time.Duration(t.Nano())
}

// ClockSynced asks the kernel whether something (NTP, PTP, GNSS) disciplines the clock.
func ClockSynced() bool {
	var t unix.Timex
	_, err := unix.Adjtimex(&t)
	return err == nil && t.Status&unix.STA_UNSYNC == 0 && time.Now().After(earliest)
}
