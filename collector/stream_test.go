package collector

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// A broker whose store is full goes on taking reports where the stream is bounded: the oldest
// go. Without a bound it would refuse all new ones until the old have aged.
func TestBoundedStreamTakesNewReports(t *testing.T) {
	const room = 4 << 20
	for name, bound := range map[string]int64{"bounded": room * 3 / 4, "without a bound": 0} {
		t.Run(name, func(t *testing.T) {
			srv, err := server.NewServer(&server.Options{Host: "127.0.0.1", Port: -1, JetStream: true, StoreDir: t.TempDir(), JetStreamMaxStore: room, NoSigs: true, NoLog: true})
			must(t, err)
			go srv.Start()
			t.Cleanup(srv.Shutdown)
			if !srv.ReadyForConnections(natslinktest.Patience) {
				t.Fatal("the server does not start")
			}
			nc, err := nats.Connect(srv.ClientURL())
			must(t, err)
			t.Cleanup(nc.Close)
			c, err := newCollector(Settings{Conn: nc, Store: collectortest.Store(t), Base: &collectortest.Base{Data: "1"}, StreamBytes: bound})
			must(t, err)
			_, err = c.consumer(t.Context())
			must(t, err)
			refused := 0
			for i := range 2 * room / 32_000 {
				m := nats.NewMsg(natslink.Subject("report", fmt.Sprintf("gw-%d", i)))
				m.Data = make([]byte, 32_000)
				if _, err := c.js.PublishMsg(t.Context(), m, jetstream.WithRetryAttempts(0)); err != nil {
					refused++
				}
			}
			if (refused == 0) != (bound > 0) {
				t.Errorf("%d messages were refused", refused)
			}
		})
	}
}

