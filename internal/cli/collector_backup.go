package cli

import (
	"context"
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/backup"
)

// collectorCopies are the sub-commands of the collector that copy its store.
func collectorCopies() []*cobra.Command {
	return []*cobra.Command{copyCommand(&cobra.Command{
		Use:   "backup FILE",
		Short: "Copy the store into a file, while the collector runs",
		Long: `Writes all that a SQLite store holds now into FILE, whole or not at all. The collector may
run and goes on. A PostgreSQL store is copied with pg_dump; see docs/operations.md.

The store is that of the collector's configuration, unless --store names one.`,
		Example: "  rollcall collector backup /var/backups/rollcall-2026-11-22.db",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, store string, args []string) (string, error) {
		return args[0] + " is written", backup.Write(ctx, store, args[0])
	}), copyCommand(&cobra.Command{
		Use:   "restore FILE",
		Short: "Make the store from a backup",
		Long: `Makes a SQLite store from FILE, which a backup wrote, where there is none. When the collector
starts again it reads the broker's stream from its beginning: what came since the backup is
there again, and nothing twice.

The store is that of the collector's configuration, unless --store names one.`,
		Example: "  rollcall collector restore /var/backups/rollcall-2026-11-22.db",
		Args:    cobra.ExactArgs(1),
	}, func(ctx context.Context, store string, args []string) (string, error) {
		return "restored; the collector will read the stream from its beginning", backup.Restore(ctx, args[0], store)
	}), copyCommand(&cobra.Command{
		Use:   "reread",
		Short: "Have the collector read the stream from its beginning",
		Long: `Gives a store another identity, so that its collectors read all that the stream holds, as is
needed after pg_restore. Stop them first. What is known already changes nothing.

The store is that of the collector's configuration, unless --store names one.`,
		Example: "  rollcall collector reread --config /etc/rollcall/collector.yaml",
		Args:    cobra.NoArgs,
	}, func(ctx context.Context, store string, _ []string) (string, error) {
		return "the collector will read the stream from its beginning", backup.Reread(ctx, store)
	})}
}

// copyCommand makes a command that does something with the store that is named or configured, and
// says what it did.
func copyCommand(c *cobra.Command, do func(ctx context.Context, store string, args []string) (done string, err error)) *cobra.Command {
	var url, file string
	storeFlags(c.Flags(), &url, &file)
	c.RunE = func(c *cobra.Command, args []string) error {
		store, err := storeOf(url, file)
		if err != nil {
			return err
		}
		done, err := do(c.Context(), store, args)
		if err != nil {
			return err
		}
		_, err = fmt.Fprintln(c.OutOrStdout(), done)
		return writing(err)
	}
	return c
}
