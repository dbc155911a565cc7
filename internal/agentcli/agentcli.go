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
	"syscall"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/version"
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
variables and flags, in rising precedence. SIGHUP reads them again; if they are wrong, the
agent goes on with the old ones and says so in its health.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			source := configs.Source{File: file, Flags: c.Flags(), Environ: environ}
			load := func() (*configs.Agent, error) { return configs.LoadAgent(source) }
			config, err := load()
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			return run(c.Context(), config, load, once, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.AddCommand(statusCommand(environ), reloadCommand())
	f := c.Flags()
	f.StringVar(&file, "config", "", "configuration `file` (default "+configs.AgentFile+", if there)")
	f.BoolVar(&once, "once", false, "make one round, deliver it and end")
	f.StringArray("port", nil, "ask this port `path` and no other; repeatable")
	f.StringSlice("nats-url", nil, "`URL`s of NATS servers (default nats://127.0.0.1:4222)")
	f.String("gateway-id", "", "`id` of this gateway (default: a stable one of this machine)")
	f.String("state-dir", "", "`directory` of report key, boot counter and spool (default /var/lib/rollcall)")
	f.String("status-file", "", "`file` that tells agent status how the agent is (default /run/rollcall/status.json)")
	f.String("metrics-listen", "", "`HOST:PORT` on loopback where Prometheus may ask (default: nowhere)")
	f.Duration("interval", 0, "time between full rounds (default 24h)")
	f.IntSlice("baud", nil, "speeds to try on ports that are named or allowed, such as 9600,115200")
	f.Bool("inhibit-modemmanager", false, "have ModemManager let go of a module while it is asked; its data connection goes down")
	return c
}
