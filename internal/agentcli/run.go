package agentcli

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"os/signal"
	"syscall"
	"time"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/logging"
	"github.com/rollcall-iot/rollcall/internal/version"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// onceTimeout bounds a single round: a visit to every port, and the delivery.
const onceTimeout = 5 * time.Minute

// run runs the agent with configuration c until ctx ends. load reads the configuration again.
func run(ctx context.Context, c *configs.Agent, load func() (*configs.Agent, error), once bool, stdout, stderr io.Writer) error {
	log := logging.New(stderr, c.Log.Level, c.Log.Format)
	if had, err := serialport.DropSysAdmin(); had && err != nil {
		log.Warn("started with CAP_SYS_ADMIN, which defeats exclusive access to ports, and cannot give it up", "error", err)
	} else if had {
		log.Info("started with CAP_SYS_ADMIN, which defeats exclusive access to ports; gave it up")
	}
	if once {
		return lookOnce(ctx, c, log, stdout)
	}
	hup := make(chan os.Signal, 1)
	signal.Notify(hup, syscall.SIGHUP)
	defer signal.Stop(hup)
	var old *configs.Agent
	var refused error
	for {
		next, started, err := life(ctx, c, load, hup, log, refused)
		switch {
		case !started && old != nil:
			log.Error("the new configuration does not work; the old one stays", "error", err)
			c, old, refused = old, nil, err
		case next == nil:
			return err
		default:
			if err != nil {
				log.Warn("the agent did not end well before it began anew", "error", err)
			}
			c, old, refused = next, c, nil
			log = logging.New(stderr, c.Log.Level, c.Log.Format)
		}
	}
}

// life runs one daemon with configuration c, until ctx ends (next is nil) or a SIGHUP brings
// another configuration that reads well. refused is why another one is not in force.
func life(ctx context.Context, c *configs.Agent, load func() (*configs.Agent, error), hup <-chan os.Signal, log *slog.Logger, refused error) (next *configs.Agent, started bool, err error) {
	ctx, stop := context.WithCancelCause(ctx)
	defer stop(nil)
	d, s, err := start(ctx, c, log)
	if err != nil {
		return nil, false, err
	}
	joined := make(chan error, 1)
	if s.Link.Hold {
		go func() { joined <- joinWhile(ctx, d, joining(c, s, nil)) }()
	} else {
		joined = nil
	}
	if refused != nil {
		d.Raise(codeRefused, inventory.SeverityError, refused.Error())
	}
	done := make(chan error, 1)
	go func() { done <- d.Run(ctx) }()
	for {
		select {
		case err := <-done:
			stop(nil)
			return nil, true, errors.Join(err, waitFor(joined), d.Close())
		case <-hup:
			s.Systemd.Reloading()
			next, err := reread(ctx, load)
			if err != nil {
				s.Systemd.Ready()
				log.Error("configuration is wrong; the old one stays", "error", err)
				d.Raise(codeRefused, inventory.SeverityError, err.Error())
				continue
			}
			log.Info("configuration was read again")
			stop(agent.ErrRestart)
			return next, true, errors.Join(<-done, waitFor(joined), d.Close())
		case err := <-joined:
			if err != nil { // ctx has ended, and so does the daemon
				joined = nil
				continue
			}
			stop(agent.ErrRestart)
			return c, true, errors.Join(<-done, d.Close())
		}
	}
}

// joinAgain is the pause after what kept a gateway from asking, or from keeping what it was given.
const joinAgain = time.Minute

// joinWhile asks for credentials while the daemon looks and keeps what it finds, until it has them or ctx ends.
func joinWhile(ctx context.Context, d *agent.Daemon, s agent.JoinSettings) error {
	const code = "joining"
	d.Raise(code, inventory.SeverityWarning, "this gateway has no credentials yet and asks for some; reports wait")
	s.Stands = func(status join.Status, text string) {
		d.Raise(code, inventory.SeverityWarning, fmt.Sprintf("this gateway has no credentials yet (%s): %s; reports wait", status, text))
	}
	for said := ""; ; {
		err := agent.Join(ctx, s)
		if err == nil || ctx.Err() != nil {
			return err
		}
		d.Raise(code, inventory.SeverityError, err.Error())
		if text := err.Error(); text != said {
			s.Log.Error("cannot join; it is tried again", "error", err)
			said = text
		}
		select {
		case <-ctx.Done():
		case <-time.After(joinAgain):
		}
	}
}

// waitFor waits for one who joins, whose context has ended.
func waitFor(joined <-chan error) error {
	if joined != nil {
		<-joined
	}
	return nil
}

// codeRefused is the warning of an agent that goes on with an old configuration.
const codeRefused = "configuration-refused"

// reread reads the configuration and all that it names, before the old one is given up.
func reread(ctx context.Context, load func() (*configs.Agent, error)) (*configs.Agent, error) {
	c, err := load()
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	defer cancel() // ends the watcher that the trial started
	_, err = settings(ctx, c)
	return c, err
}

func start(ctx context.Context, c *configs.Agent, log *slog.Logger) (*agent.Daemon, agent.DaemonSettings, error) {
	s, err := settings(ctx, c)
	if err != nil {
		return nil, s, err
	}
	s.Log = log
	d, err := agent.NewDaemon(ctx, s)
	if err != nil {
		return nil, s, err
	}
	log.Info("agent started", "gateway", s.Gateway.ID, "key", inventory.EncodeKey(d.Key()), "version", version.Version)
	return d, s, nil
}

func lookOnce(ctx context.Context, c *configs.Agent, log *slog.Logger, stdout io.Writer) error {
	ctx, stop := context.WithTimeout(ctx, onceTimeout)
	defer stop()
	if err := joinFirst(ctx, c, log); err != nil {
		return err
	}
	d, _, err := start(ctx, c, log)
	if err != nil {
		return err
	}
	defer d.Close()
	r, err := d.Once(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "report %s of gateway %s with %d modules is delivered\n", r.ID, r.Gateway.ID, len(r.Modules))
	return nil
}

// joinFirst is for a single round, which is of no use without credentials.
func joinFirst(ctx context.Context, c *configs.Agent, log *slog.Logger) error {
	if !link(c).Hold {
		return nil
	}
	gateway, _, err := own(c)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	last := "nobody was asked yet"
	s := agent.DaemonSettings{Settings: agent.Settings{Gateway: gateway, StateDir: c.StateDir, Log: log}, Link: link(c)}
	err = agent.Join(ctx, joining(c, s, func(_ join.Status, text string) { last = text }))
	if err != nil && ctx.Err() != nil {
		return fmt.Errorf("%w: %s", err, last)
	}
	return err
}
