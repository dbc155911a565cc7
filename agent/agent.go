package agent

import (
	"context"
	"crypto/ed25519"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Defaults of Settings.
const (
	DefaultInterval  = 24 * time.Hour
	DefaultHeartbeat = 15 * time.Minute
	DefaultJitter    = 0.1
)

// fullEvery is how old the last full report may grow while nothing changes.
const fullEvery = 24 * time.Hour

// Outbox takes what is to be sent. *spool.Spool is one.
type Outbox interface {
	// Put keeps e over a crash, if it can.
	Put(e *inventory.Envelope) error
	// Hold keeps e in memory: what says nothing new is not worth a write to flash.
	Hold(e *inventory.Envelope) error
	// Health names what is wrong with keeping and sending.
	Health() []inventory.Warning
}

// Settings of an Agent. Gateway.ID, StateDir, Survey and Outbox are needed.
type Settings struct {
	Gateway inventory.Gateway
	// StateDir holds the report key and the boot counter. It may be a tmpfs.
	StateDir string
	// Interval between full rounds; each is longer or shorter by up to Jitter times it. Zero: the defaults. A
	// negative Jitter means none.
	Interval time.Duration
	Jitter   float64
	// Heartbeat is the time between signs of life while nothing changes.
	Heartbeat time.Duration
	// Survey looks at all modules. It must end with its context.
	Survey func(context.Context) ([]inventory.Module, error)
	// Changes says that devices came or went. May be nil.
	Changes <-chan struct{}
	Outbox  Outbox
	Privacy Privacy
	// Now is the wall clock, and Synced says whether it is to be believed. Nil: those of the machine.
	Now    func() time.Time
	Synced func() bool
	// Log gets what an administrator wants to know. Nil: nothing.
	Log *slog.Logger
}

func (s Settings) withDefaults() Settings {
	if s.Interval == 0 {
		s.Interval = DefaultInterval
	}
	if s.Heartbeat == 0 {
		s.Heartbeat = DefaultHeartbeat
	}
	if s.Jitter == 0 {
		s.Jitter = DefaultJitter
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Synced == nil {
		s.Synced = ClockSynced
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Agent is the daemon of one gateway.
type Agent struct {
	settings Settings
	key      ed25519.PrivateKey
	health   *health
	requests chan request

	mu    sync.Mutex // guards what follows; rounds hold it, so that they do not overlap
	order inventory.Order
	last  struct {
		digest string
		at     time.Time // with its monotonic reading
		full   *inventory.Report
	}
}

// New prepares an agent: it reads or makes the report key and counts this start. A state
// directory that cannot be written is a warning in every report, no error.
func New(s Settings) (*Agent, error) {
	s = s.withDefaults()
	if err := inventory.CheckGatewayID(s.Gateway.ID); err != nil {
		return nil, fmt.Errorf("cannot start the agent: %w", err)
	}
	if s.Survey == nil || s.Outbox == nil {
		return nil, errors.New("cannot start the agent: Survey and Outbox are needed")
	}
	a := &Agent{settings: s, health: newHealth(s.Now), requests: make(chan request)}
	key, err := reportKey(s.StateDir)
	if err != nil {
		return nil, err
	}
	a.key = key.private
	boot, err := nextBoot(s.StateDir, s.Now(), s.Synced())
	a.health.set("state-not-kept", inventory.SeverityError, errors.Join(key.err, err))
	a.order.Boot = boot
	return a, nil
}

// Key is the public report key, which the collector knows the gateway by.
func (a *Agent) Key() ed25519.PublicKey { return a.key.Public().(ed25519.PublicKey) }

// Run looks at start, on change, at the interval and on request, until ctx ends.
func (a *Agent) Run(ctx context.Context) error {
	a.round(ctx, inventory.ReasonStart)
	interval := time.NewTimer(spread(a.settings.Interval, a.settings.Jitter))
	defer interval.Stop()
	beat := time.NewTimer(spread(a.settings.Heartbeat, a.settings.Jitter))
	defer beat.Stop()
	changes := a.settings.Changes
	for {
		select {
		case <-ctx.Done():
			return nil
		case _, ok := <-changes:
			if !ok {
				changes = nil // nobody watches any more
				continue
			}
			a.round(ctx, inventory.ReasonChange)
		case <-interval.C:
			a.round(ctx, inventory.ReasonInterval)
			interval.Reset(spread(a.settings.Interval, a.settings.Jitter))
		case <-beat.C:
			a.beat(ctx)
		case r := <-a.requests:
			r.answer <- a.round(ctx, inventory.ReasonRequest)
			continue
		}
		beat.Reset(spread(a.settings.Heartbeat, a.settings.Jitter))
	}
}

// Once makes one round and hands its report to the Outbox.
func (a *Agent) Once(ctx context.Context) (*inventory.Report, error) {
	o := a.round(ctx, inventory.ReasonStart)
	return o.report, o.err
}

// request asks the running agent for a round.
type request struct{ answer chan outcome }

// Request has a running agent look now, and returns what it found.
func (a *Agent) Request(ctx context.Context) (*inventory.Report, error) {
	r := request{make(chan outcome, 1)}
	select {
	case a.requests <- r:
	case <-ctx.Done():
		return nil, fmt.Errorf("cannot look now: the agent is busy: %w", ctx.Err())
	}
	select {
	case o := <-r.answer:
		return o.report, o.err
	case <-ctx.Done():
		return nil, fmt.Errorf("the look takes longer than this request may: %w", ctx.Err())
	}
}

// Last is the newest full report of this run, or nil.
func (a *Agent) Last() *inventory.Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last.full
}
