package cli

import (
	"context"
	"fmt"
	"io"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/logging"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

func collectorCommand() *cobra.Command {
	var file string
	c := &cobra.Command{
		Use:   "collector",
		Short: "Collect the reports of a fleet, and serve pages and API",
		Long: `Consumes reports from JetStream, verifies and identifies them, keeps the state of the
fleet, and serves pages, API and metrics. Options come from ` + configs.CollectorFile + `,
ROLLCALL_ variables and flags, in rising precedence.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			config, err := configs.LoadCollector(configs.Source{File: file, Flags: c.Flags(), Environ: os.Environ()})
			if err != nil {
				return exit.With(exit.Usage, err)
			}
			return runCollector(c.Context(), config, c.OutOrStdout(), c.ErrOrStderr())
		},
	}
	c.AddCommand(collectorCopies()...)
	c.AddCommand(collectorReady())
	f := c.Flags()
	f.StringVar(&file, "config", "", "configuration `file` (default "+configs.CollectorFile+", if there)")
	f.StringSlice("nats-url", nil, "`URL`s of NATS servers (default nats://127.0.0.1:4222)")
	f.String("store", "", "sqlite:`PATH` or postgres://… (default sqlite:/var/lib/rollcall-collector/rollcall.db)")
	f.String("listen", "", "`HOST:PORT` of pages and API; port 0 takes a free one (default 127.0.0.1:8080)")
	f.String("tls-cert", "", "PEM `file` of the certificate of pages and API (with --tls-key)")
	f.String("tls-key", "", "PEM `file` of its key")
	f.String("state-dir", "", "`directory` of the collector's state (default /var/lib/rollcall-collector)")
	return c
}

func runCollector(ctx context.Context, c *configs.Collector, stdout, stderr io.Writer) error {
	boundMemory()
	log := logging.New(stderr, c.Log.Level, c.Log.Format)
	known, err := newOwnKnowledge(c, log)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	doors, scheme, err := accessOf(c, log)
	if err != nil {
		return exit.With(exit.Usage, err)
	}
	store, err := openStore(ctx, c.Store)
	if err != nil {
		return err
	}
	defer store.Close()
	link, err := natslink.Connect(ctx, natslink.Settings{
		Name: "rollcall-collector", URLs: c.NATS.URLs, CredsFile: c.NATS.Creds, NKeyFile: c.NATS.NKey,
		CAFile: c.NATS.CA, CertFile: c.NATS.Cert, KeyFile: c.NATS.Key,
		Spread: time.Second, // collectors are few: nothing is won by keeping one away
	})
	if err != nil {
		return err
	}
	defer link.Close()
	// Before it is kept by which rules the fleet is judged: without an address nothing is judged.
	var lc net.ListenConfig
	listener, err := lc.Listen(ctx, "tcp", c.Listen)
	if err != nil {
		return fmt.Errorf("cannot serve the pages on %s: %w; choose another address with --listen", c.Listen, err)
	}
	defer listener.Close() //nolint:errcheck // it is closed already where the collector ran
	beside := beside{c: c, store: store, link: link, log: log, metrics: prometheus.NewRegistry()}
	stop, err := beside.start(ctx, known)
	if err != nil {
		return err
	}
	defer stop()
	stopKeys, err := followKeys(ctx, c.KeysFile, store, log)
	if err != nil {
		return err
	}
	defer stopKeys()
	return collector.Run(ctx, collector.Settings{
		Conn: link.Conn(), Store: store, Knowledge: known.knowledge, Listener: listener, AllowOpen: c.AllowOpenListen, Log: log,
		Replicas: c.StreamReplicas, StreamBytes: c.StreamMaxBytes,
		TLS: doors.tls, Access: doors.access, Metrics: beside.metrics,
		Keys:    collector.KeyPolicy{KnownOnly: c.Keys == "known"},
		Silence: c.SilentAfter,
		Keep:    collector.Keep{Unchanged: days(c.Keep.UnchangedDays), History: days(c.Keep.HistoryDays), Bytes: c.Keep.HistoryBytes},
		Ready:   func() { fmt.Fprintf(stdout, "collecting; pages at %s://%s/\n", scheme, listener.Addr()) },
	})
}

func days(n int) time.Duration { return time.Duration(n) * 24 * time.Hour }

// openStore opens the collector's store, and makes the folder of one that is a file.
func openStore(ctx context.Context, address string) (store.Store, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return nil, fmt.Errorf("cannot make the folder of the store: %w", err)
		}
	}
	return collector.OpenStore(ctx, address)
}
