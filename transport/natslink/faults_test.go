package natslink_test

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// TestD01: no server at the start. The link waits, says so, and delivers when one comes.
func TestD01(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	sv.Stop()
	l := connect(t, natslink.Settings{URLs: []string{sv.URL()}})
	store := openSpool(t)
	e := report("gw1", 1, 1)
	put(t, store, e)
	if _, err := l.Publish(t.Context(), e); kind(t, err) != natslink.Retry {
		t.Errorf("without a server: %v", err)
	}
	_, delivered := send(t, store, l, l.Up())
	natslinktest.Eventually(t, "the link says that it is down", func() bool { return slices.Contains(codes(l.Health()), "nats-unreachable") })
	if delivered.has(e.ID) {
		t.Fatal("delivered without a server")
	}
	sv.Start()
	natslinktest.MakeStream(t, sv.JetStream(natslinktest.User{}), 0)
	natslinktest.Eventually(t, "the report is delivered", func() bool { return delivered.has(e.ID) })
	if h := l.Health(); len(h) != 0 {
		t.Errorf("health afterwards: %v", h)
	}
}

// TestD01Backoff: tries are spread over the whole pause and at most five minutes apart.
func TestD01Backoff(t *testing.T) {
	for n := 1; n < 100; n++ {
		bound := min(time.Second<<min(n-1, 20), 5*time.Minute)
		var lowest, highest time.Duration = bound, 0
		for range 300 {
			d := natslink.Backoff(n, time.Second, 5*time.Minute)
			lowest, highest = min(lowest, d), max(highest, d)
		}
		if lowest < 0 || highest > bound {
			t.Fatalf("try %d: from %v to %v, bound %v", n, lowest, highest, bound)
		}
		if lowest > bound/5 || highest < bound*4/5 {
			t.Errorf("try %d: from %v to %v is no full jitter below %v", n, lowest, highest, bound)
		}
	}
}

// TestD02: the server is killed at random moments, by SIGKILL. In the end it holds
// everything that was confirmed.
func TestD02(t *testing.T) {
	const rounds = 25
	p := natslinktest.StartProcess(t)
	roomy := natslink.StreamConfig()
	roomy.MaxMsgsPerSubject = -1 // nothing may go but by a fault
	if _, err := natslink.AssertStream(t.Context(), natslinktest.Dial(t, p.URL()), roomy); err != nil {
		t.Fatal(err)
	}
	l := connect(t, natslink.Settings{URLs: []string{p.URL()}, MaxWait: 50 * time.Millisecond, Timeout: 2 * time.Second})
	store := openSpool(t)
	s, delivered := send(t, store, l, l.Up())
	var all []*inventory.Envelope
	for range rounds {
		for range 8 {
			e := report("gw1", 1, uint64(len(all)+1))
			all = append(all, e)
			put(t, store, e)
			s.Wake()
		}
		time.Sleep(rand.N(30 * time.Millisecond))
		p.Kill()
		p.Start()
	}
	for _, e := range all {
		natslinktest.Eventually(t, fmt.Sprintf("report %d is delivered", e.Seq), func() bool { return delivered.has(e.ID) })
	}
	got := stored(t, natslinktest.Dial(t, p.URL()))
	for _, e := range all {
		if got[e.ID] == 0 {
			t.Errorf("report %d was confirmed and is not in the stream", e.Seq)
		}
	}
}

// TestD03: the acknowledgement is lost on its way. The report is sent again and is there
// once; that the server calls it a duplicate then is a receipt.
func TestD03(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	proxy := natslinktest.NewProxy(t, sv.Addr())
	l := connect(t, natslink.Settings{URLs: []string{proxy.URL()}, Timeout: 500 * time.Millisecond})
	connected(t, l)
	store := openSpool(t)
	e := report("gw1", 1, 1)
	put(t, store, e)
	proxy.Swallow(false, true)
	c := &counting{Link: l}
	_, delivered := send(t, store, c, l.Up())
	natslinktest.Eventually(t, "the server has the report, and it is tried again", func() bool {
		return stored(t, js)[e.ID] == 1 && c.n.Load() >= 2 || delivered.has(e.ID)
	})
	if delivered.has(e.ID) {
		t.Fatal("delivered without an acknowledgement")
	}
	proxy.Swallow(false, false)
	natslinktest.Eventually(t, "the report is delivered", func() bool { return delivered.has(e.ID) })
	if n := stored(t, js)[e.ID]; n != 1 {
		t.Errorf("stored %d times", n)
	}
	if _, ok := store.Next(); ok {
		t.Error("the spool still holds it")
	}
}

