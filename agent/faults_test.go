package agent

import (
	"bytes"
	"context"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nkeys"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// wall is a clock that is set by hand, over one that goes by itself.
type wall struct {
	mu     sync.Mutex
	offset time.Duration
	synced bool
}

func (w *wall) set(to time.Time, synced bool) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset, w.synced = time.Until(to), synced
}

func (w *wall) step(by time.Duration) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.offset += by
}

func (w *wall) now() time.Time {
	w.mu.Lock()
	defer w.mu.Unlock()
	return time.Now().Add(w.offset).Round(0) // no monotonic reading, as after a step
}

func (w *wall) isSynced() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.synced
}

// ordered fails the test unless each envelope is newer than the one before, with an id of
// its own.
func ordered(t *testing.T, es []*inventory.Envelope) {
	t.Helper()
	ids := map[string]bool{}
	for i, e := range es {
		if ids[e.ID] {
			t.Errorf("envelope %d has the id of another", i)
		}
		ids[e.ID] = true
		if i > 0 && !es[i-1].Before(e.Order) {
			t.Errorf("envelope %d is of %v, the one before of %v", i, e.Order, es[i-1].Order)
		}
	}
}

// TestF01: the gateway starts in 1970 with an empty state, and NTP comes an hour later.
// Reports say that the clock was unsure, their order never goes back, and the boot
// counter catches up with the gateway's own past, full picture first.
func TestF01(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{}
		w.set(time.Unix(60, 0), false)
		b := &box{}
		s := settings(t, b)
		s.Now, s.Synced = w.now, w.isSynced
		a := newAgent(t, s)
		go func() { _ = a.Run(t.Context()) }()
		time.Sleep(61 * time.Minute)
		synctest.Wait()
		real := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
		w.set(real, true)
		before := len(b.all())
		time.Sleep(31 * time.Minute)
		synctest.Wait()
		ordered(t, b.all())
		first := b.report(t, 0)
		if first.ClockSynced || first.Time.Year() != 1970 || !slices.ContainsFunc(first.Health, func(w inventory.Warning) bool { return w.Code == "clock-unsure" }) {
			t.Errorf("at first: synced %v, time %v, health %v", first.ClockSynced, first.Time, first.Health)
		}
		if first.Boot != 1 {
			t.Errorf("first boot %d", first.Boot)
		}
		if len(b.all()) <= before || b.all()[before].Kind != inventory.KindReport {
			t.Fatalf("after the step went out %s", b.kinds())
		}
		after := b.report(t, before)
		if !after.ClockSynced || after.Boot < uint64(real.Unix()) || len(after.Modules) != 1 {
			t.Errorf("after the step: synced %v, order %v, %d modules", after.ClockSynced, after.Order, len(after.Modules))
		}
	})
}

// TestF02: the wall clock steps back an hour and forward a day, also during a look. The
// rounds and heartbeats come as if nothing had happened.
func TestF02(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		w := &wall{synced: true}
		w.set(time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), true)
		b := &box{}
		s := settings(t, b)
		s.Now, s.Synced = w.now, w.isSynced
		s.Survey = func(context.Context) ([]inventory.Module, error) {
			time.Sleep(20 * time.Second)
			w.step(-time.Hour)
			time.Sleep(20 * time.Second)
			w.step(24 * time.Hour)
			return ec25("A"), nil
		}
		a := newAgent(t, s)
		go func() { _ = a.Run(t.Context()) }()
		for _, step := range []time.Duration{-time.Hour, 24 * time.Hour, -100 * 24 * time.Hour, 1000 * time.Hour} {
			before := len(b.all())
			w.step(step)
			time.Sleep(time.Hour)
			synctest.Wait()
			if n := len(b.all()) - before; n < 3 || n > 5 {
				t.Errorf("in an hour after a step of %v went out %d", step, n)
			}
		}
		ordered(t, b.all())
	})
}

// TestF04: a hundred reports within one tick of the clock have ids of their own and a
// strict order.
func TestF04(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		s := settings(t, b)
		still := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		s.Now = func() time.Time { return still }
		s.RequestEvery = -1
		a := newAgent(t, s)
		go func() { _ = a.Run(t.Context()) }()
		for range 100 {
			if _, err := a.Request(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		if len(b.all()) < 100 {
			t.Fatalf("went out: %d", len(b.all()))
		}
		ordered(t, b.all())
	})
}

