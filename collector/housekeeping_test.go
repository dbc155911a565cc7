package collector

import (
	"context"
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
