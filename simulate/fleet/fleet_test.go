package fleet_test

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate/fleet"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

func base(t testing.TB) *fingerprint.Base {
	t.Helper()
	b, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return b
}

func newFleet(t testing.TB, s fleet.Settings) *fleet.Fleet {
	t.Helper()
	s.Base = base(t)
	if s.Now == nil {
		s.Now = func() time.Time { return time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC) }
	}
	f, err := fleet.New(s)
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// messages makes rounds messages of each of n gateways.
func messages(t testing.TB, f *fleet.Fleet, n, rounds int) []*inventory.Envelope {
	t.Helper()
	var es []*inventory.Envelope
	for range rounds {
		for i := range n {
			e, err := f.Next(i)
			if err != nil {
				t.Fatal(err)
			}
			es = append(es, e)
		}
	}
	return es
}

func TestAllFollowsFromSeedAndBoot(t *testing.T) {
	s := fleet.Settings{Gateways: 50, Seed: 7, Boot: 3, Change: 0.5, Heartbeats: true}
	a, b := messages(t, newFleet(t, s), 50, 4), messages(t, newFleet(t, s), 50, 4)
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("two fleets of one seed and boot differ:\n%s", diff)
	}
	s.Boot = 4
	c := messages(t, newFleet(t, s), 50, 1)
	s.Seed, s.Boot = 8, 3
	d := messages(t, newFleet(t, s), 50, 1)
	for i := range c {
		if !c[i].Key.Equal(a[i].Key) || c[i].ID == a[i].ID {
			t.Errorf("gateway %d: another boot has another key, or the same ids", i)
		}
		if d[i].Key.Equal(a[i].Key) || d[i].ID == a[i].ID {
			t.Errorf("gateway %d: another seed has the same key or ids", i)
		}
	}
}

// Each report is what an agent would send: canonical, signed, with the verdict that the
// fingerprints give on its transcripts; each heartbeat tells of the report before it.
func TestMessagesAreAnAgents(t *testing.T) {
	f := newFleet(t, fleet.Settings{Gateways: 300, Seed: 1, Boot: 1, Change: 0.3, Heartbeats: true})
	digests, imeis, judged := map[string]string{}, map[string]string{}, base(t)
	changes, beats := 0, 0
	for _, e := range messages(t, f, 300, 5) {
		if err := e.Verify(); err != nil {
			t.Fatal(err)
		}
		if e.Kind == inventory.KindHeartbeat {
			beats++
			h, err := inventory.DecodeHeartbeat(e.Body)
			if err != nil || h.Digest != digests[e.Gateway] || h.Order != e.Order || h.ID != e.ID || h.Gateway != e.Gateway {
				t.Fatalf("heartbeat %s, want digest %s: %v", e.Body, digests[e.Gateway], err)
			}
			continue
		}
		r, err := inventory.DecodeReport(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		if again, err := r.Encode(); err != nil || !bytes.Equal(again, e.Body) {
			t.Fatalf("not canonical (%v):\n%s\n%s", err, e.Body, again)
		}
		if r.Order != e.Order || r.ID != e.ID || r.Gateway.ID != e.Gateway || len(r.Modules) != 1 {
			t.Fatalf("the envelope says otherwise than the report: %s", e.Body)
		}
		m := r.Modules[0]
		v := judged.Identify(fingerprint.Observation{Transcript: m.Transcript, Banner: m.Banner, USB: m.Device})
		if v.Identity.IMEI != m.Identity.IMEI || v.Identity.Firmware != m.Identity.Firmware || v.Identity.Model != m.Identity.Model {
			t.Fatalf("reported %+v, judged %+v", m.Identity, v.Identity)
		}
		if was, taken := imeis[m.Identity.IMEI]; taken && was != e.Gateway && m.Identity.IMEI != "" && r.Reason == inventory.ReasonStart {
			t.Errorf("%s and %s have the same IMEI %s", was, e.Gateway, m.Identity.IMEI)
		}
		imeis[m.Identity.IMEI] = e.Gateway
		d, err := r.Digest()
		if err != nil {
			t.Fatal(err)
		}
		if was := digests[e.Gateway]; (was != "" && was != d) != (r.Reason == inventory.ReasonChange) {
			t.Errorf("a report for reason %q: digest was %s, is %s", r.Reason, was, d)
		}
		if r.Reason == inventory.ReasonChange {
			changes++
		}
		digests[e.Gateway] = d
	}
	if later := changes + beats; later != 1200 || changes < later/5 || changes > later*2/5 {
		t.Errorf("%d changes and %d heartbeats, want about 0.3 of 1200 to be changes", changes, beats)
	}
	if len(imeis) < 200 {
		t.Errorf("only %d IMEIs", len(imeis))
	}
}

func TestSettingsAreChecked(t *testing.T) {
	for _, s := range []fleet.Settings{{}, {Gateways: 1}, {Gateways: -1, Base: base(t)}, {Gateways: 1, Base: base(t), Change: 1.1}} {
		if _, err := fleet.New(s); err == nil {
			t.Errorf("New(%+v) took it", s)
		}
	}
}

// A broker that goes away and comes back in the middle loses nothing and has nothing twice.
func TestBrokerRestarts(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	var mu sync.Mutex
	want := map[string]bool{}
	half := make(chan struct{})
	load := fleet.Load{Duration: time.Second, Published: func(e *inventory.Envelope) {
		mu.Lock()
		defer mu.Unlock()
		if want[e.ID] = true; len(want) == 300 {
			close(half)
		}
	}}
	for range 3 {
		nc, err := nats.Connect(srv.URL(), nats.MaxReconnects(-1), nats.ReconnectWait(20*time.Millisecond), nats.ReconnectBufSize(-1),
			nats.ErrorHandler(func(*nats.Conn, *nats.Subscription, error) {})) // that it was lost is known
		if err != nil {
			t.Fatal(err)
		}
		defer nc.Close()
		load.Conns = append(load.Conns, nc)
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		<-half
		srv.Restart()
	}()
	figures, err := newFleet(t, fleet.Settings{Gateways: 500, Seed: 3, Boot: 1}).Run(t.Context(), load)
	<-done
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]int{}
	for _, m := range natslinktest.Messages(t, js) {
		got[m.Header.Get(nats.MsgIdHdr)]++
	}
	for id, n := range got {
		if n != 1 || !want[id] {
			t.Errorf("message %s is in the stream %d times; published: %v", id, n, want[id])
		}
	}
	if len(got) != len(want) || int64(len(want)) != figures.Reports || figures.Acknowledged != figures.Reports || figures.Lost != 0 {
		t.Errorf("published %d, in the stream %d: %+v", len(want), len(got), figures)
	}
}

