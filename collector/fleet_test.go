package collector

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// running is a collector with a real broker.
type running struct {
	*collector
	t    testing.TB
	end  context.CancelFunc
	done chan error
}

// start runs a collector until the test ends or stop is called.
func start(t testing.TB, srv *natslinktest.Server, s store.Store, change ...func(*collector)) *running {
	t.Helper()
	nc, err := nats.Connect(srv.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(50*time.Millisecond), nats.RetryOnFailedConnect(true))
	must(t, err)
	c, err := newCollector(Settings{Conn: nc, Store: s, Base: &collectortest.Base{Data: "test-1"}})
	must(t, err)
	c.ackWait, c.nakWait, c.drainTime = time.Second, 50*time.Millisecond, time.Second
	for _, f := range change {
		f(c)
	}
	ctx, cancel := context.WithCancel(context.Background())
	r := &running{collector: c, t: t, end: cancel, done: make(chan error, 1)}
	go func() { r.done <- c.run(ctx) }()
	t.Cleanup(func() {
		cancel()
		<-r.done
		nc.Close()
	})
	return r
}

// stop ends the collector and gives what Run returned.
func (r *running) stop() error {
	r.t.Helper()
	r.end()
	select {
	case err := <-r.done:
		r.done <- err
		return err
	case <-time.After(natslinktest.Patience):
		r.t.Fatal("the collector does not end")
		return nil
	}
}

func publish(t testing.TB, js jetstream.JetStream, es ...*inventory.Envelope) {
	t.Helper()
	for _, e := range es {
		_, err := js.PublishMsg(t.Context(), collectortest.Msg(e))
		must(t, err)
	}
}

// madeFleet is n gateways with one report each.
func madeFleet(t testing.TB, n int) (gateways []*collectortest.Gateway, reports []*inventory.Envelope) {
	for i := range n {
		g := collectortest.NewGateway(store3(i))
		gateways = append(gateways, g)
		reports = append(reports, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei(i))))
	}
	return gateways, reports
}

func store3(i int) string {
	return "gw-" + string(rune('a'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
}

func imei(i int) string {
	digits := []byte("867012040000000")
	for k := 13; i > 0; k, i = k-1, i/10 {
		digits[k] += byte(i % 10)
	}
	return string(digits)
}

func wantGateways(t testing.TB, s store.Store, n int) {
	t.Helper()
	natslinktest.Eventually(t, "all gateways are stored", func() bool {
		f, err := s.Figures(t.Context())
		return err == nil && f.Gateways == n && f.Modules == n
	})
}

// idle waits until the consumer of the store has nothing open. Counts of what is open do
// not tell by themselves: they are 0 for a moment, too, while the server makes a consumer.
func idle(t testing.TB, srv *natslinktest.Server, s store.Store) {
	t.Helper()
	identity, err := s.Identity(t.Context())
	must(t, err)
	js := srv.JetStream(natslinktest.User{})
	natslinktest.Eventually(t, "everything is acknowledged", func() bool {
		stream, err := js.Stream(t.Context(), "ROLLCALL")
		if err != nil {
			return false
		}
		c, err := stream.Consumer(t.Context(), ConsumerName(identity))
		if err != nil {
			return false
		}
		begun := c.CachedInfo().Delivered.Consumer > 0 || stream.CachedInfo().State.Msgs == 0
		return begun && c.CachedInfo().NumPending == 0 && c.CachedInfo().NumAckPending == 0
	})
}

func TestCollectsAndTells(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s := openStore(t)
	js := srv.JetStream(natslinktest.User{})
	r := start(t, srv, s)
	natslinktest.Eventually(t, "it is ready", func() bool { return r.ready(t.Context()) == nil })
	gs, reports := madeFleet(t, 20)
	publish(t, js, reports...)
	wantGateways(t, s, 20)
	publish(t, js, gs[3].Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(3))))
	idle(t, srv, s)
	// Events go out, each with an id of its own.
	var events jetstream.Stream
	natslinktest.Eventually(t, "events are published", func() bool {
		var err error
		events, err = js.Stream(t.Context(), EventStream)
		return err == nil && events.CachedInfo().State.Msgs == 21
	})
	m, err := events.GetLastMsgForSubject(t.Context(), EventSubject(store.FirmwareChanged, gs[3].ID))
	must(t, err)
	if m.Header.Get(nats.MsgIdHdr) == "" {
		t.Error("an event without an id")
	}
	must(t, r.stop())
}

