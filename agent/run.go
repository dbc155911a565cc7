package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// stopping bounds the wait for a look whose context has ended. It closes its ports
// within that time; a port that the kernel does not let go of is left to it.
const stopping = 4 * time.Second

// loop is one Run. It never waits for a look: heartbeats, requests and the watchdog go on.
type loop struct {
	a     *Agent
	found chan found
	// One look at a time: the requests that it answers, how to end it, and when it has
	// taken too long.
	looking bool
	current []request
	cancel  context.CancelFunc
	limit   *time.Timer
	// What is wanted when it is done.
	next    inventory.Reason
	waiting []request
	// The last look on request.
	asked time.Time
}

// found is what a look found.
type found struct {
	why     inventory.Reason
	modules []inventory.Module
	err     error
	cut     bool // its context ended before it did
}

// Run looks at start, on change, at the interval and on request, until ctx ends.
func (a *Agent) Run(ctx context.Context) error {
	s := a.settings
	l := &loop{a: a, found: make(chan found, 1), cancel: func() {}, limit: time.NewTimer(time.Hour)}
	l.limit.Stop()
	interval := time.NewTimer(spread(s.Interval, s.Jitter))
	defer interval.Stop()
	beat := time.NewTimer(spread(s.Heartbeat, s.Jitter))
	defer beat.Stop()
	watchdog, stop := s.Systemd.ticks()
	defer stop()
	changes := s.Changes
	s.Systemd.Ready()
	l.want(ctx, inventory.ReasonStart)
	for {
		select {
		case <-ctx.Done():
			if !errors.Is(context.Cause(ctx), ErrRestart) {
				s.Systemd.notify("STOPPING=1")
			}
			return l.end()
		case <-watchdog:
			s.Systemd.notify("WATCHDOG=1")
			continue
		case _, ok := <-changes:
			if !ok {
				changes = nil // nobody watches any more
				continue
			}
			l.want(ctx, inventory.ReasonChange)
		case <-interval.C:
			l.want(ctx, inventory.ReasonInterval)
			interval.Reset(spread(s.Interval, s.Jitter))
		case <-beat.C:
			l.beat(ctx)
			beat.Reset(spread(s.Heartbeat, s.Jitter))
		case r := <-a.requests:
			l.request(ctx, r)
		case <-a.repeats:
			a.repeat()
		case <-l.limit.C:
			l.overdue()
		case f := <-l.found:
			l.done(ctx, f)
			beat.Reset(spread(s.Heartbeat, s.Jitter))
		}
		a.told()
	}
}

// want starts a look, or notes that another one is wanted after the present one.
func (l *loop) want(ctx context.Context, why inventory.Reason) {
	if l.looking {
		if l.next == "" || l.next == inventory.ReasonInterval || why == inventory.ReasonRequest {
			l.next = why
		}
		return
	}
	l.looking, l.next = true, ""
	l.current, l.waiting = l.waiting, nil
	l.a.setLooking(true)
	look, cancel := context.WithCancel(ctx)
	l.cancel = cancel
	l.limit.Reset(l.a.settings.LookLimit)
	go func() {
		modules, err := l.a.survey(look)
		l.found <- found{why, modules, err, look.Err() != nil}
	}()
}

// survey calls the Survey, whose panic is a failed look and not the end of the agent.
func (a *Agent) survey(ctx context.Context) (modules []inventory.Module, err error) {
	defer func() {
		if p := recover(); p != nil {
			modules, err = nil, fmt.Errorf("looking at the modules failed in Rollcall itself; please report it: %v", p)
		}
	}()
	return a.settings.Survey(ctx)
}

// done turns what a look found into a report, and starts the next look where one is wanted.
func (l *loop) done(ctx context.Context, f found) {
	l.looking = false
	l.cancel()
	l.limit.Stop()
	l.a.setLooking(false)
	l.a.health.set("look-stuck", "", nil)
	l.a.ended(f.why)
	o := outcome{err: context.Canceled}
	if !f.cut { // half a picture would look like modules that were removed
		o = l.a.conclude(f.why, f.modules, f.err)
	}
	if o.err != nil {
		l.a.settings.Log.Warn("cannot report", "reason", f.why, "error", o.err)
	}
	for _, r := range l.current {
		r.answer <- o
	}
	l.current = nil
	if l.next != "" && ctx.Err() == nil {
		l.want(ctx, l.next)
	}
}

// overdue gives a look up that takes too long. What it may still say is no longer a
// picture of one moment.
func (l *loop) overdue() {
	l.cancel()
	l.a.health.set("look-stuck", inventory.SeverityError, fmt.Errorf(
		"looking at the modules takes longer than %v: a port may hang in the kernel; no new look starts before it ends", l.a.settings.LookLimit))
	for _, r := range l.current {
		r.answer <- outcome{err: errors.New("the look takes too long")}
	}
	l.current = nil
}

// request takes a wish to look now, unless one was granted a moment ago.
func (l *loop) request(ctx context.Context, r request) {
	if since := time.Since(l.asked); !l.asked.IsZero() && since < l.a.settings.RequestEvery {
		r.accepted <- &BusyError{Wait: l.a.settings.RequestEvery - since}
		return
	}
	l.asked = time.Now()
	r.accepted <- nil
	l.waiting = append(l.waiting, r)
	l.want(ctx, inventory.ReasonRequest)
}

// beat sends a sign of life, or looks where nothing could be reported yet.
func (l *loop) beat(ctx context.Context) {
	if known, err := l.a.beat(); err != nil {
		l.a.settings.Log.Warn("cannot keep heartbeat", "error", err)
	} else if !known && !l.looking {
		l.want(ctx, inventory.ReasonStart)
	}
}

// end waits for the look, whose context has ended, to close its ports.
func (l *loop) end() error {
	for _, r := range append(l.current, l.waiting...) {
		r.answer <- outcome{err: context.Canceled}
	}
	l.cancel()
	if !l.looking {
		return nil
	}
	t := time.NewTimer(stopping)
	defer t.Stop()
	select {
	case <-l.found:
	case <-t.C:
		l.a.settings.Log.Warn("a look did not end in time and is left behind")
	}
	return nil
}

func (a *Agent) setLooking(on bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.looking = on
}
