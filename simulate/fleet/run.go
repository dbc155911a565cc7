package fleet

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Load says how to publish.
type Load struct {
	// Conns are the connections that the gateways share. At least one is needed.
	Conns []*nats.Conn
	// Duration is how long messages go on after each gateway has reported once.
	Duration time.Duration
	// Rate is how many messages go out in a second. 0: as many as the broker takes.
	Rate float64
	// Pending is how many messages wait for the broker's word on each connection. 0 is 1000.
	Pending int
	// Patience is how long a message is tried again that the broker does not take. 0 is 1 min.
	Patience time.Duration
	// Published, where set, is told each message that goes out for the first time. It is
	// called from many goroutines.
	Published func(*inventory.Envelope)
}

// errPatience: the broker did not take a message in time.
var errPatience = errors.New("the broker does not take it")

// lane is one connection with the gateways that use it.
type lane struct {
	fleet *Fleet
	load  *Load
	js    jetstream.JetStream
	pace  *pace
	tally *tally
	own   []int // gateways
	wait  chan sent
}

// sent waits for the broker's word.
type sent struct {
	msg    *nats.Msg
	ack    jetstream.PubAckFuture
	at     time.Time // first
	tried  time.Time // last
	failed error
}

// Run has every gateway report once, then goes on in turn for the duration, and says what
// came of it. When ctx ends it waits for what is under way and is no error. It is called once.
func (f *Fleet) Run(ctx context.Context, l Load) (Figures, error) {
	if len(l.Conns) == 0 || l.Rate < 0 {
		return Figures{}, errors.New("cannot simulate a fleet: a connection is needed, and a rate that is not negative")
	}
	if l.Pending <= 0 {
		l.Pending = 1000
	}
	if l.Patience <= 0 {
		l.Patience = time.Minute
	}
	t, p := &tally{started: time.Now()}, newPace(l.Rate)
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var wg sync.WaitGroup
	joined := &barrier{left: int64(len(l.Conns)), open: make(chan struct{})}
	for n, nc := range l.Conns {
		js, err := jetstream.New(nc, jetstream.WithPublishAsyncMaxPending(2*l.Pending))
		if err != nil {
			return Figures{}, fmt.Errorf("cannot simulate a fleet: %w", err)
		}
		a := &lane{fleet: f, load: &l, js: js, pace: p, tally: t, wait: make(chan sent, l.Pending)}
		for i := n; i < len(f.gateways); i += len(l.Conns) {
			a.own = append(a.own, i)
		}
		wg.Go(func() {
			defer close(a.wait)
			if err := a.publish(ctx, joined); err != nil {
				cancel(err)
			}
		})
		wg.Go(func() {
			a.settle(context.WithoutCancel(ctx), cancel)
		})
	}
	wg.Wait()
	if err := context.Cause(ctx); err != nil && !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
		return t.figures(), fmt.Errorf("cannot go on simulating a fleet: %w", err)
	}
	return t.figures(), nil
}

// barrier opens when all have come.
type barrier struct {
	left int64
	open chan struct{}
}

func (b *barrier) come(ctx context.Context) {
	if atomic.AddInt64(&b.left, -1) == 0 {
		close(b.open)
	}
	select {
	case <-b.open:
	case <-ctx.Done():
	}
}

// publish sends all first reports, and then on in turn until the time is over.
func (a *lane) publish(ctx context.Context, joined *barrier) error {
	if err := a.round(ctx, time.Time{}); err != nil {
		return err
	}
	if joined.come(ctx); a.load.Duration <= 0 || len(a.own) == 0 {
		return nil
	}
	for end := time.Now().Add(a.load.Duration); ctx.Err() == nil && time.Now().Before(end); {
		if err := a.round(ctx, end); err != nil {
			return err
		}
	}
	return nil
}

// round has each gateway send one message. It ends early with ctx or, where that is set, at
// the end.
func (a *lane) round(ctx context.Context, end time.Time) error {
	for _, i := range a.own {
		if !a.pace.wait(ctx) || !end.IsZero() && time.Now().After(end) {
			return nil
		}
		e, err := a.fleet.Next(i)
		if err != nil {
			return err
		}
		if a.load.Published != nil {
			a.load.Published(e)
		}
		a.tally.publish(e)
		a.wait <- a.send(sent{msg: natslink.ToMsg(e), at: time.Now()})
	}
	return nil
}

func (a *lane) send(s sent) sent {
	s.tried = time.Now()
	s.ack, s.failed = a.js.PublishMsgAsync(s.msg, jetstream.WithStallWait(a.load.Patience))
	return s
}

// settle waits for the broker's word on each message, in the order in which they went out,
// and sends again what it did not take. The id makes that harmless.
func (a *lane) settle(ctx context.Context, fail context.CancelCauseFunc) {
	broken := false
	for s := range a.wait {
		if broken {
			continue // to let publish end
		}
		if err := a.acknowledged(ctx, s); err != nil {
			broken = true
			fail(err)
		}
	}
}

func (a *lane) acknowledged(ctx context.Context, s sent) error {
	end := time.Now().Add(a.load.Patience) // all before it are taken
	for n := 0; ; n++ {
		err := s.outcome(ctx, end)
		if err == nil {
			a.tally.acknowledge(time.Since(s.at))
			return nil
		}
		if time.Now().After(end) {
			a.tally.lost.Add(1)
			return fmt.Errorf("%s, tried for %v: %w: %w", s.msg.Subject, a.load.Patience, errPatience, err)
		}
		a.tally.again.Add(1)
		if n > 0 { // the first time it is what was under way when the broker went
			select {
			case <-time.After(100 * time.Millisecond):
			case <-ctx.Done():
			}
		}
		s = a.send(s)
	}
}

// outcome is nil when the broker has the message.
func (s sent) outcome(ctx context.Context, end time.Time) error {
	if s.failed != nil {
		return s.failed
	}
	// A leader that was killed answers nothing; what waits for it is sent to the next one.
	const silence = 3 * time.Second
	timer := time.NewTimer(max(min(time.Until(s.tried.Add(silence)), time.Until(end)), 10*time.Millisecond))
	defer timer.Stop()
	select {
	case <-s.ack.Ok():
		return nil
	case err := <-s.ack.Err():
		return err
	case <-timer.C:
		return fmt.Errorf("no acknowledgement in %v", silence)
	case <-ctx.Done():
		return ctx.Err()
	}
}
