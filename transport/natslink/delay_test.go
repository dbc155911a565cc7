package natslink

import (
	"testing"
	"time"
)

// TestD18 is the arithmetic of a thousand agents that lose their server in one moment:
// they come back evenly over half a minute, no second of which sees a tenth of them.
// A gateway that starts does not wait like that.
func TestD18(t *testing.T) {
	const agents = 1000
	perSecond := map[int]int{}
	var latest time.Duration
	for range agents {
		l := &Link{settings: Settings{}.withDefaults(), wasUp: true, dialer: newDialer()}
		d := l.delay(1)
		perSecond[int(d/time.Second)]++
		latest = max(latest, d)
	}
	if latest < 27*time.Second || latest > 30*time.Second {
		t.Errorf("the last one comes back after %v", latest)
	}
	for second, n := range perSecond {
		if n > agents/10 {
			t.Errorf("%d of %d come back in second %d", n, agents, second)
		}
	}
	starting := &Link{settings: Settings{}.withDefaults(), dialer: newDialer()}
	if d := starting.delay(1); d > time.Second {
		t.Errorf("a first connection waits %v for its second try", d)
	}
}
