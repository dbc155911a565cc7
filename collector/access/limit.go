package access

import (
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// maxCallers bounds the callers of one generation that are remembered.
const maxCallers = 8192

// limits holds one limiter for each caller, and forgets those that were not seen for long:
// when one generation is full, the one before it goes.
type limits struct {
	every rate.Limit
	burst int
	now   func() time.Time

	mu       sync.Mutex
	current  map[string]*rate.Limiter
	previous map[string]*rate.Limiter
}

func newLimits(every rate.Limit, burst int, now func() time.Time) *limits {
	return &limits{every: every, burst: burst, now: now, current: map[string]*rate.Limiter{}}
}

// take counts one request of a caller; where it is one too many it says when the next is due.
func (l *limits) take(caller string) (time.Duration, bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	at := l.now()
	r := l.of(caller).ReserveN(at, 1)
	wait := r.DelayFrom(at)
	if wait > 0 {
		r.CancelAt(at)
	}
	return wait, wait <= 0
}

func (l *limits) of(caller string) *rate.Limiter {
	if one, ok := l.current[caller]; ok {
		return one
	}
	one, ok := l.previous[caller]
	if !ok {
		one = rate.NewLimiter(l.every, l.burst)
	}
	if len(l.current) >= maxCallers {
		l.previous, l.current = l.current, map[string]*rate.Limiter{}
	}
	l.current[caller] = one
	return one
}
