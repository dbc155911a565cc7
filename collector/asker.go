package collector

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/transport/natslink"
)

const (
	// askAgain is how long a gateway that did not answer is left alone.
	askAgain = 10 * time.Minute
	// askTime is how long a look at all modules of a gateway may take.
	askTime = 2 * time.Minute
	// askAtOnce bounds the requests that wait for answers.
	askAtOnce = 8
	// maxAsked bounds what is remembered of gateways that were asked.
	maxAsked = 100_000
)

// asker asks gateways for a full report whose heartbeats name findings that are not known
// here. The report itself comes through the stream like any other.
type asker struct {
	conn  *nats.Conn
	log   *slog.Logger
	now   func() time.Time
	queue chan want

	mu    sync.Mutex
	asked map[string]asked
}

type asked struct {
	digest   string
	at       time.Time
	answered bool
}

func newAsker(conn *nats.Conn, log *slog.Logger, now func() time.Time) *asker {
	return &asker{conn: conn, log: log, now: now, queue: make(chan want, 1000), asked: map[string]asked{}}
}

// want queues a question unless it was asked. When the queue is full the next heartbeat
// asks again.
func (a *asker) want(w want) {
	if !a.due(w) {
		return
	}
	select {
	case a.queue <- w:
	default:
		a.forget(w.gateway)
	}
}

// due says whether to ask. A gateway that answered and still names these findings counts
// them otherwise than we do (a newer schema): asking again would never end.
func (a *asker) due(w want) bool {
	a.mu.Lock()
	defer a.mu.Unlock()
	last, ok := a.asked[w.gateway]
	switch {
	case ok && last.digest == w.digest && last.answered && a.now().Sub(last.at) < 24*time.Hour,
		ok && a.now().Sub(last.at) < askAgain && !(last.answered && last.digest != w.digest):
		return false
	}
	if len(a.asked) >= maxAsked {
		clear(a.asked)
	}
	a.asked[w.gateway] = asked{digest: w.digest, at: a.now()}
	return true
}

func (a *asker) forget(gateway string) {
	a.mu.Lock()
	defer a.mu.Unlock()
	delete(a.asked, gateway)
}

func (a *asker) answered(w want) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.asked[w.gateway] = asked{digest: w.digest, at: a.now(), answered: true}
}

// run asks until ctx ends.
func (a *asker) run(ctx context.Context) {
	var wg sync.WaitGroup
	defer wg.Wait()
	for range askAtOnce {
		wg.Go(func() {
			for {
				select {
				case w := <-a.queue:
					a.ask(ctx, w)
				case <-ctx.Done():
					return
				}
			}
		})
	}
}

func (a *asker) ask(ctx context.Context, w want) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	_, err := a.conn.RequestWithContext(ctx, natslink.ScanSubject(w.gateway), nil)
	switch {
	case err == nil:
		a.answered(w)
		a.log.Info("asked a gateway for the full report that its heartbeat names", "gateway", w.gateway)
	case errors.Is(err, nats.ErrNoResponders):
		a.log.Warn("a heartbeat names findings that are not known here, and the gateway takes no requests; its next full report will tell", "gateway", w.gateway)
	case ctx.Err() == nil || errors.Is(ctx.Err(), context.DeadlineExceeded):
		a.log.Warn("asked a gateway for its full report, in vain", "gateway", w.gateway, "error", err)
	}
}
