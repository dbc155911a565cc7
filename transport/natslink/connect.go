package natslink

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
)

const (
	defaultTimeout = 10 * time.Second
	defaultMaxWait = 5 * time.Minute
	// Carriers forget idle connections after a minute or so, and a black hole is to be
	// noticed within one.
	defaultPing   = 25 * time.Second
	firstWait     = time.Second
	defaultSpread = 30 * time.Second
)

// Link is one connection. It is safe for concurrent use. [Connect] makes one.
type Link struct {
	settings Settings
	conn     *nats.Conn
	js       jetstream.JetStream
	dialer   *dialer
	nkey     string        // public key of NKeyFile, which the client fixes
	up       chan struct{} // one token when the connection came

	mu       sync.Mutex
	warnings inventory.Warnings
	isUp     bool // the connection's own word may be a whole greeting late
	wasUp    bool
	waiting  map[int]*attempt // publishes that wait for an acknowledgement
	next     int
	checked  time.Time // when it was last looked at what will expire
}

// attempt is a publish in flight, which a handler may end early.
type attempt struct {
	subject string
	fail    context.CancelCauseFunc
}

// Connect prepares a link. A server that is away is no error: the link goes on trying.
// An error says that the settings cannot work. ctx bounds the first try.
func Connect(ctx context.Context, s Settings) (*Link, error) {
	l := &Link{settings: s.withDefaults(), dialer: newDialer(), waiting: map[int]*attempt{}, up: make(chan struct{}, 1)}
	opts, err := l.options()
	if err != nil {
		return nil, err
	}
	l.dialer.hold = s.Background || s.Hold
	if !s.Hold {
		defer l.dialer.release()
	}
	type result struct {
		conn *nats.Conn
		err  error
		up   bool
	}
	done := make(chan result, 1)
	go func() {
		conn, err := nats.Connect(strings.Join(s.URLs, ","), opts...)
		done <- result{conn, err, err == nil && !s.Background && conn.IsConnected()}
	}()
	var r result
	select {
	case r = <-done:
	case <-ctx.Done():
		l.dialer.stop() // which ends the first try
		if r = <-done; r.conn != nil {
			r.conn.Close()
		}
		return nil, fmt.Errorf("cannot connect to NATS: %w", ctx.Err())
	}
	if r.err != nil {
		return nil, fmt.Errorf("cannot connect to NATS: %w", r.err)
	}
	l.mu.Lock()
	l.conn = r.conn
	l.mu.Unlock()
	if l.js, err = jetstream.New(l.conn); err != nil {
		l.conn.Close()
		return nil, fmt.Errorf("cannot connect to NATS: %w", err)
	}
	if r.up {
		l.onUp(l.conn) // the handler says so too, a moment later
	}
	return l, nil
}

func (s Settings) withDefaults() Settings {
	if s.Name == "" {
		s.Name = s.Gateway
	}
	if s.Timeout == 0 {
		s.Timeout = defaultTimeout
	}
	if s.MaxWait == 0 {
		s.MaxWait = defaultMaxWait
	}
	if s.Spread == 0 {
		s.Spread = min(defaultSpread, s.MaxWait)
	}
	if s.PingInterval == 0 {
		s.PingInterval = defaultPing
	}
	if s.Now == nil {
		s.Now = time.Now
	}
	return s
}

func (l *Link) options() ([]nats.Option, error) {
	s := l.settings
	opts := []nats.Option{
		nats.Name(s.Name),
		nats.RetryOnFailedConnect(true),
		nats.MaxReconnects(-1),
		// The spool is the only buffer. The client's own would say yes and forget.
		nats.ReconnectBufSize(-1),
		// Two refusals would otherwise close the connection for good.
		nats.IgnoreAuthErrorAbort(),
		nats.CustomReconnectDelay(l.delay),
		nats.PingInterval(s.PingInterval),
		nats.MaxPingsOutstanding(2),
		nats.Timeout(dialTimeout),
		nats.SetCustomDialer(l.dialer),
		nats.ErrorHandler(l.onError),
		nats.ConnectHandler(l.onUp),
		nats.ReconnectHandler(l.onUp),
		nats.DisconnectErrHandler(func(_ *nats.Conn, err error) { l.onLost(err) }),
		nats.ReconnectErrHandler(func(_ *nats.Conn, err error) { l.onDown(err) }),
	}
	if s.Joining {
		opts = append(opts, nats.CustomInboxPrefix(JoinInbox))
	} else if s.Gateway != "" {
		if err := inventory.CheckGatewayID(s.Gateway); err != nil {
			return nil, fmt.Errorf("cannot connect to NATS: %w", err)
		}
		opts = append(opts, nats.CustomInboxPrefix(InboxPrefix(s.Gateway)))
	}
	if s.InProcess != nil {
		opts = append(opts, nats.InProcessServer(s.InProcess))
	} else if len(s.URLs) == 0 {
		return nil, errors.New("cannot connect to NATS: no URL is given")
	}
	if s.NKeyFile != "" {
		l.nkey = publicKey(s.NKeyFile)
	}
	secure, err := secrets(s)
	return append(opts, secure...), err
}

// delay is the pause before the n-th round of tries. It is also the only place that
// learns why a greeting failed (certificates, credentials) after the first connection.
func (l *Link) delay(n int) time.Duration {
	l.dialer.paused()
	conn, wasUp := l.state()
	if conn != nil && n > 1 {
		l.onDown(conn.LastError())
	}
	s := l.settings
	switch {
	case s.Hold:
		return defaultMaxWait
	case wasUp:
		return Backoff(n, s.Spread, s.MaxWait)
	case s.Background && n == 1:
		return 10 * time.Millisecond // the first try was none
	}
	return Backoff(n, min(firstWait, s.MaxWait), s.MaxWait)
}

func (l *Link) state() (conn *nats.Conn, wasUp bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.conn, l.wasUp
}

// secrets are the options that hold keys and trust.
func secrets(s Settings) ([]nats.Option, error) {
	for _, path := range []string{s.CredsFile, s.NKeyFile, s.KeyFile} {
		if err := checkSecret(path); err != nil {
			return nil, err
		}
	}
	var opts []nats.Option
	if s.CredsFile != "" {
		opts = append(opts, nats.UserCredentials(s.CredsFile))
	}
	if s.NKeyFile != "" {
		o, err := nats.NkeyOptionFromSeed(s.NKeyFile)
		if err != nil {
			return nil, fmt.Errorf("cannot use the NKey in %s: %w", s.NKeyFile, err)
		}
		opts = append(opts, o)
	}
	if s.CAFile != "" {
		opts = append(opts, nats.RootCAs(s.CAFile))
	}
	if s.CertFile != "" {
		opts = append(opts, nats.ClientCert(s.CertFile, s.KeyFile))
	}
	if slices.ContainsFunc(s.URLs, func(u string) bool { return strings.HasPrefix(u, "tls://") || strings.HasPrefix(u, "wss://") }) {
		opts = append(opts, nats.Secure())
	}
	return opts, nil
}

// Conn is the connection, for services that answer on it. It is not for publishing.
func (l *Link) Conn() *nats.Conn { return l.conn }

// Connected says whether a server is there now.
func (l *Link) Connected() bool {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.isUp
}

// Up gets a token whenever the connection came: what waits may be tried at once.
func (l *Link) Up() <-chan struct{} { return l.up }

// Close ends the connection and everything that waits on it.
func (l *Link) Close() {
	l.dialer.stop() // first: a greeting that never comes holds the connection's lock
	l.conn.Close()
	l.failAll(nats.ErrConnectionClosed)
}
