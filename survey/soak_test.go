package survey

import (
	"context"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/atcmd/atcmdtest"
	"github.com/rollcall-iot/rollcall/inventory"
)

// soakVar makes TestF07 last longer: ROLLCALL_SOAK=10m.
const soakVar = "ROLLCALL_SOAK"

// TestF07: the worst that modules say, on eight ports at once, over and over. Memory stays flat and no goroutine is
// left.
func TestF07(t *testing.T) {
	long := 3 * time.Second
	if text := os.Getenv(soakVar); text != "" {
		var err error
		if long, err = time.ParseDuration(text); err != nil {
			t.Fatal(err)
		}
	}
	wrong := atcmdtest.Say(atcmdtest.Answers(map[string]string{"ATI": strings.Repeat("=HYPERLINK(\x1b[2J\u202e", 200), "AT+CGMR": strings.Repeat("9", 60000)}))
	var ports []string
	for _, b := range []atcmdtest.Behaviour{
		atcmdtest.Endless("x"), atcmdtest.Endless("line\r\n"), atcmdtest.Endless("\r\nOK\r\n"), atcmdtest.Endless("\x00\xff\x11\x13"),
		atcmdtest.Drip("x", 10*time.Millisecond), atcmdtest.Silence, atcmdtest.Parrot, wrong,
	} {
		m := atcmdtest.Behave(b)
		p, err := m.Pty()
		if err != nil {
			t.Fatal(err)
		}
		defer m.Close()
		ports = append(ports, p.Path)
	}
	s := settings(t, ports...)
	s.Timeout, s.Parallel = 500*time.Millisecond, len(ports)
	look := func() {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		modules, err := Run(ctx, s)
		if err != nil || len(modules) != len(ports) || ctx.Err() != nil {
			t.Fatalf("%d modules, %v, %v", len(modules), err, ctx.Err())
		}
		for _, m := range modules {
			if m.State == inventory.StateIdentified {
				t.Errorf("%s was identified as %+v", m.ID, m.Identity)
			}
		}
	}
	goroutines, looks, most := runtime.NumGoroutine(), 0, uint64(0)
	for start := time.Now(); time.Since(start) < long; looks++ {
		look()
		runtime.GC()
		var m runtime.MemStats
		runtime.ReadMemStats(&m)
		most = max(most, m.HeapAlloc)
	}
	t.Logf("%d looks, %.1f MiB of heap at most", looks, float64(most)/(1<<20))
	if most > 64<<20 {
		t.Errorf("the heap grew to %d bytes", most)
	}
	for end := time.Now().Add(10 * time.Second); runtime.NumGoroutine() > goroutines && time.Now().Before(end); {
		time.Sleep(10 * time.Millisecond)
	}
	if n := runtime.NumGoroutine(); n > goroutines {
		t.Errorf("%d goroutines, %d before the first look", n, goroutines)
	}
}
