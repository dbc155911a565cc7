//go:build !linux

package agent

import "time"

// Uptime is not known here.
func Uptime() time.Duration { return 0 }

// ClockSynced says whether the clock has been set at all; no more is known here.
func ClockSynced() bool { return time.Now().After(earliest) }
