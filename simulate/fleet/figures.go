package fleet

import (
	"context"
	"math/bits"
	"sync"
	"sync/atomic"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Figures say what a run did.
type Figures struct {
	Reports      int64         `json:"reports"`      // published
	Heartbeats   int64         `json:"heartbeats"`   // published
	Acknowledged int64         `json:"acknowledged"` // by the broker
	Again        int64         `json:"again"`        // attempts beyond the first
	Lost         int64         `json:"lost"`         // given up
	Bytes        int64         `json:"bytes"`        // of bodies, without headers
	Took         time.Duration `json:"took_ns"`
	Rate         float64       `json:"rate"` // acknowledged in a second
	// P50, P90, P99 and Max are times from publishing to the broker's word, to within 7 %.
	P50 time.Duration `json:"p50_ns"`
	P90 time.Duration `json:"p90_ns"`
	P99 time.Duration `json:"p99_ns"`
	Max time.Duration `json:"max_ns"`
}

// tally counts.
type tally struct {
	started                                       time.Time
	reports, heartbeats, done, bytes, again, lost atomic.Int64
	longest                                       atomic.Int64
	times                                         [64 << fine]atomic.Int64
}

// fine is how many bits after the first tell times apart: 2³ steps for each power of two.
const fine = 3

func slot(d time.Duration) int {
	n := uint64(max(d, 1))
	high := bits.Len64(n) - 1
	if high < fine {
		return int(n)
	}
	return high<<fine | int(n>>(high-fine)&(1<<fine-1))
}

// middle is a time of that slot.
func middle(slot int) time.Duration {
	high, rest := slot>>fine, uint64(slot&(1<<fine-1))
	if high < fine {
		return time.Duration(slot)
	}
	return time.Duration((1<<fine|rest)<<(high-fine) + 1<<(high-fine)/2)
}

func (t *tally) publish(e *inventory.Envelope) {
	t.bytes.Add(int64(len(e.Body)))
	if e.Kind == inventory.KindHeartbeat {
		t.heartbeats.Add(1)
		return
	}
	t.reports.Add(1)
}

func (t *tally) acknowledge(took time.Duration) {
	t.done.Add(1)
	t.times[slot(took)].Add(1)
	for was := t.longest.Load(); int64(took) > was && !t.longest.CompareAndSwap(was, int64(took)); {
		was = t.longest.Load()
	}
}

func (t *tally) figures() Figures {
	f := Figures{Reports: t.reports.Load(), Heartbeats: t.heartbeats.Load(), Acknowledged: t.done.Load(), Again: t.again.Load(),
		Lost: t.lost.Load(), Bytes: t.bytes.Load(), Took: time.Since(t.started), Max: time.Duration(t.longest.Load())}
	f.Rate = float64(f.Acknowledged) / f.Took.Seconds()
	f.P50, f.P90, f.P99 = t.share(0.5), t.share(0.9), t.share(0.99)
	return f
}

// share is the time within which that share was acknowledged.
func (t *tally) share(q float64) time.Duration {
	want := int64(q * float64(t.done.Load()))
	for i := range t.times {
		if want -= t.times[i].Load(); want < 0 {
			return min(middle(i), time.Duration(t.longest.Load()))
		}
	}
	return time.Duration(t.longest.Load())
}

// pace lets so many through in a second, evenly. Nil lets all through.
type pace struct {
	mu   sync.Mutex
	next time.Time
	gap  time.Duration
}

func newPace(rate float64) *pace {
	if rate <= 0 {
		return nil
	}
	return &pace{next: time.Now(), gap: time.Duration(float64(time.Second) / rate)}
}

// wait says false when ctx ended.
func (p *pace) wait(ctx context.Context) bool {
	if p == nil {
		return ctx.Err() == nil
	}
	p.mu.Lock()
	at := p.next
	p.next = p.next.Add(p.gap)
	p.mu.Unlock()
	if early := time.Until(at); early > time.Millisecond { // a shorter sleep is none
		timer := time.NewTimer(early)
		defer timer.Stop()
		select {
		case <-timer.C:
		case <-ctx.Done():
		}
	}
	return ctx.Err() == nil
}