// TestF09: a look that hangs for good is named, stops neither the loop nor its end, and
// when it does come to an end the next one works.
func TestF09(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b, hang := &box{}, make(chan struct{})
		s := settings(t, b)
		s.Survey = func(context.Context) ([]inventory.Module, error) { <-hang; return ec25("A"), nil }
		a := newAgent(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		time.Sleep(11 * time.Minute)
		synctest.Wait()
		stuck := func() bool {
			return slices.ContainsFunc(a.health.list(), func(w inventory.Warning) bool { return w.Code == "look-stuck" })
		}
		if !stuck() || len(b.all()) != 0 {
			t.Errorf("health %v, sent %s", a.health.list(), b.kinds())
		}
		if r, err := a.ask(t.Context()); err != nil {
			t.Errorf("the loop does not take requests: %v", err)
		} else {
			close(hang)
			if o := <-r.answer; o.err != nil || len(o.report.Modules) != 1 {
				t.Errorf("after it ended: %+v", o)
			}
		}
		if stuck() {
			t.Error("health still names it")
		}
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

// TestF09End: a look that hangs for good does not hold up the end.
func TestF09End(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		hang := make(chan struct{})
		defer close(hang)
		s := settings(t, &box{})
		s.Survey = func(context.Context) ([]inventory.Module, error) { <-hang; return nil, nil }
		a := newAgent(t, s)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- a.Run(ctx) }()
		synctest.Wait()
		cancel()
		start := time.Now()
		if err := <-done; err != nil || time.Since(start) > 5*time.Second {
			t.Errorf("ended after %v with %v", time.Since(start), err)
		}
	})
}

// TestSurveyPanicOnce: as TestSurveyPanic, in a single round.
func TestSurveyPanicOnce(t *testing.T) {
	s := settings(t, &box{})
	s.Survey = func(context.Context) ([]inventory.Module, error) { panic("planted") }
	r, err := newAgent(t, s).Once(t.Context())
	if err != nil || !strings.Contains(r.Health[0].Text, "planted") {
		t.Errorf("got %+v, %v", r, err)
	}
}

// TestSurveyPanic: a fault of our own in the look is a warning in a report.
func TestSurveyPanic(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := &box{}
		s := settings(t, b)
		s.Survey = func(context.Context) ([]inventory.Module, error) { panic("planted") }
		a := newAgent(t, s)
		go func() { _ = a.Run(t.Context()) }()
		synctest.Wait()
		if len(b.all()) != 1 || !strings.Contains(b.report(t, 0).Health[0].Text, "planted") {
			t.Errorf("sent %s", b.kinds())
		}
	})
}

// TestE09: neither a log at its most talkative, nor a report, nor the status, nor an
// error holds a secret: password, NKey seed, or report key in any of its spellings.
func TestE09(t *testing.T) {
	var log bytes.Buffer
	var out []string
	logger := slog.New(slog.NewTextHandler(&syncWriter{w: &log}, &slog.HandlerOptions{Level: slog.LevelDebug}))
	user := natslinktest.User{Name: "gw1", Password: "MARKER-password-5931"}
	user.Publish, user.Subscribe = natslink.Permissions("gw1")
	server := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, user}})
	js := server.JetStream(natslinktest.Admin)
	natslinktest.MakeStream(t, js, 0)
	pair, err := nkeys.CreateUser()
	if err != nil {
		t.Fatal(err)
	}
	seed, err := pair.Seed()
	if err != nil {
		t.Fatal(err)
	}
	nkey := filepath.Join(t.TempDir(), "gw.nk")
	if err := os.WriteFile(nkey, seed, 0o600); err != nil {
		t.Fatal(err)
	}
	lives := func(change func(*DaemonSettings), until func(d *Daemon) bool) {
		s := daemonSettings(t, server.URLOf(user))
		s.Log, s.StatusFile = logger, filepath.Join(t.TempDir(), "status.json")
		change(&s)
		d := daemon(t, s)
		key := d.key
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error, 1)
		go func() { done <- d.Run(ctx) }()
		natslinktest.Eventually(t, "it came so far", func() bool { return until(d) })
		if _, err := d.link.Publish(t.Context(), &inventory.Envelope{Kind: "report", Gateway: "gw2", ID: "x"}); err != nil {
			out = append(out, err.Error())
		}
		cancel()
		out = append(out, errorText(<-done), errorText(d.Close()))
		status, err := os.ReadFile(s.StatusFile)
		if err != nil {
			t.Fatal(err)
		}
		out = append(out, string(status), log.String())
		for _, m := range natslinktest.Messages(t, js) {
			out = append(out, string(m.Data))
			for name := range m.Header {
				out = append(out, m.Header.Get(name))
			}
		}
		secrets := []string{user.Password, string(seed), string(key.Seed()), hex.EncodeToString(key.Seed()),
			base64.StdEncoding.EncodeToString(key.Seed())[:40], base64.RawURLEncoding.EncodeToString(key.Seed())}
		for _, text := range out {
			for i, secret := range secrets {
				if strings.Contains(text, secret) {
					t.Errorf("secret %d stands in %.200q", i, text)
				}
			}
		}
	}
	lives(func(*DaemonSettings) {}, func(*Daemon) bool { r, _ := bodies(t, js); return len(r) > 0 })
	lives(func(s *DaemonSettings) { // refused at the door
		s.Link.URLs = []string{"nats://gw1:MARKER-password-5931-wrong@" + server.Addr()}
	}, func(d *Daemon) bool { return len(d.link.Health()) > 0 })
	lives(func(s *DaemonSettings) { s.Link.URLs, s.Link.NKeyFile = []string{server.URL()}, nkey },
		func(d *Daemon) bool { return len(d.link.Health()) > 0 })
	loose := daemonSettings(t, server.URL())
	loose.Link.NKeyFile = nkey
	if err := os.Chmod(nkey, 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := NewDaemon(t.Context(), loose); err == nil || strings.Contains(err.Error(), string(seed)) {
		t.Errorf("a key that others may read: %v", err)
	}
}

