// Package broker runs a NATS server with JetStream inside this process, for `rollcall up`
// and for tests.
//
// It promises that what JetStream acknowledged is on disk (sync_interval: always), that the
// store in its directory is found again after a crash, and that Close returns when the server has
// ended. It is for one machine: it never listens beyond the given address, never forms a cluster,
// and installs no signal handlers.
package broker

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"strconv"
	"strings"
	"syscall"
	"time"

	"github.com/nats-io/nats-server/v2/server"
	"github.com/nats-io/nats.go"
)

// Settings of a Broker.
type Settings struct {
	// Listen is HOST:PORT for gateways; port 0 takes a free one.
	Listen string
	// Dir holds JetStream's store.
	Dir string
	// Log gets the server's warnings and errors. Nil: none.
	Log *slog.Logger
}

// Broker is a running server.
type Broker struct {
	server *server.Server
}

// Start runs a server and waits until it takes connections.
func Start(ctx context.Context, s Settings) (*Broker, error) {
	host, portText, err := net.SplitHostPort(s.Listen)
	if err != nil {
		return nil, fmt.Errorf("cannot listen for NATS on %q: want HOST:PORT", s.Listen)
	}
	port, err := strconv.Atoi(portText)
	if err != nil || port < 0 || port > 65535 {
		return nil, fmt.Errorf("cannot listen for NATS on %q: port %q is no number from 0 to 65535", s.Listen, portText)
	}
	if port == 0 {
		port = server.RANDOM_PORT
	}
	srv, err := server.NewServer(&server.Options{
		ServerName: "rollcall", Host: host, Port: port,
		JetStream: true, StoreDir: s.Dir,
		// The default flushes every two minutes: an acknowledged report could be lost with the power.
		SyncAlways: true,
		NoSigs:     true, MaxPayload: 1 << 20,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot prepare the NATS server: %w", err)
	}
	log := &logger{log: s.Log}
	srv.SetLoggerV2(log, false, false, false)
	go srv.Start()
	for !srv.ReadyForConnections(50 * time.Millisecond) {
		if err := errors.Join(ctx.Err(), log.fatal()); err != nil {
			srv.Shutdown()
			srv.WaitForShutdown()
			return nil, fmt.Errorf("cannot start the NATS server on %s with its store in %s: %w", s.Listen, s.Dir, err)
		}
	}
	return &Broker{server: srv}, nil
}

// URL is where gateways connect.
func (b *Broker) URL() string { return b.server.ClientURL() }

// Connect opens a connection within the process, without a socket.
func (b *Broker) Connect(name string) (*nats.Conn, error) {
	return nats.Connect("", nats.InProcessServer(b.server), nats.Name(name), nats.MaxReconnects(-1))
}

// Close ends the server and waits for it.
func (b *Broker) Close() {
	b.server.Shutdown()
	b.server.WaitForShutdown()
}

// logger passes what matters to slog and remembers what ended the server: Start reports failures only there.
type logger struct {
	log  *slog.Logger
	dead atomicError
}

func (l *logger) fatal() error { return l.dead.load() }

func (l *logger) Noticef(string, ...any) {}
func (l *logger) Debugf(string, ...any)  {}
func (l *logger) Tracef(string, ...any)  {}

func (l *logger) Warnf(format string, v ...any)  { l.write(slog.LevelWarn, format, v) }
func (l *logger) Errorf(format string, v ...any) { l.write(slog.LevelError, format, v) }

func (l *logger) Fatalf(format string, v ...any) {
	err := errors.New(strings.TrimSpace(fmt.Sprintf(format, v...)))
	if strings.Contains(err.Error(), syscall.EADDRINUSE.Error()) {
		err = fmt.Errorf("another program listens there: %w", syscall.EADDRINUSE) // the server gives texts alone
	}
	l.dead.store(err)
}

func (l *logger) write(level slog.Level, format string, v []any) {
	if l.log != nil {
		l.log.Log(context.Background(), level, "nats-server", "text", fmt.Sprintf(format, v...))
	}
}