// TestD04: a black hole is noticed, and the link comes back by itself.
func TestD04(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	natslinktest.MakeStream(t, sv.JetStream(natslinktest.User{}), 0)
	proxy := natslinktest.NewProxy(t, sv.Addr())
	l := connect(t, natslink.Settings{URLs: []string{proxy.URL()}, PingInterval: 50 * time.Millisecond, Timeout: time.Second})
	connected(t, l)
	proxy.Swallow(true, true)
	natslinktest.Eventually(t, "the black hole is noticed", func() bool { return !l.Connected() })
	proxy.Swallow(false, false)
	proxy.Cut() // what was swallowed leaves the old connections useless
	connected(t, l)
	if _, err := l.Publish(t.Context(), report("gw1", 1, 1)); err != nil {
		t.Error(err)
	}
}

// TestD06: somebody used the id before. Their message is no receipt for ours, which is
// sent again until it is stored itself.
func TestD06(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 1500*time.Millisecond)
	e := report("gw1", 1, 1)
	squat := nats.NewMsg("rollcall.v1.report.gw2")
	squat.Header.Set(nats.MsgIdHdr, e.ID)
	if _, err := js.PublishMsg(t.Context(), squat); err != nil {
		t.Fatal(err)
	}
	l := connect(t, natslink.Settings{URLs: []string{sv.URL()}})
	store := openSpool(t)
	put(t, store, e)
	s, delivered := send(t, store, l, l.Up())
	natslinktest.Eventually(t, "the squatting is noticed", func() bool { return slices.Contains(codes(s.Health()), "suspect-duplicate") })
	if delivered.has(e.ID) {
		t.Fatal("a stranger's message was taken for a receipt")
	}
	natslinktest.Eventually(t, "the report is delivered", func() bool { return delivered.has(e.ID) })
	if !holds(t, sv, e) {
		t.Error("delivered, but the stream does not hold these bytes")
	}
	if h := s.Health(); len(h) != 0 {
		t.Errorf("health afterwards: %v", h)
	}
}

// holds says whether the stream holds e's own bytes on e's own subject.
func holds(t *testing.T, sv *natslinktest.Server, e *inventory.Envelope) bool {
	t.Helper()
	for _, m := range natslinktest.Messages(t, sv.JetStream(natslinktest.User{})) {
		if m.Subject == natslink.Subject(e.Kind, e.Gateway) && string(m.Data) == string(e.Body) {
			return true
		}
	}
	return false
}

// TestC14: the agent ended between receipt and removal. Sent again, the report is called
// a duplicate, and that is a receipt: an earlier life may have sent it.
func TestC14(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	l := connect(t, natslink.Settings{URLs: []string{sv.URL()}})
	e := report("gw1", 0, 9) // of an earlier boot than the sender's
	if _, err := l.Publish(t.Context(), e); err != nil {
		t.Fatal(err)
	}
	store := openSpool(t)
	put(t, store, e)
	_, delivered := send(t, store, l, l.Up())
	natslinktest.Eventually(t, "the report is delivered", func() bool { return delivered.has(e.ID) })
	if n := stored(t, js)[e.ID]; n != 1 {
		t.Errorf("stored %d times", n)
	}
}

// TestD07: an outage longer than the window for duplicates. The report may be stored
// twice, under the one id by which the collector shows it once.
func TestD07(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 200*time.Millisecond)
	proxy := natslinktest.NewProxy(t, sv.Addr())
	l := connect(t, natslink.Settings{URLs: []string{proxy.URL()}, Timeout: 700 * time.Millisecond})
	connected(t, l)
	store := openSpool(t)
	e := report("gw1", 1, 1)
	put(t, store, e)
	proxy.Swallow(false, true)
	_, delivered := send(t, store, l, l.Up())
	natslinktest.Eventually(t, "it is stored twice", func() bool { return stored(t, js)[e.ID] >= 2 })
	proxy.Swallow(false, false)
	natslinktest.Eventually(t, "the report is delivered", func() bool { return delivered.has(e.ID) })
	for _, m := range natslinktest.Messages(t, js) {
		got, err := natslink.FromMsg(m.Subject, m.Header, m.Data)
		if err != nil || got.Verify() != nil || got.ID != e.ID {
			t.Errorf("stored %v, %v", got, err)
		}
	}
}

