package cli

import (
	"bytes"
	"errors"
	"fmt"
	"io"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/atcmd"
	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/render"
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
		Use:   "test FILE|DIRECTORY...",
		Short: "Check files of your own and run their examples",
		Long: `Loads each file, or each *.yaml of a directory, over the embedded knowledge, with those before it, and
runs its examples. What is wrong is said with file, line and reason.`,
		Example: `  rollcall fingerprints test fingerprints.d/prototype.yaml
  rollcall fingerprints test fingerprints.d`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(c *cobra.Command, paths []string) error { return testFingerprints(c.OutOrStdout(), paths) },
	}
}

func testFingerprints(out io.Writer, paths []string) error {
	var overlays []fingerprint.Overlay
	var asks []error
	for _, path := range paths {
		files, err := overlay.Files(path)
		if err != nil {
			return fmt.Errorf("cannot try fingerprints: %w", err)
		}
		for _, f := range files {
			overlays = append(overlays, fingerprint.Overlay(f))
			asks = append(asks, checkAsks(f))
		}
	}
	if len(overlays) == 0 {
		return exit.Usagef("no *.yaml in %q", paths)
	}
	base, err := fingerprint.Load(overlays...)
	if err := errors.Join(err, errors.Join(asks...)); err != nil {
		return err
	}
	good := "is good; with it"
	if len(overlays) > 1 {
		good = "are good; with them"
	}
	fmt.Fprintf(out, "%s %s the data version is %s\n", render.Count(len(overlays), "file"), good, base.Version())
	return nil
}

// checkAsks holds a file's own questions against the catalogue: what it does not hold is never asked.
func checkAsks(f overlay.File) error {
	source, err := knowledge.ReadOverlay(f.Name, f.Data)
	if err != nil {
		return nil // loading says so
	}
	var all []error
	for _, m := range source.Makers {
		for _, a := range m.Ask {
			if _, err := atcmd.Parse(a.Cmd); err != nil {
				at := a.Where.At("cmd")
				all = append(all, &knowledge.Error{File: at.File, Line: at.Line, Reason: fmt.Sprintf("ask: %v; it would never be asked", err)})
			}
		}
	}
	return errors.Join(all...)
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
			draft := base.Draft(seen.Observation)
			if draft == nil {
				return fmt.Errorf("cannot draft from %q: no model, firmware or USB vendor in it that is not known already; \"rollcall explain\" shows what is made of it", args[0])
			}
			_, err = io.WriteString(c.OutOrStdout(), clean.Text(string(draft)))
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
