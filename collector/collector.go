package collector

import (
	"crypto/ed25519"
	"crypto/tls"
	"log/slog"
	"net"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/policy"
)

// Settings of a collector. Conn, Store, and Base or Knowledge are needed.
type Settings struct {
	Conn  *nats.Conn
	Store store.Store
	// Base identifies; *fingerprint.Base does.
	Base judge.Identifier
	// Policy says what is acceptable. Nil: nothing is found of any module.
	Policy *policy.Policy
	// Knowledge, where set, holds both in place of Base and Policy, and lets them be replaced
	// while the collector runs.
	Knowledge *judge.Knowledge
	// Keys says whose signature counts for a gateway.
	Keys KeyPolicy
	// Listener serves pages, API and metrics. Nil: nothing is served. Run closes it.
	Listener net.Listener
	// TLS serves Listener with TLS. Nil: without.
	TLS *tls.Config
	// Access says who may ask; Store, Log, Now, Loopback and Open are filled in.
	Access access.Settings
	// AllowOpen lets Listener be one that other machines reach without TLS, such as one
	// behind a proxy. Without any token and provider anybody may then read. See ErrOpen.
	AllowOpen bool
	// Silence is how long a gateway may say nothing before it counts as silent. 0 is 1 h.
	Silence time.Duration
	// Workers is how many messages are verified at once. 0 is one for every two processors: what
	// stores, the broker's client and garbage want theirs.
	Workers int
	// Batch is how many messages are stored in one transaction at most. 0 is 4000 where the store has
	// one writer, and 1000 where several hold rows against each other.
	Batch int
	// StreamBytes bounds the stream of reports, where this collector makes it; the oldest go
	// first. 0: no bound, and a broker whose store is full takes nothing new.
	StreamBytes int64
	// AckWait is when the broker delivers a message again that was not acknowledged, as after
	// the loss of a connection or of a server. 0 is 1 min.
	AckWait time.Duration
	// Replicas is how many servers of a cluster keep the streams that this collector makes. 0 is 1.
	Replicas int
	// Keep says how long what is past is remembered.
	Keep Keep
	// Metrics is where counts go. Nil: a registry of this collector's own.
	Metrics *prometheus.Registry
	// Ready, where set, is called once when the collector consumes and serves.
	Ready func()
	// Log gets what an operator wants to know. Nil: nothing.
	Log *slog.Logger
	// Now is the wall clock; silence is measured with it. Nil: the machine's.
	Now func() time.Time
}

// Keep says how long what is past is remembered. The newest full picture always stays: of every
// gateway its modules, its newest report with the signed bytes, and what is found of them.
type Keep struct {
	// Unchanged is for reports that found what was found before. 0 is 90 days.
	Unchanged time.Duration
	// History is for reports that changed something, their signed bytes, and events. 0 is for ever.
	History time.Duration
	// Bytes bounds these; the oldest go first. 0 does not.
	Bytes int64
}

// KeyPolicy says whose signature counts for a gateway.
type KeyPolicy struct {
	// KnownOnly believes only keys that a person recorded, here or in the store. False: the
	// first key that speaks for a gateway is pinned and from then on the only one.
	KnownOnly bool
	// Known are keys recorded elsewhere than in the store, by gateway.
	Known map[string][]ed25519.PublicKey
}

func (s Settings) withDefaults() Settings {
	if s.Silence == 0 {
		s.Silence = time.Hour
	}
	if s.AckWait == 0 {
		s.AckWait = time.Minute
	}
	if s.Batch == 0 {
		s.Batch = 1000
		if s.Store != nil && s.Store.Writers() == 1 {
			s.Batch = 4000
		}
	}
	if s.Keep.Unchanged == 0 {
		s.Keep.Unchanged = 90 * 24 * time.Hour
	}
	if s.Metrics == nil {
		s.Metrics = prometheus.NewRegistry()
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	if s.Knowledge == nil && s.Base != nil {
		s.Knowledge = judge.NewKnowledge(s.Base, s.Policy)
	}
	return s
}
