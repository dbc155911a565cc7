package agent

import (
	"math/rand/v2"
	"time"
)

// spread gives d, longer or shorter by up to jitter times d, so that a fleet which started
// together does not report together for ever.
func spread(d time.Duration, jitter float64) time.Duration {
	if jitter <= 0 {
		return d
	}
	return time.Duration(float64(d) * (1 + jitter*(2*rand.Float64()-1)))
}
