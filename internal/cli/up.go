package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	fleetjudge "github.com/rollcall-iot/rollcall/collector/judge" // judge is a function here
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/agentcli"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/logging"
	"github.com/rollcall-iot/rollcall/internal/up"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

func upCommand() *cobra.Command {
	var s up.Settings
	var level, rules string
	c := &cobra.Command{
		Use:   "up",
		Short: "Run broker, collector, pages and an agent for this machine in one process",
		Long: `Runs an embedded NATS server, the collector with its pages and API, and an agent for
this machine, in one process with one data directory. With --simulate N, N gateways
with simulated modules report too. Ends with Ctrl-C; the next start shows the same fleet.`,
		Example: "  rollcall up --simulate 12",
		Args:    cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if s.Simulate < 0 || s.Simulate > 1000 {
				return exit.Usagef("--simulate takes 0 to 1000 gateways, not %d", s.Simulate)
			}
			_, _ = serialport.DropSysAdmin()
			var err error
			if s.Base, err = fingerprint.Embedded(); err != nil {
				return err
			}
			if s.Policy, err = findings.Load(rules); err != nil {
				return exit.With(exit.Usage, err)
			}
			if s.Gateway, err = agentcli.Gateway("", nil); err != nil {
				return err
			}
			s.Log = logging.New(c.ErrOrStderr(), level, "text")
			s.Opened = func(kept store.Access) { noteRulesOf(&s, rules, kept) }
			s.Ready = func(a up.Addresses) { printAddresses(c, s, a) }
			return up.Run(c.Context(), s)
		},
	}
	f := c.Flags()
	f.StringVar(&s.DataDir, "data-dir", "rollcall-data", "`directory` of all state")
	f.StringVar(&s.Listen, "listen", "127.0.0.1:8080", "`HOST:PORT` of pages and API; port 0 takes a free one")
	f.StringVar(&s.NATSListen, "nats-listen", "127.0.0.1:4222", "`HOST:PORT` for gateways; port 0 takes a free one")
	f.IntVar(&s.Simulate, "simulate", 0, "also run `N` gateways with simulated modules")
	f.BoolVar(&s.AllowOpen, "allow-open-listen", false, "let other machines reach both without TLS: they read the pages while there is no token, and publish to the broker")
	f.StringVar(&rules, "policy", "", "`path` of your own lists and rules, a file or a directory")
	f.StringVar(&level, "log-level", "warn", "debug, info, warn or error")
	return c
}

// noteRulesOf keeps in the log of who did what by which rules the fleet is judged, as a collector does.
func noteRulesOf(s *up.Settings, rules string, kept store.Access) {
	o := ownKnowledge{policy: rules, knowledge: fleetjudge.NewKnowledge(s.Base, s.Policy), rules: &rulesLog{kept, s.Log}}
	o.noteFiles("as rollcall up started")
}

func printAddresses(c *cobra.Command, s up.Settings, a up.Addresses) {
	w := c.OutOrStdout()
	fmt.Fprintf(w, "Rollcall is up.\n\n")
	fmt.Fprintf(w, "  pages  %s/\n", a.Web)
	fmt.Fprintf(w, "  API    %s/api/v1/modules\n", a.Web)
	fmt.Fprintf(w, "  NATS   %s\n", a.NATS)
	fmt.Fprintf(w, "  data   %s\n\n", s.DataDir)
	server := "" // the one that is asked when none is named
	if a.Web != defaultServer {
		server = " --server " + a.Web
	}
	fmt.Fprintf(w, "  rollcall fleet modules%s\n", server)
	fmt.Fprintf(w, "  rollcall fleet findings%s\n\n", server)
	fmt.Fprintf(w, "This machine's agent reports too. Ctrl-C ends it; the state stays.\n")
}
