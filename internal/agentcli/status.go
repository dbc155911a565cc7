package agentcli

import (
	"cmp"
	"errors"
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/inventory"
)

func statusCommand(environ []string) *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "status",
		Short: "Say how the running agent is",
		Long: `Reads the status file of a running agent. Exit status 1 when the agent has an error, when it has not written
for three heartbeats, or when there is no status.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := configs.LoadAgent(configs.Source{File: file, Flags: c.Flags(), Environ: environ})
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			s, err := agent.ReadStatus(config.StatusFile)
			if err != nil {
				return fmt.Errorf("%w; is the agent running, and its status file in a folder that is there (status_file)?", err)
			}
			return errors.Join(printStatus(c.OutOrStdout(), s), current(s, config.Heartbeat))
		},
	}
	c.Flags().StringVar(&file, "config", "", "configuration `file` (default "+configs.AgentFile+", if there)")
	c.Flags().String("status-file", "", "`file` that the agent writes (default /run/rollcall/status.json)")
	return c
}

// current says why a status is not of an agent that runs. It is written with every heartbeat, and jitter may double
// the time between two.
func current(s agent.Status, heartbeat time.Duration) error {
	const missed = 3
	if now := agent.Uptime(); s.Up > 0 && (now < s.Up || now-s.Up > missed*heartbeat) {
		return exit.With(exit.Failure, fmt.Errorf("the agent last said how it is at %s: is it running?", s.Time.UTC().Format(time.RFC3339)))
	}
	return nil
}

func printStatus(w io.Writer, s agent.Status) error {
	link := "not connected"
	if s.Connected {
		link = "connected"
	}
	fmt.Fprintf(w, "gateway   %s\n", clean.Line(s.Gateway))
	fmt.Fprintf(w, "agent     %s, boot %d, since %s\n", clean.Line(s.Agent), s.Boot, s.Started.UTC().Format(time.RFC3339))
	fmt.Fprintf(w, "key       %s\n", clean.Line(s.Key))
	fmt.Fprintf(w, "NATS      %s, %d waiting, %d dropped\n", link, s.Spool.Records, s.Spool.Dropped)
	if s.Report != nil {
		fmt.Fprintf(w, "report    %d of boot %d at %s (%s)\n", s.Report.Seq, s.Report.Boot, s.Report.Time.UTC().Format(time.RFC3339), s.Report.Reason)
	}
	for _, state := range slices.Sorted(maps.Keys(s.Modules)) {
		fmt.Fprintf(w, "modules   %d %s\n", s.Modules[state], clean.Line(string(state)))
	}
	for _, f := range s.Fitted {
		name := cmp.Or(strings.TrimSpace(clean.Line(f.MakerName)+" "+clean.Line(f.Model)), "not identified")
		fmt.Fprintf(w, "          %s: %s\n", clean.Line(f.ID), strings.TrimSpace(name+" "+clean.Line(f.Firmware)))
	}
	bad := false
	for _, h := range s.Health {
		bad = bad || h.Severity == inventory.SeverityError
		fmt.Fprintf(w, "%-8s  %s: %s (since %s)\n", clean.Line(string(h.Severity)), clean.Line(h.Code), clean.Line(h.Text), h.Since.UTC().Format(time.RFC3339))
	}
	if bad {
		return exit.With(exit.Failure, errors.New("the agent has an error; see above"))
	}
	return nil
}