// Without a stream nothing is taken; that is an error that says so, in bounded time.
func TestNobodyTakesIt(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	nc, err := nats.Connect(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	f := newFleet(t, fleet.Settings{Gateways: 10, Boot: 1})
	figures, err := f.Run(t.Context(), fleet.Load{Conns: []*nats.Conn{nc}, Patience: 300 * time.Millisecond})
	if err == nil || figures.Lost == 0 || figures.Acknowledged != 0 {
		t.Errorf("error %v, figures %+v", err, figures)
	}
}

func TestRateAndEnd(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	natslinktest.MakeStream(t, srv.JetStream(natslinktest.User{}), 0)
	nc, err := nats.Connect(srv.URL())
	if err != nil {
		t.Fatal(err)
	}
	defer nc.Close()
	f := newFleet(t, fleet.Settings{Gateways: 1_000_000, Boot: 1})
	ctx, cancel := context.WithTimeout(t.Context(), time.Second)
	defer cancel()
	figures, err := f.Run(ctx, fleet.Load{Conns: []*nats.Conn{nc}, Rate: 100})
	if err != nil {
		t.Fatal(err)
	}
	if figures.Reports == 0 || figures.Reports > 105 || figures.Acknowledged != figures.Reports {
		t.Errorf("100 a second, for a second: %+v", figures)
	}
	if !(figures.P50 <= figures.P90 && figures.P90 <= figures.P99 && figures.P99 <= figures.Max) {
		t.Errorf("times do not rise: %+v", figures)
	}
}

// What making and signing one message costs.
func BenchmarkNext(b *testing.B) {
	f := newFleet(b, fleet.Settings{Gateways: 1000, Boot: 1})
	for i := range b.N {
		if _, err := f.Next(i % 1000); err != nil {
			b.Fatal(err)
		}
	}
}
