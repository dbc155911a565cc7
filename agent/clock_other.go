//go:build !linux

package agent

import "time"

// monotonic is of use to systemd alone.
func monotonic() time.Duration { return 0 }

// ClockSynced says whether the clock has been set at all; no more is known here.
func ClockSynced() bool { return time.Now().After(earliest) }