func errorText(err error) string {
	if err == nil {
		return ""
	}
	return err.Error()
}

// syncWriter lets a logger write from several goroutines.
type syncWriter struct {
	mu sync.Mutex
	w  *bytes.Buffer
}

func (s *syncWriter) Write(b []byte) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.w.Write(b)
}

// TestE14Shapes: identifiers in shapes that a simple pattern misses, and firmware names
// that only look like them.
func TestE14Shapes(t *testing.T) {
	for in, want := range map[string]string{
		"IMEI867012040000009":                    "IMEI86701204xxxxxxx",
		"86-701204-000000-9":                     "86-701204-xxxxxx-x",
		"867012040000009":                        "86701204xxxxxxx",
		"8670120400000012":                       "86701204xxxxxxxx",
		"89860000000000000001":                   "89860000xxxxxxxxxxxx",
		"003800360037003000310032003000340030":   "00380036xxxxxxxxxxxxxxxxxxxxxxxxxxxx",
		"EC25EFAR06A08M4G":                       "EC25EFAR06A08M4G",
		"Revision: 11.810.09.01.00 20190101":     "Revision: 11.810.09.01.00 20190101",
		"SIM7600M22_V2.0.1 2021-09-10 12:34:56":  "SIM7600M22_V2.0.1 2021-09-10 12:34:56",
		"LE20B03SIM7600M21-A_20190917123456":     "LE20B03SIM7600M21-A_20190917123456",
		"a867012040000009b and 867012040000017.": "a86701204xxxxxxxb and 86701204xxxxxxx.",
	} {
		if got := mask(in); got != want {
			t.Errorf("mask(%q) = %q, want %q", in, got, want)
		}
	}
	key := newAgent(t, settings(t, &box{})).key
	m := inventory.Module{ID: "tty:/dev/serial/by-id/usb-X_867012040000009-if02", Identity: inventory.Identity{IMEI: "867012040000009"},
		Ports: []inventory.Port{{Path: "/dev/serial/by-id/usb-X_867012040000009-if02"}}, Reason: "answered 86701204000000 and no more",
		Device: &inventory.Device{Product: "IMEI 867012040000009"},
		Transcript: []inventory.Exchange{{Cmd: "AT+CGSN", Lines: []string{"86701204000000", "A0C72311000000"}, Raw: []byte("8\x006\x007")},
			{Cmd: "AT+CGMR", Lines: []string{"20190917123456"}}}}
	IMEITAC.apply(key, &m)
	e, err := inventory.SealReport(&inventory.Report{Modules: []inventory.Module{m}}, key)
	if err != nil {
		t.Fatal(err)
	}
	for _, secret := range []string{"86701204000000", "A0C72311000000", base64.StdEncoding.EncodeToString([]byte("8\x006\x007"))} {
		if strings.Contains(string(e.Body), secret) {
			t.Errorf("%s leaves the gateway: %s", secret, e.Body)
		}
	}
	if !strings.Contains(string(e.Body), "20190917123456") {
		t.Error("a firmware's date was taken out")
	}
}

// TestE14Log: with privacy on, no warning that is logged or sent quotes an identifier.
func TestE14Log(t *testing.T) {
	var log bytes.Buffer
	b := &box{}
	s := settings(t, b)
	s.Privacy, s.Log = IMEITAC, slog.New(slog.NewJSONHandler(&log, &slog.HandlerOptions{Level: slog.LevelDebug}))
	s.Survey = func(context.Context) ([]inventory.Module, error) {
		return ec25("A"), errors.New("cannot list /dev/serial/by-id/usb-X_867012040000009-if02")
	}
	if _, err := newAgent(t, s).Once(t.Context()); err != nil {
		t.Fatal(err)
	}
	for what, text := range map[string]string{"log": log.String(), "report": string(b.all()[0].Body)} {
		if strings.Contains(text, "867012040000009") {
			t.Errorf("the %s holds an IMEI: %s", what, text)
		}
	}
}
