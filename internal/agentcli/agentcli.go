// Package agentcli is the command that runs the agent: `rollcall agent` and the program
// rollcall-agent, which is the same without collector, broker and database.
//
// It promises that both take the same flags, configuration and environment. It never
// links collector code.
package agentcli

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/signal"
	"runtime"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/logging"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/version"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// Run is all of the program rollcall-agent. It returns the exit status.
func Run(ctx context.Context, args, environ []string, stdout, stderr io.Writer) int {
	ctx, stop := signal.NotifyContext(ctx, os.Interrupt, syscall.SIGTERM)
	defer stop()
	c := Command(environ)
	c.Use, c.Version = "rollcall-agent", version.Version
	c.SilenceErrors, c.SilenceUsage = true, true
	c.SetArgs(args)
	c.SetOut(stdout)
	c.SetErr(stderr)
	c.SetFlagErrorFunc(func(_ *cobra.Command, err error) error { return exit.With(exit.Usage, err) })
	err := c.ExecuteContext(ctx)
	if err != nil {
		fmt.Fprintln(stderr, "rollcall-agent:", clean.Text(err.Error()))
	}
	return exit.Code(err)
}

// Command is `rollcall agent`. environ is that of the process.
func Command(environ []string) *cobra.Command {
	var file string
	var once bool
	c := &cobra.Command{
		Use:   "agent",
		Short: "Look at this gateway's modules and report them, for months",
		Long: `Looks at the modules of this gateway at start, when devices come or go, and at an
interval, and publishes signed reports over NATS. Reports wait in the state directory
while the link is down. Options come from ` + configs.AgentFile + `, ROLLCALL_
variables and flags, in rising precedence.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := configs.LoadAgent(configs.Source{File: file, Flags: c.Flags(), Environ: environ})
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			return run(c.Context(), config, once, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	f := c.Flags()
	f.StringVar(&file, "config", "", "configuration `file` (default "+configs.AgentFile+", if there)")
	f.BoolVar(&once, "once", false, "make one round, deliver it and end")
	f.StringArray("port", nil, "ask this port `path` and no other; repeatable")
	f.StringSlice("nats-url", nil, "`URL`s of NATS servers (default nats://127.0.0.1:4222)")
	f.String("gateway-id", "", "`id` of this gateway (default: a stable one of this machine)")
	f.String("state-dir", "", "`directory` of report key, boot counter and spool (default /var/lib/rollcall)")
	f.Duration("interval", 0, "time between full rounds (default 24h)")
	return c
}

// onceTimeout bounds a single round: a visit to every port, and the delivery.
const onceTimeout = 5 * time.Minute

func run(ctx context.Context, c *configs.Agent, once bool, stdout, stderr io.Writer) error {
	log := logging.New(stderr, c.Log.Level, c.Log.Format)
	if had, err := serialport.DropSysAdmin(); had {
		log.Warn("started with CAP_SYS_ADMIN, which defeats exclusive access to ports; gave it up", "error", err)
	}
	// Whoever gave this context waits for what it started.
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	s, err := settings(ctx, c)
	if err != nil {
		return err
	}
	s.Log = log
	d, err := agent.NewDaemon(ctx, s)
	if err != nil {
		return err
	}
	defer d.Close()
	if !once {
		log.Info("agent started", "gateway", s.Gateway.ID, "key", inventory.EncodeKey(d.Key()), "version", version.Version)
		return d.Run(ctx)
	}
	ctx, stop := context.WithTimeout(ctx, onceTimeout)
	defer stop()
	r, err := d.Once(ctx)
	if err != nil {
		return err
	}
	fmt.Fprintf(stdout, "report %s of gateway %s with %d modules is delivered\n", r.ID, r.Gateway.ID, len(r.Modules))
	return nil
}

// settings maps the configuration to what the agent takes.
func settings(ctx context.Context, c *configs.Agent) (agent.DaemonSettings, error) {
	var s agent.DaemonSettings
	base, err := overlay.Load(c.FingerprintsDir)
	if err != nil {
		return s, exit.With(exit.Usage, err)
	}
	gateway, err := Gateway(c.Gateway.ID, c.Gateway.Labels)
	if err != nil {
		return s, exit.With(exit.Usage, err)
	}
	finder := &serialport.Finder{Rules: rules(c)}
	look := survey.Settings{Finder: finder, Base: base, Ports: c.Scan.Ports, Timeout: c.Scan.Timeout}
	jitter := c.Scan.Jitter
	if jitter == 0 {
		jitter = -1 // the agent's zero means its default
	}
	s = agent.DaemonSettings{
		Settings: agent.Settings{
			Gateway: gateway, StateDir: c.StateDir,
			Interval: c.Scan.Interval, Jitter: jitter, Heartbeat: c.Heartbeat,
			Survey:  func(ctx context.Context) ([]inventory.Module, error) { return survey.Run(ctx, look) },
			Privacy: agent.Privacy(c.Privacy.IMEI),
		},
		Link: natslink.Settings{
			URLs: c.NATS.URLs, CredsFile: c.NATS.Creds, NKeyFile: c.NATS.NKey,
			CAFile: c.NATS.CA, CertFile: c.NATS.Cert, KeyFile: c.NATS.Key,
		},
		Spool: spool.Limits{Bytes: c.Spool.MaxBytes, Count: c.Spool.MaxReports},
	}
	if len(c.Scan.Ports) == 0 {
		s.Changes = (&serialport.Watcher{Finder: finder}).Watch(ctx)
	}
	return s, nil
}

// Gateway describes this machine. An empty id means a stable one of its own.
func Gateway(id string, labels map[string]string) (inventory.Gateway, error) {
	var err error
	if id == "" {
		if id, err = agent.MachineID("/"); err != nil {
			return inventory.Gateway{}, err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return inventory.Gateway{
		ID: id, Hostname: host, Labels: labels,
		Agent: "rollcall-agent/" + version.Version, OS: runtime.GOOS, Arch: runtime.GOARCH,
	}, nil
}

func rules(c *configs.Agent) serialport.Rules {
	var r serialport.Rules
	allow := func(m serialport.Match) {
		m.Reason = "allowed by the configuration"
		r.Allow = append(r.Allow, m)
	}
	for _, p := range c.Allow.Paths {
		allow(serialport.Match{Path: p})
	}
	for _, id := range c.Allow.IDs {
		allow(serialport.Match{ID: id})
	}
	for _, d := range c.Allow.Drivers {
		allow(serialport.Match{Driver: d})
	}
	return r
}
