// Package up runs everything in one process: a broker, a collector with its pages, an agent
// for this machine, and simulated gateways for those who have no hardware.
//
//	dir/nats        JetStream's store        dir/rollcall.db   the collector's
//	dir/agent       this machine's agent     dir/simulated/N   one for each simulated gateway
//
// It promises that all state is below one directory, that a kill at any moment loses
// nothing that was reported, and that the next start on that directory shows the same
// fleet. It never listens beyond this machine unless it is told to.
package up

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"path/filepath"
	"syscall"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/broker"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/modemmanager"
)

// Settings of Run. DataDir, Listen, NATSListen, Base and Gateway are needed.
type Settings struct {
	DataDir string
	// Listen is HOST:PORT of the pages, NATSListen that for gateways; port 0 takes a free one.
	Listen, NATSListen string
	// AllowOpen lets both be reached from other machines without TLS. The broker has no access
	// control; the pages let anybody read while there is no token.
	AllowOpen bool
	// Simulate is how many simulated gateways run beside this machine's agent.
	Simulate int
	Base     *fingerprint.Base
	// Policy judges the fleet. Nil: nothing is found of any module.
	Policy *policy.Policy
	// Gateway describes this machine.
	Gateway inventory.Gateway
	// Opened, where set, is called once with the store, just before anything is judged: it keeps by
	// which rules that is.
	Opened func(store.Access)
	// Ready is called once when gateways can report and people can look.
	Ready func(Addresses)
	// Log gets what an operator wants to know. Nil: nothing.
	Log *slog.Logger
}

// Addresses are where to look.
type Addresses struct {
	Web  string // http://host:port
	NATS string // nats://host:port
}

// Run runs everything until ctx ends or a part fails, and waits for all of it.
func Run(ctx context.Context, s Settings) error {
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	if err := s.checkOpen(); err != nil {
		return err
	}
	// The store tells whether the directory is in use: a second broker would spoil the first one's stream.
	kept, err := sqlite.Open(ctx, filepath.Join(s.DataDir, "rollcall.db"))
	if err != nil {
		return err
	}
	defer kept.Close()
	b, err := broker.Start(ctx, broker.Settings{Listen: s.NATSListen, Dir: filepath.Join(s.DataDir, "nats"), Log: s.Log})
	if errors.Is(err, syscall.EADDRINUSE) {
		return fmt.Errorf("%w; choose another address with --nats-listen", err)
	}
	if err != nil {
		return err
	}
	defer b.Close()
	g, ctx := errgroup.WithContext(ctx)
	collecting := make(chan struct{})
	g.Go(func() error { return s.collect(ctx, b, kept, collecting) })
	g.Go(func() error {
		select {
		case <-collecting:
			return s.gateways(ctx, b.URL())
		case <-ctx.Done():
			return nil
		}
	})
	if err := g.Wait(); err != nil && !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

// checkOpen refuses a broker that anybody may publish to; the collector does the same for its pages.
func (s Settings) checkOpen() error {
	host, _, err := net.SplitHostPort(s.NATSListen)
	if err != nil {
		return fmt.Errorf("cannot listen for NATS on %q: want HOST:PORT", s.NATSListen)
	}
	if ip := net.ParseIP(host); !s.AllowOpen && host != "localhost" && (ip == nil || !ip.IsLoopback()) {
		return fmt.Errorf("cannot listen for NATS on %q: the embedded broker has no access control, so that it is for this machine only; run a NATS server of your own (configs/), or allow it with --allow-open-listen", s.NATSListen)
	}
	return nil
}

// collect runs the collector, and closes ready when it consumes and serves.
func (s Settings) collect(ctx context.Context, b *broker.Broker, kept store.Store, ready chan<- struct{}) error {
	conn, err := b.Connect("rollcall-collector")
	if err != nil {
		return fmt.Errorf("cannot connect the collector to the embedded broker: %w", err)
	}
	defer conn.Close()
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", s.Listen)
	if err != nil {
		return fmt.Errorf("cannot serve the pages on %s: %w; choose another address with --listen", s.Listen, err)
	}
	if s.Opened != nil {
		s.Opened(kept)
	}
	return collector.Run(ctx, collector.Settings{
		Conn: conn, Store: kept, Base: s.Base, Policy: s.Policy, Listener: listener, AllowOpen: s.AllowOpen, Log: s.Log,
		Ready: func() {
			close(ready)
			if s.Ready != nil {
				s.Ready(Addresses{Web: "http://" + listener.Addr().String(), NATS: b.URL()})
			}
		},
	})
}

// gateways runs the agents.
func (s Settings) gateways(ctx context.Context, url string) error {
	g, ctx := errgroup.WithContext(ctx)
	finder, memory := new(serialport.Finder), new(survey.Memory)
	g.Go(func() error {
		return s.gateway(ctx, url, filepath.Join(s.DataDir, "agent"), agent.Settings{
			Gateway: s.Gateway,
			Survey: func(ctx context.Context) ([]inventory.Module, error) {
				return survey.Run(ctx, survey.Settings{Finder: finder, Base: s.Base, Memory: memory, Manager: modemmanager.Manager{}})
			},
			Changes: memory.Watch(ctx, (&serialport.Watcher{Finder: finder}).Watch(ctx)),
		})
	})
	if s.Simulate > 0 {
		g.Go(func() error { return s.simulated(ctx, url) })
	}
	return g.Wait()
}

// starting bounds how long a gateway of this process may take to start.
const starting = 30 * time.Second

func (s Settings) gateway(ctx context.Context, url, dir string, a agent.Settings) error {
	a.StateDir, a.Log = dir, s.Log.With("gateway", a.Gateway.ID)
	start, cancel := context.WithTimeout(ctx, starting)
	defer cancel()
	d, err := agent.NewDaemon(start, agent.DaemonSettings{Settings: a, Link: natslink.Settings{URLs: []string{url}}})
	if err != nil {
		return fmt.Errorf("cannot run gateway %s: %w", a.Gateway.ID, err)
	}
	return errors.Join(d.Run(ctx), d.Close())
}
