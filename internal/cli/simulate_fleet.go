package cli

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/simulate/fleet"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// simulatedFleet is what the flags of `simulate --fleet` say.
type simulatedFleet struct {
	fleet       fleet.Settings
	load        fleet.Load
	link        natslink.Settings
	connections int
	output      string
}

func (s *simulatedFleet) flags(c *cobra.Command) {
	f := c.Flags()
	f.IntVar(&s.fleet.Gateways, "fleet", 0, "publish as `N` gateways instead, without pseudo terminals")
	f.StringSliceVar(&s.link.URLs, "nats-url", []string{"nats://127.0.0.1:4222"}, "fleet: `URL`s of NATS servers")
	f.StringVar(&s.link.CredsFile, "creds", "", "fleet: `file` of credentials that may publish for all gateways")
	f.StringVar(&s.link.NKeyFile, "nkey", "", "fleet: the same as `file` of an NKey seed")
	f.StringVar(&s.link.CAFile, "ca", "", "fleet: `file` of the only authorities to trust (PEM)")
	f.IntVar(&s.connections, "connections", 4, "fleet: `number` of connections that the gateways share")
	f.Float64Var(&s.load.Rate, "rate", 0, "fleet: messages a `second`; 0 is as many as the broker takes")
	f.DurationVar(&s.load.Duration, "duration", 0, "fleet: go on for that `time` after each gateway has reported once")
	f.BoolVar(&s.fleet.Heartbeats, "heartbeats", false, "fleet: after the first report send heartbeats, not reports")
	f.Float64Var(&s.fleet.Change, "change", 0, "fleet: `share` of later messages that tell of a swapped module or a new firmware, 0 to 1")
	f.Uint64Var(&s.fleet.Seed, "seed", 1, "fleet: `number` that all keys, modules and changes follow from")
	f.Uint64Var(&s.fleet.Boot, "boot", 0, "fleet: boot `number` of the agents, higher in each run (default: the time)")
	f.StringVarP(&s.output, "output", "o", formatTable, "fleet: `format` of the figures: table, json")
}

func (s *simulatedFleet) check() error {
	switch {
	case s.fleet.Gateways < 1 || s.fleet.Gateways > 10_000_000:
		return exit.Usagef("--fleet takes 1 to 10000000 gateways, not %d", s.fleet.Gateways)
	case s.connections < 1 || s.connections > 1000:
		return exit.Usagef("--connections takes 1 to 1000, not %d", s.connections)
	case s.fleet.Change < 0 || s.fleet.Change > 1:
		return exit.Usagef("--change is a share of 0 to 1, not %v", s.fleet.Change)
	case s.load.Rate < 0 || s.load.Duration < 0:
		return exit.Usagef("--rate and --duration are not negative")
	case s.output != formatTable && s.output != formatJSON:
		return exit.Usagef("unknown output %q; use one of table, json", s.output)
	}
	return nil
}

// run publishes as the fleet, with the transcripts of from or the embedded ones.
func (s *simulatedFleet) run(c *cobra.Command, from string) error {
	if err := s.check(); err != nil {
		return err
	}
	var err error
	if s.fleet.Base, err = fingerprint.Embedded(); err != nil {
		return err
	}
	if s.fleet.Cases, err = simulated(c, from); err != nil {
		return err
	}
	f, err := fleet.New(s.fleet)
	if err != nil {
		return err
	}
	conns, closeAll, err := s.connect(c.Context())
	defer closeAll()
	if err != nil {
		return err
	}
	s.load.Conns = conns
	figures, err := f.Run(c.Context(), s.load)
	if werr := s.print(c.OutOrStdout(), figures, f.Boot()); err == nil {
		err = werr
	}
	return err
}

func (s *simulatedFleet) connect(ctx context.Context) (conns []*nats.Conn, closeAll func(), err error) {
	var links []*natslink.Link
	closeAll = func() {
		for _, l := range links {
			l.Close()
		}
	}
	s.link.MaxWait = 2 * time.Second // a load is to be there again soon after its broker
	for n := range s.connections {
		s.link.Name = fmt.Sprintf("rollcall-simulate-%d", n+1)
		l, err := natslink.Connect(ctx, s.link)
		if err != nil {
			return nil, closeAll, err
		}
		links = append(links, l)
		if !l.Connected() {
			return nil, closeAll, unreached(l, s.link.URLs)
		}
		conns = append(conns, l.Conn())
	}
	return conns, closeAll, nil
}

// unreached says why a link did not come up, as the broker told it where one answered.
func unreached(l *natslink.Link, urls []string) error {
	for _, w := range l.Health() {
		if w.Code != natslink.CodeUnreachable {
			return fmt.Errorf("cannot publish at %v: %s", urls, w.Text)
		}
	}
	return fmt.Errorf("cannot reach a broker at %v: start one, or name another with --nats-url", urls)
}

func (s *simulatedFleet) print(w io.Writer, f fleet.Figures, boot uint64) error {
	if s.output == formatJSON {
		b, err := json.Marshal(struct {
			Boot uint64 `json:"boot"`
			Seed uint64 `json:"seed"`
			fleet.Figures
		}{boot, s.fleet.Seed, f})
		if err != nil {
			return err
		}
		_, err = fmt.Fprintf(w, "%s\n", b)
		return writing(err)
	}
	ms := func(d time.Duration) string { return d.Round(10 * time.Microsecond).String() }
	_, err := fmt.Fprintf(w, `published      %d reports, %d heartbeats, %.1f MB
acknowledged   %d, %.0f a second
sent again     %d, given up %d
until the ack  50 %% %s, 90 %% %s, 99 %% %s, longest %s
seed, boot     %d, %d
`, f.Reports, f.Heartbeats, float64(f.Bytes)/1e6, f.Acknowledged, f.Rate, f.Again, f.Lost, ms(f.P50), ms(f.P90), ms(f.P99), ms(f.Max), s.fleet.Seed, boot)
	return writing(err)
}
