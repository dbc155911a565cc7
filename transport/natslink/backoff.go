package natslink

import (
	"math/rand/v2"
	"time"
)

// Backoff is the pause before try n (from 1): anything between nothing and a bound that
// doubles from first to most. Full jitter spreads a fleet that lost its server in one
// moment evenly over the bound.
func Backoff(n int, first, most time.Duration) time.Duration {
	bound := most
	if shift := n - 1; shift < 30 && first<<shift > 0 {
		bound = min(first<<shift, most)
	}
	return rand.N(bound + 1)
}