// A stream that was there already stays as it is; what of it is not as configured, and what it keeps
// less of, is told once, with the command that mends it. One that forgets what was acknowledged is refused.
func TestStreamThatIsThere(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	nc, err := nats.Connect(srv.URL())
	must(t, err)
	t.Cleanup(nc.Close)
	var log bytes.Buffer
	c, err := newCollector(Settings{Conn: nc, Store: collectortest.Store(t), Base: &collectortest.Base{Data: "1"}, StreamBytes: 5 << 30, Replicas: 3,
		Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	there := natslink.StreamConfig()
	there.MaxMsgsPerSubject, there.MaxAge, there.Replicas = 7, time.Hour, 1
	there.Duplicates = time.Minute
	_, err = c.js.CreateStream(t.Context(), there)
	must(t, err)
	for range 2 {
		if _, err := c.consumer(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	for _, want := range []string{"kept by 1 of 3 servers: nats stream edit ROLLCALL --replicas 3", "it has no bound, and not 5368709120 bytes: nats stream edit ROLLCALL --max-bytes 5368709120",
		"7 messages of each gateway and kind instead of 1000", "1h0m0s instead of 720h0m0s", "ids for 1m0s"} {
		if strings.Count(log.String(), want) != 1 {
			t.Errorf("the log does not say %q once:\n%s", want, &log)
		}
	}
	if strings.Count(log.String(), "level=WARN") != 1 || strings.Count(log.String(), "level=INFO") != 1 {
		t.Errorf("the log says:\n%s", &log)
	}
	now, err := c.js.Stream(t.Context(), there.Name)
	must(t, err)
	if got := now.CachedInfo().Config; got.MaxMsgsPerSubject != 7 || got.MaxAge != time.Hour {
		t.Errorf("the stream was changed: %+v", got)
	}
	for _, way := range []jetstream.RetentionPolicy{jetstream.WorkQueuePolicy, jetstream.InterestPolicy} {
		other := natslink.StreamConfig()
		other.Retention = way
		var dangerous *natslink.StreamError
		if err := c.compareStream(other, natslink.StreamConfig()); !errors.As(err, &dangerous) || !strings.Contains(err.Error(), "acknowledged") {
			t.Errorf("a stream of retention %s: %v", way, err)
		}
	}
}

// A stream that the broker does not make as asked for is an error that names the option.
func TestStreamThatCannotBeMade(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	nc, err := nats.Connect(srv.URL())
	must(t, err)
	t.Cleanup(nc.Close)
	for want, s := range map[string]Settings{"stream_replicas asks for 3 servers": {Replicas: 3}, "stream_max_bytes": {StreamBytes: 1 << 60}} {
		s.Conn, s.Store, s.Base = nc, collectortest.Store(t), &collectortest.Base{Data: "1"}
		c, err := newCollector(s)
		must(t, err)
		if _, err := c.consumer(t.Context()); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
}

// A stream that the collector makes is not told of.
func TestStreamThatIsMade(t *testing.T) {
	srv := natslinktest.Start(t, natslinktest.Settings{})
	nc, err := nats.Connect(srv.URL())
	must(t, err)
	t.Cleanup(nc.Close)
	var log bytes.Buffer
	c, err := newCollector(Settings{Conn: nc, Store: collectortest.Store(t), Base: &collectortest.Base{Data: "1"}, StreamBytes: 5 << 20, Log: slog.New(slog.NewTextHandler(&log, nil))})
	must(t, err)
	_, err = c.consumer(t.Context())
	must(t, err)
	if log.Len() > 0 {
		t.Errorf("the log says:\n%s", &log)
	}
}

// logged gives a collector that has not started, its broker's streams and what it logs.
func logged(t *testing.T, replicas int) (*collector, jetstream.JetStream, *lines) {
	t.Helper()
	srv := natslinktest.Start(t, natslinktest.Settings{})
	nc, err := nats.Connect(srv.URL())
	must(t, err)
	t.Cleanup(nc.Close)
	log := &lines{}
	c, err := newCollector(Settings{Conn: nc, Store: collectortest.Store(t), Base: &collectortest.Base{Data: "1"}, Replicas: replicas, Log: slog.New(slog.NewTextHandler(log, nil))})
	must(t, err)
	return c, srv.JetStream(natslinktest.User{}), log
}

// The streams that the collector writes into are looked at where they are there already: what of
// them is not as configured or would refuse events and letters is told once, with the command that
// mends it, and so is what they keep less of. Nothing in them is changed, nor are they made.
func TestWrittenStreamsThatAreThere(t *testing.T) {
	c, js, log := logged(t, 3)
	look := func(want jetstream.StreamConfig) string {
		t.Helper()
		log.reset()
		for range 2 { // what was told is not told again
			c.compareWritten(t.Context(), want)
		}
		return log.String()
	}
	for _, want := range []jetstream.StreamConfig{c.outbox.config(), c.dead.box.Config()} {
		if said := look(want); said != "" {
			t.Errorf("of a stream that is not there: %s", said)
		}
		if _, err := js.Stream(t.Context(), want.Name); !errors.Is(err, jetstream.ErrStreamNotFound) {
			t.Errorf("looking made %s: %v", want.Name, err)
		}
		there := jetstream.StreamConfig{Name: want.Name, Subjects: []string{"other." + want.Name}, Discard: jetstream.DiscardNew, Retention: jetstream.InterestPolicy,
			MaxAge: time.Hour, MaxMsgsPerSubject: 7, MaxMsgs: 70, MaxMsgSize: 2000, Duplicates: time.Minute, Storage: jetstream.MemoryStorage}
		_, err := js.CreateStream(t.Context(), there)
		must(t, err)
		_, err = js.Publish(t.Context(), there.Subjects[0], []byte("somebody's"))
		must(t, err)
		said := look(want)
		for _, text := range []string{
			"kept by 1 of 3 servers: nats stream edit " + want.Name + " --replicas 3",
			"no bound in bytes, and may leave no room for reports: nats stream edit " + want.Name + " --max-bytes " + fmt.Sprint(want.MaxBytes),
			"it does not listen on " + want.Subjects[0], "--subjects '" + there.Subjects[0] + "," + want.Subjects[0] + "'",
			"refuses what is new when it is full: nats stream edit " + want.Name + " --discard old",
			"it forgets what was acknowledged, or what nobody consumes: keep what it holds (nats stream backup " + want.Name,
			"1h0m0s instead of 720h0m0s", "7 messages of each subject", "70 messages in all", "no message over 2000 bytes", "ids for 1m0s", "in memory",
		} {
			if strings.Count(said, text) != 1 {
				t.Errorf("the log does not say %q once:\n%s", text, said)
			}
		}
		if strings.Count(said, "level=WARN") != 1 || strings.Count(said, "level=INFO") != 1 {
			t.Errorf("the log says:\n%s", said)
		}
		st, err := js.Stream(t.Context(), want.Name)
		must(t, err)
		if got := st.CachedInfo().Config; got.MaxMsgsPerSubject != 7 || got.Retention != jetstream.InterestPolicy || got.Subjects[0] != there.Subjects[0] || got.MaxBytes > 0 {
			t.Errorf("the stream was changed: %+v", got)
		}
	}
}

// Nothing is told of the streams that the collector makes.
func TestWrittenStreamsThatAreMade(t *testing.T) {
	for name, makes := range map[string]func(*collector) (jetstream.StreamConfig, error){
		"events": func(c *collector) (jetstream.StreamConfig, error) {
			return c.outbox.config(), c.outbox.stream(t.Context())
		},
		"dead letters": func(c *collector) (jetstream.StreamConfig, error) {
			return c.dead.box.Config(), c.dead.box.Put(t.Context(), deadletter.Letter{Reason: "a", Body: []byte("x")})
		},
	} {
		t.Run(name, func(t *testing.T) { // each with a broker of its own, which sets aside what a stream may have
			srv := natslinktest.Start(t, natslinktest.Settings{})
			nc, err := nats.Connect(srv.URL())
			must(t, err)
			t.Cleanup(nc.Close)
			log := &lines{}
			c, err := newCollector(Settings{Conn: nc, Store: collectortest.Store(t), Base: &collectortest.Base{Data: "1"}, Log: slog.New(slog.NewTextHandler(log, nil))})
			must(t, err)
			want, err := makes(c)
			must(t, err)
			if c.compareWritten(t.Context(), want); log.String() != "" {
				t.Errorf("the log says:\n%s", log)
			}
		})
	}
}

// A collector that starts looks at both.
func TestStartLooksAtWrittenStreams(t *testing.T) {
	c, js, log := logged(t, 1)
	for _, want := range []jetstream.StreamConfig{c.outbox.config(), c.dead.box.Config()} {
		want.MaxBytes = -1
		_, err := js.CreateStream(t.Context(), want)
		must(t, err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- c.run(ctx) }()
	natslinktest.Eventually(t, "both are told of", func() bool {
		said := log.String()
		return strings.Contains(said, "edit ROLLCALL_EVENTS --max-bytes") && strings.Contains(said, "edit ROLLCALL_DEAD --max-bytes")
	})
	cancel()
	must(t, <-ended)
}
