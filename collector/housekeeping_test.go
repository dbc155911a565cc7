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

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// forgetful is a store of which nothing is asked but to forget.
type forgetful struct {
	store.Store
	began time.Time
	when  []time.Duration
}

func (f *forgetful) Writers() int { return 1 }

func (f *forgetful) RecordFigures(context.Context, time.Time) error { return nil }

func (f *forgetful) Prune(context.Context, store.Forget) (int64, error) {
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