// counting counts the publishes that reach the link.
type counting struct {
	*natslink.Link
	n atomic.Int64
}

func (c *counting) Publish(ctx context.Context, e *inventory.Envelope) (natslink.Receipt, error) {
	c.n.Add(1)
	return c.Link.Publish(ctx, e)
}

// TestD08: the right to publish is taken away while running. It is known within one
// round trip, shown, tried again slowly, and works again when it is given back.
func TestD08(t *testing.T) {
	gw := natslinktest.User{Name: "gw1", Password: "p"}
	gw.Publish, gw.Subscribe = natslink.Permissions("gw1")
	sv := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, gw}})
	natslinktest.MakeStream(t, sv.JetStream(natslinktest.Admin), 0)
	l := connect(t, natslink.Settings{URLs: []string{sv.URLOf(gw)}, Timeout: 20 * time.Second})
	if _, err := l.Publish(t.Context(), report("gw1", 1, 1)); err != nil {
		t.Fatalf("the least rights are too few: %v", err)
	}
	mute := gw
	mute.Publish = []string{"nothing"}
	sv.Reload(natslinktest.Admin, mute)
	connected(t, l)
	start := time.Now()
	natslinktest.Eventually(t, "the refusal is known", func() bool {
		_, err := l.Publish(t.Context(), report("gw1", 1, 2))
		return err != nil && kind(t, err) == natslink.Denied
	})
	if took := time.Since(start); took > 15*time.Second {
		t.Errorf("known after %v: by the timeout, not by the server's word", took)
	}
	store := openSpool(t)
	e := report("gw1", 1, 3)
	put(t, store, e)
	c := &counting{Link: l}
	_, delivered := send(t, store, c, l.Up())
	natslinktest.Eventually(t, "it is tried again", func() bool { return c.n.Load() >= 3 })
	if !slices.Contains(codes(l.Health()), "nats-denied") {
		t.Errorf("health: %v", l.Health())
	}
	before, since := c.n.Load(), time.Now()
	time.Sleep(time.Second)
	// Slow means at least 300 ms apart in this test, whatever the machine's speed.
	if tries, most := c.n.Load()-before, int64(time.Since(since)/(300*time.Millisecond))+2; tries > most {
		t.Errorf("%d tries in %v: a hot loop", tries, time.Since(since))
	}
	sv.Reload(natslinktest.Admin, gw)
	natslinktest.Eventually(t, "the report is delivered", func() bool { return delivered.has(e.ID) })
	if slices.Contains(codes(l.Health()), "nats-denied") {
		t.Errorf("health afterwards: %v", l.Health())
	}
}

// TestD09: no stream, or no JetStream at all. Nothing is removed, and the reason is told.
func TestD09(t *testing.T) {
	for name, without := range map[string]bool{"no stream": false, "no JetStream": true} {
		t.Run(name, func(t *testing.T) {
			sv := natslinktest.Start(t, natslinktest.Settings{NoJetStream: without})
			l := connect(t, natslink.Settings{URLs: []string{sv.URL()}})
			connected(t, l)
			e := report("gw1", 1, 1)
			_, err := l.Publish(t.Context(), e)
			if kind(t, err) != natslink.Retry {
				t.Errorf("error %v", err)
			}
			store := openSpool(t)
			put(t, store, e)
			c := &counting{Link: l}
			s, delivered := send(t, store, c, l.Up())
			natslinktest.Eventually(t, "it is tried again", func() bool { return c.n.Load() >= 3 })
			if !slices.Contains(codes(s.Health()), "nats-publish") || delivered.has(e.ID) {
				t.Errorf("health %v, delivered %v", s.Health(), delivered.has(e.ID))
			}
			if got, ok := store.Next(); !ok || got.ID != e.ID {
				t.Error("the report was removed")
			}
			if without {
				return
			}
			natslinktest.MakeStream(t, sv.JetStream(natslinktest.User{}), 0)
			natslinktest.Eventually(t, "the report is delivered", func() bool { return delivered.has(e.ID) })
		})
	}
}

// TestD10: a stream that is full and refuses new messages keeps the report in the spool.
func TestD10(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	full := natslink.StreamConfig()
	full.Discard, full.MaxMsgs = 1, 1 // jetstream.DiscardNew
	if _, err := js.CreateStream(t.Context(), full); err != nil {
		t.Fatal(err)
	}
	l := connect(t, natslink.Settings{URLs: []string{sv.URL()}})
	if _, err := l.Publish(t.Context(), report("gw1", 1, 1)); err != nil {
		t.Fatal(err)
	}
	_, err := l.Publish(t.Context(), report("gw1", 1, 2))
	if kind(t, err) != natslink.Retry {
		t.Errorf("full stream: %v", err)
	}
}

