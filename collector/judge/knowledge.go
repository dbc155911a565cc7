package judge

import (
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/policy"
)

// Known is what modules are judged by at one time: who made what, and what is acceptable. It
// is immutable and safe for concurrent use.
type Known struct {
	Base Identifier
	// Policy is nil where nothing is found of any module.
	Policy *policy.Policy
	cache  *policy.Cache
}

// NewKnown puts both together.
func NewKnown(base Identifier, p *policy.Policy) *Known {
	k := &Known{Base: base, Policy: p}
	if p != nil {
		k.cache = p.NewCache()
	}
	return k
}

// Stamp names the policy and the day from which on it finds what it finds now: a gateway that
// bears it need not be judged again.
func (k *Known) Stamp(now time.Time) string {
	if k.Policy == nil {
		return ""
	}
	return k.Policy.Version() + "@" + k.Policy.Since(now).Format(time.DateOnly)
}

// Knowledge holds what a collector judges by, and lets it be replaced while the collector
// runs. It is an [Identifier] that is always the present one.
type Knowledge struct {
	mu       sync.RWMutex
	now      *Known
	changed  chan struct{}
	progress Progress
}

// Progress is how far the fleet has been judged again.
type Progress struct {
	// Running: gateways are being judged again.
	Running bool `json:"running"`
	// Gateways is how many there were to judge when it began, Done how many have been.
	Gateways int `json:"gateways"`
	Done     int `json:"done"`
	// Changed is how many of those came to another judgement.
	Changed int       `json:"changed"`
	Began   time.Time `json:"began,omitzero"`
	Ended   time.Time `json:"ended,omitzero"`
	// Data and Policy are the versions that the fleet is judged by.
	Data   string `json:"data"`
	Policy string `json:"policy"`
	// Error says why it did not come to its end; it is tried again.
	Error string `json:"error,omitempty"`
}

// NewKnowledge makes a holder. p may be nil: then nothing is found of any module.
func NewKnowledge(base Identifier, p *policy.Policy) *Knowledge {
	return &Knowledge{now: NewKnown(base, p), changed: make(chan struct{}, 1)}
}

// Set replaces the knowledge; nil leaves that part as it is. From now on reports are judged
// by it, and the collector that holds it judges the fleet again in the background.
func (k *Knowledge) Set(base Identifier, p *policy.Policy) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if base == nil {
		base = k.now.Base
	}
	if p == nil {
		p = k.now.Policy
	}
	k.now = NewKnown(base, p)
	select {
	case k.changed <- struct{}{}:
	default:
	}
}

// Now gives what holds now.
func (k *Knowledge) Now() *Known {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.now
}

// Changed gets a value after Set.
func (k *Knowledge) Changed() <-chan struct{} { return k.changed }

// Policy gives the policy in force, or nil.
func (k *Knowledge) Policy() *policy.Policy { return k.Now().Policy }

// Identify implements [Identifier].
func (k *Knowledge) Identify(o fingerprint.Observation) fingerprint.Verdict {
	return k.Now().Base.Identify(o)
}

// Version implements [Identifier].
func (k *Knowledge) Version() string { return k.Now().Base.Version() }

// Progress says how far the fleet has been judged again.
func (k *Knowledge) Progress() Progress {
	k.mu.RLock()
	defer k.mu.RUnlock()
	return k.progress
}

// SetProgress is for the collector that judges.
func (k *Knowledge) SetProgress(p Progress) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.progress = p
}
