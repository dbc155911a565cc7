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
	DefaultInterval     = 24 * time.Hour
	DefaultHeartbeat    = 15 * time.Minute
	DefaultJitter       = 0.1
	DefaultLookLimit    = 10 * time.Minute
	DefaultRequestEvery = 10 * time.Second
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
	// LookLimit is how long a look may take before the agent goes on without it and says
	// so. RequestEvery is the least time between two looks on request. Zero: the defaults.
	LookLimit    time.Duration
	RequestEvery time.Duration
	Outbox       Outbox
	Privacy      Privacy
	// Warnings, by code, are in every report: what is known of the gateway before it starts.
	Warnings map[string]string
	// Systemd is told when the agent is ready and that it goes on.
	Systemd Systemd
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
	if s.LookLimit == 0 {
		s.LookLimit = DefaultLookLimit
	}
	if s.RequestEvery == 0 {
		s.RequestEvery = DefaultRequestEvery
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
	repeats  chan struct{}
	told     func() // something that Status tells has changed

	mu    sync.Mutex // guards what follows; held while a report is made, not while one looks
	order inventory.Order
	// The boot counter began anew without a clock to start it from: the gateway may be
	// behind its own past until the clock is right.
	unanchored bool
	unkept     bool // the state directory does not hold the key or the boot counter
	last       last
	started    time.Time
	looking    bool
	rounds     map[inventory.Reason]uint64 // looks that ended
}

// last is the newest full report of this run.
type last struct {
	digest string // of what was found
	// told is the digest of what was sent: transcripts are left out where they do not fit.
	told      string
	at        time.Time // with its monotonic reading
	full      *inventory.Report
	small     string // id of what went out in its place, which the server found too large
	delivered bool   // its findings are with the server
	receipt   time.Time
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
	a := &Agent{settings: s, health: newHealth(s.Now), requests: make(chan request), repeats: make(chan struct{}, 1), told: func() {}, started: s.Now()}
	for code, text := range s.Warnings {
		a.health.set(code, inventory.SeverityWarning, errors.New(text))
	}
	key, err := reportKey(s.StateDir)
	if err != nil {
		return nil, err
	}
	a.key = key.private
	boot, err := nextBoot(s.StateDir, s.Now(), s.Synced())
	err = errors.Join(key.err, err)
	a.health.set("state-not-kept", inventory.SeverityError, err)
	a.unkept = err != nil
	a.order.Boot, a.unanchored = boot, boot == 1
	return a, nil
}

// Key is the public report key, which the collector knows the gateway by.
func (a *Agent) Key() ed25519.PublicKey { return a.key.Public().(ed25519.PublicKey) }

// Once makes one round and hands its report to the Outbox.
func (a *Agent) Once(ctx context.Context) (*inventory.Report, error) {
	modules, err := a.survey(ctx)
	if ctx.Err() != nil {
		return nil, ctx.Err() // half a picture would look like modules that were removed
	}
	o := a.conclude(inventory.ReasonStart, modules, err)
	return o.report, o.err
}

// Last is the newest full report of this run, or nil.
func (a *Agent) Last() *inventory.Report {
	a.mu.Lock()
	defer a.mu.Unlock()
	return a.last.full
}

// Raise sets a warning of the caller's in every report, and Clear takes it back.
func (a *Agent) Raise(code string, severity inventory.Severity, text string) {
	a.health.set(code, severity, errors.New(text))
	a.told()
}

// Clear takes back what Raise set.
func (a *Agent) Clear(code string) {
	a.health.set(code, "", nil)
	a.told()
}