// TestD11: too large for this server. A smaller one goes out; where there is none, it is
// set aside and the next one goes out.
func TestD11(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{MaxPayload: 1024})
	js := sv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	l := connect(t, natslink.Settings{URLs: []string{sv.URL()}})
	connected(t, l)
	large := bulky(1)
	if _, err := l.Publish(t.Context(), large); kind(t, err) != natslink.TooLarge {
		t.Errorf("too large: %v", err)
	}
	store := openSpool(t)
	after := report("gw1", 1, 2)
	put(t, store, large, after)
	small := report("gw1", 1, 1)
	shrunk := false
	s := natslink.NewSender(natslink.SenderSettings{Store: store, Link: l, Boot: 1, Shrink: func(e *inventory.Envelope) bool {
		shrunk = e.ID == large.ID
		return shrunk && store.Put(small) == nil
	}})
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if got := stored(t, js); got[small.ID] != 1 || got[after.ID] != 1 || got[large.ID] != 0 {
		t.Errorf("stored %v", got)
	}
	put(t, store, bulky(3), report("gw1", 1, 4))
	s = natslink.NewSender(natslink.SenderSettings{Store: store, Link: l, Boot: 1})
	if err := s.Drain(t.Context()); err != nil {
		t.Fatal(err)
	}
	if c := store.Counts(); c.SetAside != 1 || c.Records != 0 {
		t.Errorf("%+v", c)
	}
}

func bulky(seq uint64) *inventory.Envelope {
	r := &inventory.Report{ID: inventory.NewID(), Gateway: inventory.Gateway{ID: "gw1"}, Order: inventory.Order{Boot: 1, Seq: seq},
		Modules: []inventory.Module{{ID: "usb:1-1", Reason: string(make([]byte, 4096))}}}
	e, err := inventory.SealReport(r, key)
	if err != nil {
		panic(err)
	}
	return e
}

// overlapping notes how many publishes of a sender run at once.
type overlapping struct {
	*natslink.Link
	now, most atomic.Int64
}

func (o *overlapping) Publish(ctx context.Context, e *inventory.Envelope) (natslink.Receipt, error) {
	if n := o.now.Add(1); n > o.most.Load() {
		o.most.Store(n)
	}
	defer o.now.Add(-1)
	return o.Link.Publish(ctx, e)
}

// TestD05: a slow wire that is cut again and again. There is progress, one report at a
// time, and in the end all are there.
func TestD05(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	proxy := natslinktest.NewProxy(t, sv.Addr())
	proxy.Slow(5 * time.Millisecond)
	l := connect(t, natslink.Settings{URLs: []string{proxy.URL()}, MaxWait: 20 * time.Millisecond, Timeout: 2 * time.Second})
	store := openSpool(t)
	var all []*inventory.Envelope
	for seq := range uint64(30) {
		all = append(all, report("gw1", 1, seq+1))
	}
	put(t, store, all...)
	o := &overlapping{Link: l}
	_, delivered := send(t, store, o, l.Up())
	for range 10 {
		time.Sleep(rand.N(100 * time.Millisecond))
		proxy.Cut()
	}
	for _, e := range all {
		natslinktest.Eventually(t, fmt.Sprintf("report %d is delivered", e.Seq), func() bool { return delivered.has(e.ID) })
	}
	if o.most.Load() != 1 {
		t.Errorf("%d publishes ran at once", o.most.Load())
	}
	got := stored(t, js)
	for _, e := range all {
		if got[e.ID] == 0 {
			t.Errorf("report %d is not in the stream", e.Seq)
		}
	}
}

// TestD01Why: who asks for a stream without a connection is told why there is none.
func TestD01Why(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	sv.Stop()
	nc, err := nats.Connect(sv.URL(), nats.RetryOnFailedConnect(true), nats.MaxReconnects(-1), nats.ReconnectWait(10*time.Millisecond), nats.ReconnectBufSize(-1))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(nc.Close)
	js, err := jetstream.New(nc)
	if err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "the error names the server", func() bool {
		_, err := natslink.AssertStream(t.Context(), js, natslink.StreamConfig())
		return errors.Is(err, nats.ErrNoServers) && strings.Contains(err.Error(), sv.URL())
	})
}
