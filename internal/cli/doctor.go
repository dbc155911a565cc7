package cli

import (
	"errors"
	"io"
	"os"

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
	addOutput(c, &output, formatTable, formatJSON)
	return c
}

func printChecks(w io.Writer, format string, checks []doctor.Check) error {
	if format == formatJSON {
		return writeJSON(w, checks, "  ")
	}
	screen := screenOf(w, nil)
	for _, c := range checks {
		if _, err := io.WriteString(w, screen.Check(string(c.Level), c.Name, c.Text, c.Advice)); err != nil {
			return writing(err)
		}
	}
	return nil
}
