package natslink

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Store is where a Sender takes envelopes from. *spool.Spool is one.
type Store interface {
	Next() (*inventory.Envelope, bool)
	Remove(id string) error
	Reject(id string) error
}

// Publisher is where a Sender hands them to. *Link is one.
type Publisher interface {
	Publish(ctx context.Context, e *inventory.Envelope) (Receipt, error)
}

// SenderSettings of a Sender. Store and Link are needed.
type SenderSettings struct {
	Store Store
	Link  Publisher
	// Up gets a token when the connection came. nil means that nobody tells.
	Up <-chan struct{}
	// Boot is that of this start. An envelope of an earlier one may have been sent before
	// that ended, so that its being called a duplicate is no wonder.
	Boot uint64
	// Shrink puts a smaller envelope into the store for one that the server finds too
	// large, and says whether it did. nil means that there is no smaller one.
	Shrink func(e *inventory.Envelope) bool
	// Delivered is told of each envelope that has its receipt.
	Delivered func(e *inventory.Envelope, r Receipt)
	// FirstWait and MaxWait bound the pause after a failure. 0 means 1 s and 5 min.
	FirstWait, MaxWait time.Duration
	// SlowWait is the least pause where only a person can help, or a duplicate window has
	// to pass. 0 means 1 min.
	SlowWait time.Duration
	// Now gives the time for Since in health. nil means time.Now.
	Now func() time.Time
}

// Sender drains a store through a link: oldest first, one at a time, and each removed
// only after its receipt.
type Sender struct {
	s    SenderSettings
	wake chan struct{}

	mu       sync.Mutex
	warnings inventory.Warnings
	failures int // in a row
	// The envelope whose first attempt was called a duplicate, and the one of which an
	// earlier attempt may have been stored.
	suspect, unsure string
}

// NewSender prepares a Sender.
func NewSender(s SenderSettings) *Sender {
	if s.FirstWait == 0 {
		s.FirstWait = firstWait
	}
	if s.MaxWait == 0 {
		s.MaxWait = defaultMaxWait
	}
	if s.SlowWait == 0 {
		s.SlowWait = time.Minute
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return &Sender{s: s, wake: make(chan struct{}, 1)}
}

// Wake says that something new is in the store. It does not shorten a pause.
func (s *Sender) Wake() {
	select {
	case s.wake <- struct{}{}:
	default:
	}
}

// Run sends until ctx ends.
func (s *Sender) Run(ctx context.Context) {
	for ctx.Err() == nil {
		pause, empty := s.step(ctx)
		switch {
		case empty:
			s.idle(ctx)
		case pause > 0:
			s.pause(ctx, pause)
		}
	}
}

// Drain sends until the store is empty or ctx ends, and says which.
func (s *Sender) Drain(ctx context.Context) error {
	for {
		pause, empty := s.step(ctx)
		if empty {
			return nil
		}
		if pause > 0 {
			s.pause(ctx, pause)
		}
		if err := ctx.Err(); err != nil {
			return fmt.Errorf("not all reports were sent: %w", errors.Join(err, s.lastError()))
		}
	}
}

func (s *Sender) lastError() error {
	for _, w := range s.Health() {
		return errors.New(w.Text)
	}
	return nil
}

func (s *Sender) idle(ctx context.Context) {
	select {
	case <-ctx.Done():
	case <-s.wake:
	case <-s.s.Up:
	}
}

// pause waits, but no longer than until the connection comes.
func (s *Sender) pause(ctx context.Context, d time.Duration) {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case <-s.s.Up:
	}
}

// step tries the oldest envelope once.
func (s *Sender) step(ctx context.Context) (pause time.Duration, empty bool) {
	e, ok := s.s.Store.Next()
	if !ok {
		return 0, true
	}
	r, err := s.s.Link.Publish(ctx, e)
	if err != nil {
		return s.failed(e, err), false
	}
	if r.Duplicate && !s.knownBefore(e) {
		return s.suspected(e), false
	}
	s.delivered(e, r)
	return 0, false
}

// knownBefore says whether an earlier attempt may have been stored.
func (s *Sender) knownBefore(e *inventory.Envelope) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	return e.ID != s.suspect && (e.ID == s.unsure || e.Boot < s.s.Boot)
}

func (s *Sender) delivered(e *inventory.Envelope, r Receipt) {
	s.mu.Lock()
	s.failures, s.suspect, s.unsure = 0, "", ""
	s.warnings.Clear("nats-publish", "suspect-duplicate")
	s.mu.Unlock()
	// What cannot be removed, or was dropped meanwhile, is the store's own concern.
	_ = s.s.Store.Remove(e.ID)
	if s.s.Delivered != nil {
		s.s.Delivered(e, r)
	}
}

// suspected: somebody used this id before us. Nothing of ours is stored, so it is sent
// again until the server's window for duplicates has passed.
func (s *Sender) suspected(e *inventory.Envelope) time.Duration {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.suspect = e.ID
	s.warnings.Raise(s.s.Now(), "suspect-duplicate", inventory.SeverityError, fmt.Sprintf(
		"the NATS server says that it has %s %s already, which was never sent before: another gateway may share this one's identity or use its ids", e.Kind, e.ID))
	return s.slow()
}

// failed decides what becomes of e, and how long to pause.
func (s *Sender) failed(e *inventory.Envelope, err error) time.Duration {
	var p *PublishError
	if !errors.As(err, &p) {
		p = &PublishError{Kind: Retry, Unsure: true, Err: err}
	}
	if p.Kind == TooLarge && s.s.Shrink != nil && s.s.Shrink(e) {
		_ = s.s.Store.Remove(e.ID)
		return 0
	}
	if p.Kind == TooLarge || p.Kind == Permanent {
		_ = s.s.Store.Reject(e.ID) // counted and shown by the store
		return 0
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if p.Unsure && s.suspect != e.ID {
		s.unsure = e.ID
	}
	s.failures++
	if errors.Is(err, errNoServer) {
		s.warnings.Clear("nats-publish") // the link says why
	} else {
		s.warnings.Raise(s.s.Now(), "nats-publish", inventory.SeverityError, fmt.Sprintf("reports wait: %v", err))
	}
	if p.Kind == Denied {
		return s.slow()
	}
	return max(Backoff(s.failures, s.s.FirstWait, s.s.MaxWait), s.s.FirstWait/10)
}

// slow is a long pause with jitter on top.
func (s *Sender) slow() time.Duration {
	return s.s.SlowWait + Backoff(1, s.s.SlowWait, s.s.SlowWait)
}

// Health lists what is wrong with sending now.
func (s *Sender) Health() []inventory.Warning {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.warnings.List()
}
