package natslink_test

import (
	"bytes"
	"context"
	"crypto/ed25519"
	"errors"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

func TestMain(m *testing.M) {
	natslinktest.ServeIfChild()
	os.Exit(m.Run())
}

var key = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{5}, ed25519.SeedSize))

func report(gateway string, boot, seq uint64) *inventory.Envelope {
	r := &inventory.Report{ID: inventory.NewID(), Gateway: inventory.Gateway{ID: gateway}, Order: inventory.Order{Boot: boot, Seq: seq}}
	e, err := inventory.SealReport(r, key)
	if err != nil {
		panic(err)
	}
	return e
}

func connect(t *testing.T, s natslink.Settings) *natslink.Link {
	t.Helper()
	if s.MaxWait == 0 {
		s.MaxWait = 200 * time.Millisecond
	}
	if s.Gateway == "" {
		s.Gateway = "gw1"
	}
	l, err := natslink.Connect(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(l.Close)
	return l
}

func connected(t *testing.T, l *natslink.Link) {
	t.Helper()
	natslinktest.Eventually(t, "the link is up", l.Connected)
}

func openSpool(t *testing.T) *spool.Spool {
	t.Helper()
	s, err := spool.Open(t.TempDir(), spool.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t *testing.T, s *spool.Spool, es ...*inventory.Envelope) {
	t.Helper()
	for _, e := range es {
		if err := s.Put(e); err != nil {
			t.Fatal(err)
		}
	}
}

// ledger notes what was delivered.
type ledger struct {
	mu       sync.Mutex
	receipts map[string]natslink.Receipt
}

func (l *ledger) note(e *inventory.Envelope, r natslink.Receipt) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.receipts[e.ID] = r
}

func (l *ledger) has(id string) bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	_, ok := l.receipts[id]
	return ok
}

// send runs a sender over store and link until the test ends.
func send(t *testing.T, store natslink.Store, link natslink.Publisher, up <-chan struct{}) (*natslink.Sender, *ledger) {
	t.Helper()
	l := &ledger{receipts: map[string]natslink.Receipt{}}
	s := natslink.NewSender(natslink.SenderSettings{Store: store, Link: link, Up: up, Boot: 1, Delivered: l.note,
		FirstWait: 20 * time.Millisecond, MaxWait: 200 * time.Millisecond, SlowWait: 300 * time.Millisecond})
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() { s.Run(ctx) })
	t.Cleanup(func() { cancel(); wg.Wait() })
	return s, l
}

func kind(t *testing.T, err error) natslink.Kind {
	t.Helper()
	var p *natslink.PublishError
	if !errors.As(err, &p) {
		t.Fatalf("error %v is no *PublishError", err)
	}
	return p.Kind
}

func codes(ws []inventory.Warning) (c []string) {
	for _, w := range ws {
		c = append(c, w.Code)
	}
	return c
}

func stored(t *testing.T, js jetstream.JetStream) map[string]int {
	t.Helper()
	n := map[string]int{}
	for _, m := range natslinktest.Messages(t, js) {
		n[m.Header.Get(nats.MsgIdHdr)]++
	}
	return n
}

func TestMessageRoundTrip(t *testing.T) {
	e := report("gw-7", 1, 2)
	m := natslink.ToMsg(e)
	if m.Subject != "rollcall.v1.report.gw-7" || m.Header.Get("Nats-Msg-Id") != e.ID {
		t.Errorf("subject %q, headers %v", m.Subject, m.Header)
	}
	got, err := natslink.FromMsg(m.Subject, m.Header, m.Data)
	if err != nil {
		t.Fatal(err)
	}
	want := *e
	want.Order = inventory.Order{}
	if d := cmp.Diff(&want, got); d != "" {
		t.Errorf("(-want +got):\n%s", d)
	}
	if err := got.Verify(); err != nil {
		t.Error(err)
	}
}

