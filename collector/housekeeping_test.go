package collector

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// forgetful is a store of which nothing is asked but to forget.
type forgetful struct {
	store.Store
	began time.Time
	when  []time.Duration
	what  store.Forget
}

func (f *forgetful) Writers() int { return 1 }

func (f *forgetful) RecordFigures(context.Context, time.Time) error { return nil }

func (f *forgetful) Prune(_ context.Context, what store.Forget) (int64, error) {
	f.what = what
	f.when = append(f.when, time.Since(f.began))
	return 0, nil
}

// What is past is forgotten soon after a start and then again and again: else a collector that is
// started every few hours would never forget anything.
func TestForgettingBegins(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := &forgetful{began: time.Now()}
		c, err := newCollector(Settings{Conn: new(nats.Conn), Store: s, Base: &collectortest.Base{Data: "1"}})
		must(t, err)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan struct{})
		go func() {
			defer close(done)
			c.keepHouse(ctx)
		}()
		time.Sleep(13 * time.Hour)
		synctest.Wait()
		cancel()
		<-done
		if len(s.when) != 3 || s.when[0] > time.Hour || s.when[1]-s.when[0] != pruneEvery || s.when[2]-s.when[1] != pruneEvery {
			t.Errorf("forgot after %v", s.when)
		}
	})
}

// The log hears once why something fails, again when the reason is another one or it lasts, and
// again when it had worked in between.
func TestSameFailureIsToldOnce(t *testing.T) {
	var log bytes.Buffer
	now := collectortest.Start
	c, err := newCollector(Settings{Conn: new(nats.Conn), Store: &forgetful{}, Base: &collectortest.Base{Data: "1"},
		Log: slog.New(slog.NewTextHandler(&log, nil)), Now: func() time.Time { return now }})
	must(t, err)
	away, full := errors.New("away"), errors.New("full")
	for _, step := range []struct {
		err  error
		wait time.Duration
		told int
	}{
		{away, 0, 1}, {away, time.Second, 1}, {away, sayAgain / 2, 1}, {away, sayAgain / 2, 2}, {full, time.Second, 3},
		{context.Canceled, time.Second, 3}, {full, time.Second, 3}, {nil, time.Second, 3}, {full, time.Second, 4},
	} {
		now = now.Add(step.wait)
		c.report("look", step.err)
		if n := strings.Count(log.String(), "cannot look"); n != step.told {
			t.Fatalf("after %v: told %d times, want %d", step.err, n, step.told)
		}
	}
	if c.report("do something else", full); !strings.Contains(log.String(), "cannot do something else") {
		t.Error("another failure is not told")
	}
}

// stepped is a consumer on a broker whose clock is another one than the collector's.
type stepped struct {
	jetstream.Consumer
	ahead time.Duration
}

func (s *stepped) Info(context.Context) (*jetstream.ConsumerInfo, error) {
	return &jetstream.ConsumerInfo{TimeStamp: time.Now().Add(s.ahead)}, nil
}

// Gateways are heard by the broker's clock: those that were just heard are not silent because the
// collector's own clock is wrong, and those that were not are, however wrong it is.
func TestSilenceGoesByTheBrokersClock(t *testing.T) {
	for _, wrong := range []time.Duration{0, 2 * time.Hour, -2 * time.Hour, 90 * 24 * time.Hour} {
		t.Run(wrong.String(), func(t *testing.T) {
			s := openStore(t)
			b := newBench(t, s, nil)
			broker := collectortest.Start
			b.s.Now = func() time.Time { return broker.Add(wrong) }
			cons := &stepped{ahead: -wrong}
			b.health.session(b.s.Now(), cons)
			fresh, quiet := collectortest.NewGateway("gw-fresh"), collectortest.NewGateway("gw-quiet")
			b.take(fresh.Report(t, oneModule()), quiet.Report(t, oneModule()))
			for range 160 { // 80 minutes
				broker = broker.Add(sweepEvery)
				must(t, b.sweep(t.Context()))
			}
			if n := dump(t, s).Figures.Silent; n != 2 {
				t.Errorf("after 80 minutes %d are silent, want both", n)
			}
			late := b.message(fresh.Heartbeat(t, "x"))
			late.received = broker
			b.takeMessages(late)
			must(t, b.sweep(t.Context()))
			if d := dump(t, s); d.Gateways[0].Silent || !d.Gateways[1].Silent {
				t.Errorf("%+v", d.Gateways)
			}
		})
	}
}

// A machine that slept, or a clock that is set, does not make all gateways silent: whoever says
// nothing for as long after that is.
func TestSilenceAfterSleep(t *testing.T) {
	for name, step := range map[string]time.Duration{"it slept": 8 * time.Hour, "set back": -8 * time.Hour, "far ahead": 12 * 365 * 24 * time.Hour} {
		t.Run(name, func(t *testing.T) {
			s := openStore(t)
			b := newBench(t, s, nil)
			now := collectortest.Start // what passes while the program runs
			b.s.Now = func() time.Time { return now }
			cons := &stepped{}
			b.health.session(now, cons)
			b.take(collectortest.NewGateway("gw-1").Report(t, oneModule()))
			pass := func(d time.Duration) {
				t.Helper()
				for end := now.Add(d); now.Before(end); {
					now = now.Add(sweepEvery)
					must(t, b.sweep(t.Context()))
				}
			}
			pass(50 * time.Minute)
			cons.ahead = step
			pass(50 * time.Minute)
			if n := dump(t, s).Figures.Silent; n != 0 {
				t.Errorf("%d are silent, %s after the clock went %s", n, 50*time.Minute, step)
			}
			if pass(30 * time.Minute); step > 0 && dump(t, s).Figures.Silent != 1 {
				t.Error("one that said nothing for long enough since is not silent")
			}
		})
	}
}

// A clock that is years ahead forgets nothing, as long as the broker's is right, and the other way round.
func TestForgettingGoesByTheEarlierClock(t *testing.T) {
	const years = 12 * 365 * 24 * time.Hour
	for name, wrong := range map[string]struct{ own, broker time.Duration }{"both right": {}, "own ahead": {own: years}, "the broker's ahead": {broker: years}} {
		t.Run(name, func(t *testing.T) {
			s := &forgetful{began: time.Now()}
			c, err := newCollector(Settings{Conn: new(nats.Conn), Store: s, Base: &collectortest.Base{Data: "1"}, Keep: Keep{History: 24 * time.Hour},
				Now: func() time.Time { return time.Now().Add(wrong.own) }})
			must(t, err)
			c.health.session(time.Now(), &stepped{ahead: wrong.broker - wrong.own})
			must(t, c.prune(t.Context()))
			if age := time.Since(s.what.History); age < 23*time.Hour || age > 25*time.Hour {
				t.Errorf("forgot what is older than %s", age)
			}
		})
	}
}
