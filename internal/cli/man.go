package cli

import (
	"fmt"
	"os"
	"time"

	"github.com/spf13/cobra"
	"github.com/spf13/cobra/doc"

	"github.com/rollcall-iot/rollcall/internal/version"
)

func manCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "man DIR",
		Short: "Write the manual pages of all commands into a directory",
		Args:  cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if err := os.MkdirAll(args[0], 0o755); err != nil {
				return fmt.Errorf("cannot write manual pages: %w", err)
			}
			root := c.Root()
			root.DisableAutoGenTag = true // the same pages whenever they are made
			h := &doc.GenManHeader{Title: "ROLLCALL", Section: "1", Source: "Rollcall " + version.Version, Date: &time.Time{}}
			if err := doc.GenManTree(root, h, args[0]); err != nil {
				return fmt.Errorf("cannot write manual pages: %w", err)
			}
			return nil
		},
	}
}
