package agent

import "time"

// earliest is before any build of this program: a clock that shows less has not been set.
var earliest = time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
