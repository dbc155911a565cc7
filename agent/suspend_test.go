package agent

import (
	"context"
	"fmt"
	"sync/atomic"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// sleepy is an outbox that once takes as long as a machine that sleeps.
type sleepy struct {
	box
	night atomic.Int64
}

func (s *sleepy) Hold(e *inventory.Envelope) error {
	time.Sleep(time.Duration(s.night.Swap(0)))
	return s.box.Hold(e)
}

// TestF03: the gateway sleeps for 8 hours, in which 96 heartbeats or rounds were due. When it wakes there is one
// of each at most, whether the timers slept as well (a laptop's sleep stops the kernel's clock, and only the time of day
// jumps) or ran on (a virtual machine that was paused, a process that was stopped).
func TestF03(t *testing.T) {
	for name, sleep := range map[string]func(w *wall, s *sleepy){
		"timers sleep": func(w *wall, _ *sleepy) { w.step(8 * time.Hour) },
		"timers run on": func(_ *wall, s *sleepy) {
			s.night.Store(int64(8 * time.Hour))
			time.Sleep(8*time.Hour + 15*time.Minute) // until the next heartbeat is over
		},
	} {
		for _, interval := range []time.Duration{5 * time.Minute, 24 * time.Hour} {
			t.Run(fmt.Sprint(name, ", a round every ", interval), func(t *testing.T) {
				synctest.Test(t, func(t *testing.T) { aNight(t, interval, sleep) })
			})
		}
	}
}

func aNight(t *testing.T, interval time.Duration, sleep func(*wall, *sleepy)) {
	var looks atomic.Int64
	b, w := &sleepy{}, &wall{}
	w.set(time.Date(2026, 11, 22, 22, 0, 0, 0, time.UTC), true)
	s := settings(t, &b.box)
	s.Outbox, s.Interval, s.Heartbeat, s.Now, s.Synced = b, interval, 5*time.Minute, w.now, w.isSynced
	s.Survey = func(context.Context) ([]inventory.Module, error) { looks.Add(1); return ec25("A"), nil }
	a := newAgent(t, s)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	go func() { _ = a.Run(ctx) }()
	time.Sleep(time.Minute)
	synctest.Wait()
	sent, looked := len(b.all()), looks.Load()
	sleep(w, b)
	time.Sleep(6 * time.Minute)
	synctest.Wait()
	if n := looks.Load() - looked; n > 12 {
		t.Errorf("looked %d times in the minutes before and after 8 hours of sleep", n)
	}
	if n := len(b.all()) - sent; n < 1 || n > 12 {
		t.Errorf("sent %d messages over 8 hours of sleep", n)
	}
	ordered(t, b.all())
}
