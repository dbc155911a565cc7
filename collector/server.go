package collector

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/query"
	"github.com/rollcall-iot/rollcall/collector/web"
	"github.com/rollcall-iot/rollcall/internal/version"
)

// ErrOpen: other machines reach the listener, and it lacks what that needs.
var ErrOpen = errors.New("other machines could reach this address: that needs TLS (tls_cert and tls_key), and a token " +
	"(rollcall token create NAME --role admin --store …) or an OpenID Connect provider (oidc). Or listen on 127.0.0.1; " +
	"or, behind a proxy that speaks TLS, set allow_open_listen")

const (
	drainRequests = 10 * time.Second
	maxHeader     = 32 << 10
)

// Listen listens on HOST:PORT for a Server; port 0 takes a free one, which the listener's
// Addr tells.
func Listen(ctx context.Context, address string) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", address, err)
	}
	return ln, nil
}

// Loopback says whether only this machine reaches an address.
func Loopback(a net.Addr) bool {
	p, err := netip.ParseAddrPort(a.String())
	return err == nil && p.Addr().Unmap().IsLoopback()
}

// Server serves HTTP on one listener and ends without cutting answers off.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// NewServer takes over a listener. config is nil for one without TLS.
func NewServer(ln net.Listener, h http.Handler, config *tls.Config) *Server {
	return &Server{listener: ln, http: &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader, TLSConfig: config,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}}
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

func (s *Server) serve() error {
	if s.http.TLSConfig != nil {
		return s.http.ServeTLS(s.listener, "", "") // the configuration has the certificate
	}
	return s.http.Serve(s.listener)
}

// Run serves until ctx ends, and then lets running answers come to their end.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.serve() }()
	select {
	case err := <-failed:
		return fmt.Errorf("cannot serve on %s: %w", s.Addr(), err)
	case <-ctx.Done():
	}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), drainRequests)
	defer cancel()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close() // they had their time
	}
	<-failed
	return nil
}

// guard makes the one that Settings ask for, and refuses a listener that it could not keep.
func (c *collector) guard(ctx context.Context) (*access.Guard, error) {
	s, here := c.s.Access, Loopback(c.s.Listener.Addr())
	s.Store, s.Log, s.Now = c.s.Store, c.s.Log, c.s.Now
	s.Loopback, s.Open = here && !c.s.AllowOpen, c.s.AllowOpen
	g, err := access.New(s)
	if err != nil || here {
		return g, err
	}
	controlled, err := g.Controlled(ctx)
	switch {
	case err != nil:
		return nil, err
	case c.s.AllowOpen && !controlled:
		c.s.Log.Warn("anybody who reaches this address may read the fleet: no token exists and no OpenID Connect provider is configured", "address", c.s.Listener.Addr())
	case !c.s.AllowOpen && (c.s.TLS == nil || !controlled):
		return nil, fmt.Errorf("cannot serve on %s: %w", c.s.Listener.Addr(), ErrOpen)
	}
	return g, nil
}

// server makes the one that Settings ask for, or nil. It owns the listener, also where it fails.
func (c *collector) server(ctx context.Context) (*Server, error) {
	if c.s.Listener == nil {
		return nil, nil
	}
	guard, err := c.guard(ctx)
	if err != nil {
		return nil, errors.Join(err, c.s.Listener.Close())
	}
	c.access = guard
	return NewServer(c.s.Listener, c.handler(guard), c.s.TLS), nil
}

// fleet answers questions with what the collector knows.
func (c *collector) fleet() *fleet.Fleet {
	return &fleet.Fleet{Store: c.s.Store, Base: c.know, Knowledge: c.know, Clear: c.clearConflict, Silence: c.s.Silence, Scanner: scanner{c.s.Conn}, Now: c.s.Now}
}

// answerNATS answers questions over NATS until ctx ends. Where the broker's permissions do not
// let it, nobody gets an answer, and the log says why.
func (c *collector) answerNATS(ctx context.Context) {
	c.report("answer questions over NATS", query.Serve(ctx, query.Settings{Conn: c.s.Conn, Fleet: c.fleet(), Version: version.Version, Log: c.s.Log}))
}

// handler is all that is served: pages and API to those who may, and to everybody the login
// page, what it looks like, and whether the collector is well.
func (c *collector) handler(guard *access.Guard) http.Handler {
	f := c.fleet()
	mux := http.NewServeMux()
	mux.Handle("/", guard.Require(access.Read, web.New(web.Settings{Fleet: f, Log: c.s.Log, Guard: guard})))
	for _, path := range []string{"/login", "/login/", "/logout"} {
		mux.Handle(path, guard.Pages())
	}
	apis := api.New(api.Settings{Fleet: f, Guard: guard, Audits: c.s.Store, Ready: c.ready, Log: c.s.Log})
	for _, path := range []string{"/api/", "/healthz", "/readyz"} {
		mux.Handle(path, apis)
	}
	mux.Handle("GET /metrics", guard.Require(access.Read, metricsOf(c.s.Metrics)))
	return mux
}