func TestFromMsgRefuses(t *testing.T) {
	good := natslink.ToMsg(report("gw", 1, 1))
	with := func(name, value string) nats.Header {
		h := nats.Header{}
		for k, v := range good.Header {
			h[k] = v
		}
		h.Set(name, value)
		return h
	}
	for name, c := range map[string]struct {
		subject string
		h       nats.Header
		body    []byte
	}{
		"another subject":    {"rollcall.v1.event.gw", good.Header, good.Data},
		"no gateway":         {"rollcall.v1.report", good.Header, good.Data},
		"gateway of two":     {"rollcall.v1.report.a.b", good.Header, good.Data},
		"foreign":            {"weather", good.Header, good.Data},
		"no headers":         {good.Subject, nil, good.Data},
		"bad key":            {good.Subject, with(natslink.HeaderKey, "x"), good.Data},
		"bad signature text": {good.Subject, with(natslink.HeaderSignature, "!"), good.Data},
		"too large":          {good.Subject, good.Header, make([]byte, inventory.MaxReportBytes+1)},
	} {
		if e, err := natslink.FromMsg(c.subject, c.h, c.body); err == nil || e != nil {
			t.Errorf("%s: %v, %v", name, e, err)
		}
	}
}

func TestPublish(t *testing.T) {
	sv := natslinktest.Start(t, natslinktest.Settings{})
	js := sv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	l := connect(t, natslink.Settings{URLs: []string{sv.URL()}})
	e := report("gw1", 1, 1)
	r, err := l.Publish(t.Context(), e)
	if err != nil || r != (natslink.Receipt{Stream: "ROLLCALL", Sequence: 1}) {
		t.Fatalf("%+v, %v", r, err)
	}
	if r, err = l.Publish(t.Context(), e); err != nil || !r.Duplicate || r.Sequence != 1 {
		t.Errorf("again: %+v, %v", r, err)
	}
	got := natslinktest.Messages(t, js)
	if len(got) != 1 || !bytes.Equal(got[0].Data, e.Body) {
		t.Errorf("stored: %v", got)
	}
	if h := l.Health(); len(h) != 0 {
		t.Errorf("health: %v", h)
	}
}

func TestConnectRefusesSettings(t *testing.T) {
	for name, s := range map[string]natslink.Settings{
		"no URL":      {},
		"bad gateway": {URLs: []string{"nats://127.0.0.1:1"}, Gateway: "a.b"},
		"no creds":    {URLs: []string{"nats://127.0.0.1:1"}, CredsFile: filepath.Join(t.TempDir(), "none")},
		"no CA":       {URLs: []string{"nats://127.0.0.1:1"}, NKeyFile: filepath.Join(t.TempDir(), "none")},
	} {
		if l, err := natslink.Connect(t.Context(), s); err == nil {
			l.Close()
			t.Errorf("%s: connected", name)
		}
	}
}

// TestD13: credentials that others may read are refused, with the path and the mode.
func TestD13(t *testing.T) {
	path := filepath.Join(t.TempDir(), "gw.creds")
	for mode, ok := range map[os.FileMode]bool{0o600: true, 0o400: true, 0o440: true, 0o644: false, 0o660: false, 0o604: false} {
		if err := os.WriteFile(path, []byte("x"), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		l, err := natslink.Connect(t.Context(), natslink.Settings{URLs: []string{"nats://127.0.0.1:1"}, CredsFile: path})
		if err == nil {
			l.Close()
		}
		if (err == nil) != ok {
			t.Errorf("mode %04o: %v", mode, err)
		}
	}
}

func BenchmarkPublish(b *testing.B) {
	for name, sync := range map[string]bool{"sync=default": false, "sync=always": true} {
		b.Run(name, func(b *testing.B) {
			sv := natslinktest.Start(b, natslinktest.Settings{SyncAlways: sync})
			natslinktest.MakeStream(b, sv.JetStream(natslinktest.User{}), 0)
			l, err := natslink.Connect(b.Context(), natslink.Settings{URLs: []string{sv.URL()}, Gateway: "gw1"})
			if err != nil {
				b.Fatal(err)
			}
			defer l.Close()
			for seq := uint64(1); b.Loop(); seq++ {
				if _, err := l.Publish(b.Context(), report("gw1", 1, seq)); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
