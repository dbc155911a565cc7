package natslink_test

import (
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// connectAll makes that many links, which end with the test.
func connectAll(t *testing.T, agents int, s natslink.Settings) {
	t.Helper()
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
	t.Cleanup(func() {
		each(func(i int) {
			if links[i] != nil {
				links[i].Close()
			}
		})
	})
	each(func(i int) {
		var err error
		if links[i], err = natslink.Connect(t.Context(), s); err != nil {
			t.Error(err)
		}
	})
	if t.Failed() {
		t.FailNow()
	}
}

// TestD18Servers: of three servers one dies. Those whose server it was go to the other two, over the same time as
// they would come back to one, and not all in the moment of the loss.
func TestD18Servers(t *testing.T) {
	const agents, over, slots = 200, 4 * time.Second, 10
	var urls []string
	var servers []*natslinktest.Server
	for range 3 {
		sv := natslinktest.Start(t, natslinktest.Settings{})
		servers, urls = append(servers, sv), append(urls, sv.URL())
	}
	connectAll(t, agents, natslink.Settings{URLs: urls, Gateway: "gw1", Spread: over, MaxWait: over})
	there := func(all []*natslinktest.Server) (n int) {
		for _, sv := range all {
			n += sv.Server().NumClients()
		}
		return n
	}
	natslinktest.Eventually(t, "all are there", func() bool { return there(servers) == agents })
	left := servers[1:]
	before := there(left)
	servers[0].Stop()
	start, seen, slot := time.Now(), make([]int, slots), over/slots
	for there(left) < agents {
		time.Sleep(10 * time.Millisecond)
		since := time.Since(start)
		if since > natslinktest.Patience {
			t.Fatalf("%d of %d are there", there(left), agents)
		}
		seen[min(int(since/slot), slots-1)] = there(left) - before
	}
	took, lost := time.Since(start), agents-before
	t.Logf("all %d that lost their server have another after %v; there were %v at the end of each tenth", lost, took.Round(time.Millisecond), seen)
	if early := max(seen[0], seen[1]); early > lost/2 {
		t.Errorf("%d of %d came in the first fifth of the time", early, lost)
	}
	if took < over*2/3 {
		t.Errorf("the last one came after %v, want them spread over %v", took, over)
	}
}

// TestD18Connections: a thousand connections, not their arithmetic. The server goes and comes back at once; the half
// minute over which they return is 5 seconds here. They come evenly, the server turns nobody away, and all are back.
func TestD18Connections(t *testing.T) {
	const agents, over, slots = 1000, 5 * time.Second, 10
	sv := natslinktest.Start(t, natslinktest.Settings{})
	connectAll(t, agents, natslink.Settings{URLs: []string{sv.URL()}, Gateway: "gw1", Spread: over, MaxWait: over})
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
