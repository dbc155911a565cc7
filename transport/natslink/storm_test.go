package natslink_test

import (
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// TestD18Connections: a thousand connections, not their arithmetic. The server goes and comes back at once; the half
// minute over which they return is 5 seconds here. They come evenly, the server turns nobody away, and all are back.
func TestD18Connections(t *testing.T) {
	const agents, over, slots = 1000, 5 * time.Second, 10
	sv := natslinktest.Start(t, natslinktest.Settings{})
	links := make([]*natslink.Link, agents)
	each := func(do func(i int)) {
		gate := make(chan struct{}, 50)
		var wg sync.WaitGroup
		for i := range links {
			gate <- struct{}{}
			wg.Go(func() { defer func() { <-gate }(); do(i) })
		}
		wg.Wait()
	}
	each(func(i int) {
		l, err := natslink.Connect(t.Context(), natslink.Settings{URLs: []string{sv.URL()}, Gateway: "gw1", Spread: over, MaxWait: over})
		if err != nil {
			t.Error(err)
			return
		}
		links[i] = l
	})
	defer each(func(i int) { links[i].Close() })
	if t.Failed() {
		return
	}
	natslinktest.Eventually(t, "all are there", func() bool { return sv.Server().NumClients() == agents })
	sv.Restart()
	start, seen, slot := time.Now(), make([]int, slots), over/slots
	for sv.Server().NumClients() < agents {
		time.Sleep(10 * time.Millisecond)
		since := time.Since(start)
		if since > natslinktest.Patience {
			t.Fatalf("%d of %d came back", sv.Server().NumClients(), agents)
		}
		seen[min(int(since/slot), slots-1)] = sv.Server().NumClients()
	}
	t.Logf("all came back after %v; there were %v at the end of each tenth", time.Since(start).Round(time.Millisecond), seen)
	if early := max(seen[0], seen[1]); early > agents/2 {
		t.Errorf("%d of %d came back in the first fifth of the time", early, agents)
	}
	if took := time.Since(start); took < over*3/4 {
		t.Errorf("the last one came back after %v, want them spread over %v", took, over)
	}
	if n := sv.Server().NumSlowConsumers(); n != 0 {
		t.Errorf("%d slow consumers", n)
	}
}
