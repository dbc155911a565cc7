package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/simulate"
)

func simulateCommand() *cobra.Command {
	var from, dir, echo string
	var delay time.Duration
	var baud int
	var load simulatedFleet
	c := &cobra.Command{
		Use:   "simulate",
		Short: "Run modules on pseudo terminals that answer as real ones did",
		Long: `Runs one module for each transcript until interrupted, on a pseudo terminal that DIR/<id>
leads to. Without --from, the embedded transcripts of real modules are used.

With --fleet N there are no terminals: N gateways with such modules publish signed reports to a
broker, for load tests of brokers and collectors. Each reports once; with --duration they
go on, some of them with changes. All but the times follows from --seed and --boot.`,
		Example: `  rollcall simulate --dir /tmp/modules &
  rollcall scan --port /tmp/modules/quectel-eg18-ea-a

  rollcall simulate --fleet 1000 --nats-url nats://127.0.0.1:4222 --duration 30s --rate 500 --change 0.01`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if c.Flags().Changed("fleet") {
				return load.run(c, from)
			}
			s := simulate.Settings{Delay: delay, Baud: baud}
			if delay == 0 {
				s.Delay = -1 // zero means the default there
			}
			switch echo {
			case "varied":
			case "on":
				s.Echo = simulate.EchoOn
			case "off":
				s.Echo = simulate.EchoOff
			default:
				return exit.Usagef("unknown echo %q; use varied, on or off", echo)
			}
			cases, err := simulated(c, from)
			if err != nil {
				return err
			}
			return runModules(c, cases, dir, s)
		},
	}
	f := c.Flags()
	f.StringVar(&from, "from", "", "`FILE` of JSON Lines, or - for standard input (default: embedded transcripts)")
	f.StringVar(&dir, "dir", "", "`directory` for the links to the modules (default: none, the pseudo terminals are printed)")
	f.DurationVar(&delay, "delay", simulate.DefaultDelay, "`time` that a module takes to answer")
	f.IntVar(&baud, "baud", 0, "pace answers like a line of this `speed`, such as 115200 (default: no pacing)")
	load.flags(c)
	f.StringVar(&echo, "echo", "varied", "whether modules echo: varied, on or off")
	return c
}

func simulated(c *cobra.Command, from string) ([]capture.Case, error) {
	if from == "" {
		return simulate.Cases()
	}
	in, err := openInput(c, from)
	if err != nil {
		return nil, err
	}
	defer func() { _ = in.Close() }()
	var cases []capture.Case
	for k, err := range capture.ReadJSONLines(in) {
		if err != nil {
			return nil, fmt.Errorf("cannot simulate from %s: %w", named(from), err)
		}
		cases = append(cases, k)
	}
	if len(cases) == 0 {
		return nil, fmt.Errorf("cannot simulate from %s: there is no transcript in it", named(from))
	}
	return cases, nil
}

func runModules(c *cobra.Command, cases []capture.Case, dir string, s simulate.Settings) error {
	fleet, err := simulate.Start(c.Context(), cases, dir, s)
	if err != nil {
		return err
	}
	for i, m := range fleet.Modules() {
		line := m.Path() + " " + cases[i].ID
		if to, err := os.Readlink(m.Path()); err == nil {
			line = m.Path() + " -> " + to
		}
		if _, err := fmt.Fprintln(c.OutOrStdout(), clean.Line(line)); err != nil {
			_ = fleet.Close()
			return writing(err)
		}
	}
	if _, ok := terminal(c.ErrOrStderr()); ok {
		fmt.Fprintf(c.ErrOrStderr(), "%d modules answer; Ctrl-C ends them\n", len(cases))
	}
	<-c.Context().Done()
	return fleet.Close()
}
