package cli

import (
	"bytes"
	"fmt"
	"io"
	"os"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
)

func fingerprintsCommand() *cobra.Command {
	c := needsCommand(&cobra.Command{
		Use:   "fingerprints",
		Short: "Try and draft your own knowledge of modules",
		Long: `Your own makers, badges and prototypes are YAML files in fingerprints.d; their format is in
fingerprint/knowledge/README.md. Every file is checked when it is loaded.`,
	})
	c.AddCommand(fingerprintsTest(), fingerprintsDraft())
	return c
}

func fingerprintsTest() *cobra.Command {
	return &cobra.Command{
		Use:   "test FILE...",
		Short: "Check files of your own and run their examples",
		Long: `Loads each file over the embedded knowledge, with those before it, and runs its examples. What is
wrong is said with file, line and reason.`,
		Example: "  rollcall fingerprints test fingerprints.d/prototype.yaml",
		Args:    cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, files []string) error {
			var overlays []fingerprint.Overlay
			for _, f := range files {
				b, err := os.ReadFile(f)
				if err != nil {
					return fmt.Errorf("cannot try fingerprints: %w", err)
				}
				overlays = append(overlays, fingerprint.Overlay{Name: f, Data: b})
			}
			base, err := fingerprint.Load(overlays...)
			if err != nil {
				return err
			}
			fmt.Fprintf(c.OutOrStdout(), "%d files are good; with them the data version is %s\n", len(files), base.Version())
			return nil
		},
	}
}

func fingerprintsDraft() *cobra.Command {
	return &cobra.Command{
		Use:   "draft FILE|-",
		Short: "Draft a file from a transcript, for you to complete",
		Long: `Reads a pasted session, a log, a report or JSON Lines with one module, and writes the YAML for what is
not known yet. What you have to complete stands in capital letters; until then it does not load.`,
		Example: "  rollcall fingerprints draft session.txt > fingerprints.d/prototype.yaml",
		Args:    cobra.ExactArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			in, err := openInput(c, args[0])
			if err != nil {
				return err
			}
			defer in.Close()
			seen, err := oneCase(in)
			if err != nil {
				return fmt.Errorf("cannot draft from %q: %w", args[0], err)
			}
			base, err := fingerprint.Embedded()
			if err != nil {
				return err
			}
			_, err = io.WriteString(c.OutOrStdout(), clean.Text(string(base.Draft(seen.Observation))))
			return writing(err)
		},
	}
}

// maxDraft bounds what is read for a draft; a session is a few kilobytes.
const maxDraft = 4 << 20

// oneCase reads the first module of whatever people have.
func oneCase(r io.Reader) (capture.Case, error) {
	b, err := io.ReadAll(io.LimitReader(r, maxDraft))
	if err != nil {
		return capture.Case{}, err
	}
	switch capture.Sniff(b) {
	case capture.JSONLines:
		for c, err := range capture.ReadJSONLines(bytes.NewReader(b)) {
			return c, err
		}
		return capture.Case{}, capture.ErrNothing
	case capture.Report:
		cases, err := capture.ReadReport(bytes.NewReader(b))
		if err == nil && len(cases) == 0 {
			err = exit.Usagef("the report holds no module")
		}
		if err != nil {
			return capture.Case{}, err
		}
		return cases[0], nil
	}
	c, _, err := capture.ReadTerminal(bytes.NewReader(b))
	return c, err
}
