package webhook

import (
	"cmp"
	"context"
	"crypto/x509"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"strings"
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/policy"
)

// Hook is one receiver.
type Hook struct {
	// Name tells it from others: lower-case letters, digits and "-". How far it came is kept
	// under it.
	Name string
	// URL is https://…; http:// only with AllowHTTP.
	URL       string
	AllowHTTP bool
	// Secrets sign; several while one is replaced by the next. See [ParseSecrets].
	Secrets [][]byte
	// Kinds are the events that it wants. Empty: all.
	Kinds []store.EventKind
	// Severity is the least of a finding that it wants to hear of. 0: any.
	Severity policy.Severity
	// Roots verify its certificate. Nil: those of the system.
	Roots *x509.CertPool
	// Timeout bounds one try. 0 is 10 s, 30 s the most.
	Timeout time.Duration
	// Tries is how often an event is tried that the receiver refuses. 0 is 5.
	Tries int
	// GiveUp is how long a failing hook is waited for. 0 is 72 h.
	GiveUp time.Duration
}

// Store is what a Sender needs of the collector's store.
type Store interface {
	Identity(ctx context.Context) (string, error)
	Events(ctx context.Context, f store.EventFilter, p store.Page) (store.EventList, error)
	EventsAfter(ctx context.Context, no int64, limit int) ([]store.Event, error)
	Mark(ctx context.Context, name string) (int64, error)
	SetMark(ctx context.Context, name string, n int64) error
}

// DeadLetters takes what is given up. [deadletter.Box] does.
type DeadLetters interface {
	Put(ctx context.Context, letters ...deadletter.Letter) error
}

// Settings of a Sender. Hooks, Store and Dead are needed.
type Settings struct {
	Hooks []Hook
	Store Store
	Dead  DeadLetters
	// Lease says when this program may send. Nil: always, because it is the only one.
	Lease *Lease
	// Every is how often is looked for new events. 0 is 2 s.
	Every time.Duration
	// FirstPause is the longest pause after a first failure, MostPause after many. 0 are 5 s
	// and 10 min.
	FirstPause, MostPause time.Duration
	// Metrics is where counts go. Nil: nowhere.
	Metrics prometheus.Registerer
	// Log gets what an operator wants to know. Nil: nothing.
	Log *slog.Logger
}

func (s Settings) withDefaults() Settings {
	s.Every = cmp.Or(s.Every, 2*time.Second)
	s.FirstPause = cmp.Or(s.FirstPause, 5*time.Second)
	s.MostPause = cmp.Or(s.MostPause, 10*time.Minute)
	if s.Metrics == nil {
		s.Metrics = prometheus.NewRegistry()
	}
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	return s
}

// Sender sends events to hooks.
type Sender struct {
	s     Settings
	hooks []*sending
}

// New checks the hooks.
func New(s Settings) (*Sender, error) {
	s = s.withDefaults()
	if s.Store == nil || s.Dead == nil {
		return nil, errors.New("cannot send webhooks: Store and Dead are needed")
	}
	out := &Sender{s: s}
	m := newMetrics(s.Metrics)
	names := map[string]bool{}
	for _, h := range s.Hooks {
		h.Timeout, h.Tries, h.GiveUp = cmp.Or(h.Timeout, 10*time.Second), cmp.Or(h.Tries, 5), cmp.Or(h.GiveUp, 72*time.Hour)
		if err := h.check(); err != nil {
			return nil, fmt.Errorf("webhook %q: %w", h.Name, err)
		}
		if names[h.Name] {
			return nil, fmt.Errorf("webhook %q stands twice; give each a name of its own", h.Name)
		}
		names[h.Name] = true
		out.hooks = append(out.hooks, newSending(h, s, m))
	}
	return out, nil
}

func (h *Hook) check() error {
	u, err := url.Parse(h.URL)
	switch {
	case h.Name == "" || len(h.Name) > 64 || strings.Trim(h.Name, "abcdefghijklmnopqrstuvwxyz0123456789-") != "":
		return errors.New("name: use up to 64 lower-case letters, digits and \"-\"")
	case err != nil || u.Host == "" || u.Fragment != "":
		return errors.New("url: is no address such as https://host/path") // which may hold a token, as errors of net/url would repeat
	case u.User != nil:
		return errors.New("url: holds a user name or password; receivers know Rollcall by its signature")
	case u.Scheme != "https" && (u.Scheme != "http" || !h.AllowHTTP):
		return fmt.Errorf("url: scheme %q, want https (or http and allow_http, where nobody can listen)", u.Scheme)
	case len(h.Secrets) == 0:
		return errors.New("secret_file: a secret is needed, so that the receiver knows who sends")
	case h.Timeout < 0 || h.Timeout > 30*time.Second:
		return fmt.Errorf("timeout: %s is not between 0 and 30s", h.Timeout)
	case h.Tries < 0 || h.GiveUp < 0:
		return errors.New("tries and give_up cannot be negative")
	}
	for _, k := range h.Kinds {
		if !known(k) {
			return fmt.Errorf("kinds: there is no event %q", k)
		}
	}
	return nil
}

// Run sends until ctx ends. What is being sent then comes to its end first.
func (s *Sender) Run(ctx context.Context) {
	if len(s.hooks) == 0 {
		return
	}
	var hooks, lease sync.WaitGroup
	if s.s.Lease != nil {
		held, release := context.WithCancel(context.WithoutCancel(ctx))
		defer lease.Wait()
		defer release() // after the hooks: who sends next finds their marks
		lease.Go(func() { s.s.Lease.run(held) })
	}
	for _, h := range s.hooks {
		hooks.Go(func() { h.run(ctx) })
	}
	hooks.Wait()
}
