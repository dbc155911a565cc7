package cli

import (
	"fmt"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/collector/backup"
)

// collectorCopies are the sub-commands of the collector that copy its store.
func collectorCopies() []*cobra.Command {
	var store string
	commands := []*cobra.Command{{
		Use:   "backup FILE",
		Short: "Copy the store into a file, while the collector runs",
		Long: `Writes all that a SQLite store holds now into FILE, whole or not at all. The collector may
run and goes on. A PostgreSQL store is copied with pg_dump; see docs/operations.md.`,
		Example: "  rollcall collector backup --store sqlite:/var/lib/rollcall-collector/rollcall.db /var/backups/rollcall-2026-11-22.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := backup.Write(c.Context(), store, args[0]); err != nil {
				return err
			}
			_, err := fmt.Fprintf(c.OutOrStdout(), "%s is written\n", args[0])
			return writing(err)
		},
	}, {
		Use:   "restore FILE",
		Short: "Make the store from a backup",
		Long: `Makes a SQLite store from FILE, which a backup wrote, where there is none. When the collector
starts again it reads the broker's stream from its beginning: what came since the backup is
there again, and nothing twice.`,
		Example: "  rollcall collector restore --store sqlite:/var/lib/rollcall-collector/rollcall.db /var/backups/rollcall-2026-11-22.db",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := backup.Restore(c.Context(), args[0], store); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), "restored; the collector will read the stream from its beginning")
			return writing(err)
		},
	}, {
		Use:   "reread",
		Short: "Have the collector read the stream from its beginning",
		Long: `Gives a store another identity, so that its collectors read all that the stream holds, as is
needed after pg_restore. Stop them first. What is known already changes nothing.`,
		Args: cobra.NoArgs,
		RunE: func(c *cobra.Command, _ []string) error {
			if err := backup.Reread(c.Context(), store); err != nil {
				return err
			}
			_, err := fmt.Fprintln(c.OutOrStdout(), "the collector will read the stream from its beginning")
			return writing(err)
		},
	}}
	for _, c := range commands {
		c.Flags().StringVar(&store, "store", "sqlite:/var/lib/rollcall-collector/rollcall.db", "sqlite:`PATH`, or postgres://… for reread")
	}
	return commands
}
