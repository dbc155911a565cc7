package collector

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/web"
)

// ErrOpen: the listener is one that other machines reach, and there is no access control yet.
var ErrOpen = errors.New("other machines could reach this address, and there is no access control yet: " +
	"listen on 127.0.0.1 and put a proxy with TLS and logins before it, or allow it on purpose (allow_open_listen)")

const (
	drainRequests = 10 * time.Second
	maxHeader     = 32 << 10
)

// Listen listens on HOST:PORT for a Server; port 0 takes a free one, which the listener's
// Addr tells. An address beyond this machine is refused with ErrOpen unless open allows it.
func Listen(ctx context.Context, address string, open bool) (net.Listener, error) {
	var lc net.ListenConfig
	ln, err := lc.Listen(ctx, "tcp", address)
	if err != nil {
		return nil, fmt.Errorf("cannot listen on %q: %w", address, err)
	}
	if !open && !loopback(ln.Addr().String()) {
		_ = ln.Close()
		return nil, fmt.Errorf("cannot listen on %q: %w", address, ErrOpen)
	}
	return ln, nil
}

func loopback(hostport string) bool {
	a, err := netip.ParseAddrPort(hostport)
	return err == nil && a.Addr().Unmap().IsLoopback()
}

// Server serves HTTP on one listener and ends without cutting answers off.
type Server struct {
	listener net.Listener
	http     *http.Server
}

// NewServer takes over a listener, also where it returns an error.
func NewServer(ln net.Listener, h http.Handler, open bool) (*Server, error) {
	if !open && !loopback(ln.Addr().String()) {
		_ = ln.Close()
		return nil, fmt.Errorf("cannot serve on %s: %w", ln.Addr(), ErrOpen)
	}
	if !open {
		h = ownHost(h)
	}
	return &Server{listener: ln, http: &http.Server{
		Handler: h, MaxHeaderBytes: maxHeader,
		ReadHeaderTimeout: 5 * time.Second, ReadTimeout: 15 * time.Second, WriteTimeout: time.Minute, IdleTimeout: 2 * time.Minute,
	}}, nil
}

// Addr is where it listens.
func (s *Server) Addr() net.Addr { return s.listener.Addr() }

// Run serves until ctx ends, and then lets running answers come to their end.
func (s *Server) Run(ctx context.Context) error {
	failed := make(chan error, 1)
	go func() { failed <- s.http.Serve(s.listener) }()
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

// ownHost answers only those who ask this machine by a name of its own. A page elsewhere
// could otherwise point its own name here and read what a local browser may read.
func ownHost(h http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		host := r.Host
		if name, _, err := net.SplitHostPort(host); err == nil {
			host = name
		}
		ip, err := netip.ParseAddr(strings.Trim(host, "[]"))
		if host != "localhost" && (err != nil || !ip.IsLoopback()) {
			http.Error(w, "This collector answers only by the names of its own machine (localhost, 127.0.0.1).", http.StatusMisdirectedRequest)
			return
		}
		h.ServeHTTP(w, r)
	})
}

// server makes the one that Settings ask for, or nil.
func (c *collector) server() (*Server, error) {
	if c.s.Listener == nil {
		return nil, nil
	}
	f := &fleet.Fleet{Store: c.s.Store, Base: c.s.Base, Silence: c.s.Silence, Now: c.s.Now}
	mux := http.NewServeMux()
	mux.Handle("/", web.New(web.Settings{Fleet: f, Log: c.s.Log}))
	apis := api.New(f, c.ready, c.s.Log)
	for _, path := range []string{"/api/", "/healthz", "/readyz"} {
		mux.Handle(path, apis)
	}
	mux.Handle("GET /metrics", promhttp.HandlerFor(c.s.Metrics, promhttp.HandlerOpts{}))
	return NewServer(c.s.Listener, mux, c.s.AllowOpen)
}