// D07: an outage longer than the duplicate window stores a message twice; it shows once.
func TestD07StoredTwiceShownOnce(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s := openStore(t)
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 100*time.Millisecond)
	_, reports := madeFleet(t, 3)
	publish(t, js, reports...)
	natslinktest.Eventually(t, "the broker forgets ids", func() bool {
		publish(t, js, reports...)
		return len(natslinktest.Messages(t, js)) >= 2*len(reports)
	})
	start(t, srv, s)
	wantGateways(t, s, 3)
	idle(t, srv, s)
	d := dump(t, s)
	if len(d.Reports) != 3 || len(d.Events) != 3 || len(d.Modules) != 3 {
		t.Errorf("%d reports, %d events, %d modules of 3 reports stored twice", len(d.Reports), len(d.Events), len(d.Modules))
	}
}

// D14: the server comes back with an empty store, and a report that it had acknowledged is
// gone. The next heartbeat names findings that are not known here, and the collector asks.
func TestD14EmptyServerHeals(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s := openStore(t)
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	g := collectortest.NewGateway("gw-1")
	start(t, srv, s)
	publish(t, js, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei(1))))
	wantGateways(t, s, 1)
	idle(t, srv, s)
	lost := g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(1)))
	srv.SwapStore()
	// The agent, which answers requests and goes on with heartbeats.
	agent := srv.JetStream(natslinktest.User{})
	asked := make(chan struct{}, 10)
	_, err := agent.Conn().Subscribe("rollcall.v1.scan.gw-1", func(m *nats.Msg) {
		asked <- struct{}{}
		_ = m.Respond([]byte("{}"))
	})
	must(t, err)
	natslinktest.Eventually(t, "the collector makes the stream anew and hears the heartbeat", func() bool {
		_, err := agent.PublishMsg(t.Context(), collectortest.Msg(g.Heartbeat(t, collectortest.Digest(t, lost))))
		if err != nil {
			return false
		}
		select {
		case <-asked:
			return true
		case <-time.After(200 * time.Millisecond):
			return false
		}
	})
	publish(t, agent, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(1))))
	natslinktest.Eventually(t, "the full picture is back", func() bool {
		m, err := s.Module(t.Context(), store.ModuleKey{Gateway: "gw-1", ID: "usb:1-1"})
		return err == nil && m.Identity.Firmware == "R2"
	})
	before := len(asked)
	publish(t, agent, g.Heartbeat(t, collectortest.Digest(t, lost)))
	idle(t, srv, s)
	if len(asked) != before {
		t.Error("asked again for findings that are known")
	}
}

// E06: a stream in which one gateway could wipe out the others is refused, with the reason.
func TestE06DangerousStream(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	js := srv.JetStream(natslinktest.User{})
	_, err := js.CreateStream(t.Context(), jetstream.StreamConfig{Name: "ROLLCALL", AllowRollup: true,
		Subjects: []string{"rollcall.v1.report.*", "rollcall.v1.heartbeat.*"}, MaxMsgSize: 1 << 20})
	must(t, err)
	r := start(t, srv, openStore(t))
	select {
	case err = <-r.done:
		r.done <- err
	case <-time.After(natslinktest.Patience):
		t.Fatal("it works with a stream in which one gateway could wipe out the others")
	}
	if err == nil || !strings.Contains(err.Error(), "rollups are allowed") {
		t.Errorf("Run returned %v", err)
	}
}

// G03: a message that cannot be stored goes aside after three tries, and the rest flows.
func TestG03Poison(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s := &poisoned{Store: openStore(t), gateway: store3(7)}
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	_, reports := madeFleet(t, 30)
	bad := collectortest.NewGateway("gw-panic")
	publish(t, js, append(reports, bad.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "BOOM", "R1", "")))...)
	start(t, srv, s, func(c *collector) { c.know.Set(&collectortest.Base{Data: "test-1", Panic: "BOOM"}, nil) })
	wantGateways(t, s, 29)
	idle(t, srv, s)
	l, err := s.Rejected(t.Context(), store.Page{})
	must(t, err)
	if len(l.Items) != 2 || l.Items[0].Reason != string(Poison) || l.Items[1].Reason != string(Poison) {
		t.Errorf("put aside: %+v", l.Items)
	}
	if s.tries < poisonTries {
		t.Errorf("tried %d times, want at least %d", s.tries, poisonTries)
	}
}

// poisoned is a store that cannot store one gateway.
type poisoned struct {
	store.Store
	gateway string
	tries   int
}

func (p *poisoned) Update(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	if slices.Contains(gateways, p.gateway) {
		if len(gateways) == 1 {
			p.tries++
		}
		return errPoison
	}
	return p.Store.Update(ctx, gateways, fn)
}

func (p *poisoned) UpdateBriefly(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	return p.Update(ctx, gateways, fn)
}
