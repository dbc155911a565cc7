package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/nats-io/nats.go"

	"github.com/nats-io/nats.go/jetstream"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/postgres/postgrestest"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

var errPoison = errors.New("this row cannot be stored")

// childEnv tells the test binary to be a collector instead: "<url> <path of the store>".
const childEnv = "ROLLCALL_TEST_COLLECTOR"

func TestMain(m *testing.M) {
	if v := os.Getenv(childEnv); v != "" {
		if err := child(v); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(v string) error {
	var url, path string
	if _, err := fmt.Sscan(v, &url, &path); err != nil {
		return err
	}
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	nc, err := nats.Connect(url, nats.MaxReconnects(-1))
	if err != nil {
		return err
	}
	defer nc.Close()
	s, err := sqlite.Open(ctx, path)
	if err != nil {
		return err
	}
	c, err := newCollector(Settings{Conn: nc, Store: s, Base: &collectortest.Base{Data: "test-1"}, Batch: 20})
	if err != nil {
		return err
	}
	c.ackWait = time.Second
	return errors.Join(c.run(ctx), s.Close())
}

// G02: a collector that dies between storing and acknowledging gets the messages again, and
// shows them once.
func TestG02DiesBeforeAcknowledging(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s := &mortal{Store: openStore(t)}
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	_, reports := madeFleet(t, 50)
	publish(t, js, reports...)
	r := start(t, srv, s)
	s.kill.Store(&r.end)
	natslinktest.Eventually(t, "it stored and died", func() bool { return s.died.Load() })
	must(t, r.stop())
	stored := dump(t, s.Store)
	if len(stored.Gateways) == 0 {
		t.Fatal("nothing was stored before it died")
	}
	s.kill.Store(nil)
	start(t, srv, s)
	wantGateways(t, s, 50)
	idle(t, srv, s)
	want := openStore(t)
	direct(t, want, srv, nil)
	if d := cmp.Diff(dump(t, want), dump(t, s.Store), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the table differs from one without a death (-without +with):\n%s", d)
	}
}

// mortal stores, and then has its collector end before it acknowledges.
type mortal struct {
	store.Store
	kill atomic.Pointer[context.CancelFunc]
	died atomic.Bool
}

func (m *mortal) Update(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	return m.die(m.Store.Update(ctx, gateways, fn), gateways)
}

func (m *mortal) UpdateBriefly(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	return m.die(m.Store.UpdateBriefly(ctx, gateways, fn), gateways)
}

func (m *mortal) die(err error, gateways []string) error {
	if end := m.kill.Load(); err == nil && end != nil && len(gateways) > 0 {
		m.died.Store(true)
		(*end)()
		return fmt.Errorf("the process is dead: %w", store.ErrFull) // no acknowledgement follows
	}
	return err
}

// direct stores what the stream holds, message by message, without a collector.
func direct(t *testing.T, s store.Store, srv *natslinktest.Server, p *policy.Policy) {
	t.Helper()
	b := newBench(t, s, nil)
	b.know.Set(nil, p)
	for _, m := range natslinktest.Messages(t, srv.JetStream(natslinktest.User{})) {
		b.takeMessages(message{subject: m.Subject, header: m.Header, body: m.Data, received: m.Time, sequence: m.Sequence, tries: 1})
	}
}

// G02, with real processes: killed at random under load, again and again, nothing is lost
// and nothing doubled.
func TestG02KilledUnderLoad(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	path := filepath.Join(t.TempDir(), "rollcall.db")
	gs, reports := madeFleet(t, 300)
	publish(t, js, reports...)
	for round := range 4 {
		before := acknowledged(t, js)
		cmd := exec.Command(os.Args[0], "-test.run=^$")
		cmd.Env = append(os.Environ(), childEnv+"="+srv.URL()+" "+path)
		cmd.Stderr = os.Stderr
		must(t, cmd.Start())
		// Load until it is in the midst of its work, and is killed in it.
		for i := 0; acknowledged(t, js) <= before; i++ {
			g := gs[i%len(gs)]
			publish(t, js, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", fmt.Sprint("R", round+2), imei(i%len(gs)))))
			if i >= len(gs) {
				time.Sleep(5 * time.Millisecond) // it takes its time to start
			}
			if i > 20_000 {
				t.Fatal("the child acknowledges nothing")
			}
		}
		must(t, cmd.Process.Kill())
		_ = cmd.Wait()
	}
	s := openStoreAt(t, path)
	start(t, srv, s)
	idle(t, srv, s)
	want := openStore(t)
	direct(t, want, srv, nil)
	if d := cmp.Diff(dump(t, want), dump(t, s), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the table differs from one that nobody killed (-calm +killed):\n%s", d)
	}
}

// acknowledged is how far the collectors of the stream have come.
func acknowledged(t *testing.T, js jetstream.JetStream) (floor uint64) {
	t.Helper()
	stream, err := js.Stream(t.Context(), natslink.Stream)
	must(t, err)
	all := stream.ListConsumers(t.Context())
	for c := range all.Info() {
		floor = max(floor, c.AckFloor.Stream)
	}
	must(t, all.Err())
	return floor
}

// G06: while the disk is full nothing is acknowledged, readiness says so, and it goes on by
// itself.
func TestG06DiskFull(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	s := &full{Store: openStore(t)}
	s.on.Store(true)
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	_, reports := madeFleet(t, 40)
	publish(t, js, reports...)
	var log lines
	r := start(t, srv, s, func(c *collector) { c.s.Log = slog.New(slog.NewTextHandler(&log, nil)) })
	natslinktest.Eventually(t, "readiness names the full disk", func() bool { return errors.Is(r.ready(t.Context()), store.ErrFull) })
	natslinktest.Eventually(t, "it tries again", func() bool { return s.tries.Load() >= 3 })
	identity, err := s.Identity(t.Context())
	must(t, err)
	c, err := js.Consumer(t.Context(), "ROLLCALL", ConsumerName(identity))
	must(t, err)
	if n := c.CachedInfo().AckFloor.Stream; n != 0 {
		t.Fatalf("acknowledged up to %d with a full disk", n)
	}
	s.on.Store(false)
	wantGateways(t, s, 40)
	idle(t, srv, s)
	natslinktest.Eventually(t, "it is ready again", func() bool { return r.ready(t.Context()) == nil })
	if !log.has("cannot store; trying again") || !log.has("storing again") {
		t.Error("the log does not say that it could not store, and that it does again")
	}
}

// lines is a log that is read while it is written.
type lines struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *lines) Write(b []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(b)
}

func (l *lines) has(text string) bool { return strings.Contains(l.String(), text) }

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func (l *lines) reset() {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.b.Reset()
}

// full is a store whose disk is full while it is on.
type full struct {
	store.Store
	on    atomic.Bool
	tries atomic.Int64
}

func (f *full) Update(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	if f.on.Load() {
		f.tries.Add(1)
		return store.ErrFull
	}
	return f.Store.Update(ctx, gateways, fn)
}

func (f *full) UpdateBriefly(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	return f.Update(ctx, gateways, fn)
}

// G07: two collectors on one consumer and one store lead to the same table as one, though
// one of them is slow and stores what the other has overtaken.
func TestG07TwoCollectors(t *testing.T) {
	s := openStore(t)
	twoCollectors(t, s, s)
}

// G07, where each collector has its own connections to a shared server.
func TestG07TwoCollectorsOnPostgres(t *testing.T) {
	srv := postgrestest.Start(t)
	address := srv.Database(t)
	var stores []store.Store
	for range 2 {
		s, err := OpenStore(t.Context(), address)
		must(t, err)
		t.Cleanup(func() { _ = s.Close() })
		stores = append(stores, s)
	}
	twoCollectors(t, stores[0], stores[1])
}

func twoCollectors(t *testing.T, a, b store.Store) {
	t.Helper()
	srv := natslinktest.Start(t, natslinktest.Settings{})
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	gs, reports := madeFleet(t, 6)
	publish(t, js, reports...)
	for round := range 40 {
		for i, g := range gs {
			publish(t, js, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", fmt.Sprint("R", round+2), imei(i))))
		}
	}
	s := &slow{Store: a}
	p := collectortest.Policy(t)
	few := func(c *collector) {
		c.s.Batch = 3
		c.know.Set(nil, p)
	}
	start(t, srv, s, few)
	start(t, srv, b, few)
	wantGateways(t, s, 6)
	idle(t, srv, s)
	if s.late.Load() == 0 {
		t.Fatal("the slow collector stored nothing")
	}
	want := openStore(t)
	direct(t, want, srv, p)
	if d := cmp.Diff(dump(t, want), dump(t, a), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the table differs from that of one collector (-one +two):\n%s", d)
	}
}

// slow is a store that another collector overtakes.
type slow struct {
	store.Store
	late atomic.Int64
}

func (s *slow) Update(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	if len(gateways) > 0 {
		s.late.Add(1)
		time.Sleep(20 * time.Millisecond)
	}
	return s.Store.Update(ctx, gateways, fn)
}

func (s *slow) UpdateBriefly(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	if len(gateways) > 0 {
		s.late.Add(1)
		time.Sleep(20 * time.Millisecond)
	}
	return s.Store.UpdateBriefly(ctx, gateways, fn)
}

// G08: a lost database is rebuilt from the stream, equal to before.
func TestG08DatabaseLost(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	publish(t, js, six(t)...)
	_, reports := madeFleet(t, 40)
	publish(t, js, reports...)
	stranger := collectortest.NewGateway("gw-1")
	stranger.Key = collectortest.NewGateway("somebody").Key
	publish(t, js, stranger.Report(t))
	judging := func(c *collector) { c.know.Set(nil, collectortest.Policy(t)) }
	before := openStore(t)
	r := start(t, srv, before, judging)
	idle(t, srv, before)
	must(t, r.stop())
	after := openStore(t) // an empty one in its place
	start(t, srv, after, judging)
	idle(t, srv, after)
	if n := len(dump(t, after).Findings); n < 80 {
		t.Errorf("%d findings, want two or more of each gateway", n)
	}
	if d := cmp.Diff(dump(t, before), dump(t, after), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the rebuilt table differs (-before +rebuilt):\n%s", d)
	}
	if n := len(dump(t, after).Gateways); n != 41 {
		t.Errorf("rebuilt %d gateways, want 41", n)
	}
}
