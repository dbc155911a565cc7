package cli

import (
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/agentcli"
	"github.com/rollcall-iot/rollcall/internal/doctor"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/modemmanager"
)

func doctorCommand() *cobra.Command {
	var file, output string
	c := &cobra.Command{
		Use:   "doctor",
		Short: "Say what is wrong on this machine and what to do about it",
		Long: `Looks at configuration, rights, cellular devices and who holds their ports, drivers,
ModemManager, clock, state directory and the way to NATS. Opens no port and changes
nothing. Exit status 1 when something keeps Rollcall from its work.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := configs.LoadAgent(configs.Source{File: file, Environ: os.Environ()})
			finder := new(serialport.Finder)
			if err != nil {
				config = nil
			} else {
				finder.Rules = agentcli.Rules(config)
			}
			checks := doctor.Run(c.Context(), doctor.Settings{Config: config, ConfigErr: err, Root: "/", Finder: finder, Manager: modemmanager.Manager{}})
			if file == "" && unconfigured() {
				withoutAgent(checks)
			}
			if err := printChecks(c.OutOrStdout(), output, checks); err != nil {
				return err
			}
			if doctor.Worst(checks) == doctor.Fail {
				return exit.With(exit.Failure, errors.New("something keeps Rollcall from its work; see above"))
			}
			return nil
		},
	}
	c.Flags().StringVar(&file, "config", "", "the agent's configuration `file` (default "+configs.AgentFile+", if there)")
	addOutput(c, &output, formatTable, formatJSON, formatYAML)
	return c
}

// unconfigured says that nobody has configured an agent on this machine.
func unconfigured() bool {
	_, err := os.Stat(configs.AgentFile)
	return errors.Is(err, fs.ErrNotExist) &&
		!slices.ContainsFunc(os.Environ(), func(e string) bool { return strings.HasPrefix(e, "ROLLCALL_NATS_") })
}

// withoutAgent makes a remark of the missing way to NATS: who only scans has no use for it.
func withoutAgent(checks []doctor.Check) {
	for i := range checks {
		if c := &checks[i]; c.Name == "NATS" && c.Level == doctor.Fail {
			c.Level, c.Advice = doctor.Note, "an agent needs a server, scan does not: nats.urls in "+configs.AgentFile
		}
	}
}

func printChecks(w io.Writer, format string, checks []doctor.Check) error {
	switch format {
	case formatJSON:
		return writeJSON(w, checks, "  ")
	case formatYAML:
		return writeYAML(w, checks)
	}
	screen := screenOf(w, nil)
	for _, c := range checks {
		if _, err := io.WriteString(w, screen.Check(string(c.Level), c.Name, c.Text, c.Advice)); err != nil {
			return writing(err)
		}
	}
	return nil
}
