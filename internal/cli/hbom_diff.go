package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/internal/render"
)

func hbomDiffCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "diff BEFORE AFTER",
		Short: "Say what differs between two bills of materials",
		Long: `Compares two CycloneDX documents of any version, component by component: what was added, what
was removed, and which fields changed. Times and serial numbers are not compared.`,
		Args: cobra.ExactArgs(2),
		RunE: func(c *cobra.Command, args []string) error { return hbomDiff(c, args[0], args[1], format) },
	}
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	return c
}

func hbomDiff(c *cobra.Command, before, after, format string) error {
	a, err := openInput(c, before)
	if err != nil {
		return err
	}
	defer func() { _ = a.Close() }()
	b, err := openInput(c, after)
	if err != nil {
		return err
	}
	defer func() { _ = b.Close() }()
	changes, err := hbom.Diff(a, b)
	if err != nil {
		return err
	}
	w := c.OutOrStdout()
	switch format {
	case formatJSON, formatYAML:
		return writeObject(w, format, none(changes))
	case formatCSV:
		rows := make([][]string, len(changes))
		for i, x := range changes {
			rows[i] = []string{x.Ref, x.Name, x.Kind, x.Field, x.Before, x.After}
		}
		return writeCSVRows(w, []string{"ref", "name", "kind", "field", "before", "after"}, rows)
	}
	_, err = io.WriteString(w, changesText(screenOf(w, nil), changes))
	return writing(err)
}

// changesText draws changes, those of one component together.
func changesText(screen render.Screen, changes []hbom.Change) string {
	var b strings.Builder
	counts := map[string]int{}
	for i := 0; i < len(changes); {
		x, parts := changes[i], 0
		mark := map[string]string{"added": "+", "removed": "-", "changed": "~"}[x.Kind]
		counts[x.Kind]++
		g := render.Group{Finding: render.Finding{Severity: x.Kind, Text: x.Name}, Mark: mark, Facts: []string{x.Ref}}
		for ; i < len(changes) && changes[i].Ref == x.Ref; i++ {
			if f := changes[i]; f.Field != "" {
				g.Members = append(g.Members, fmt.Sprintf("%s: %s -> %s", f.Field, orNothing(f.Before), orNothing(f.After)))
			}
		}
		for ; i < len(changes) && x.Field == "" && changes[i].Kind == x.Kind && strings.HasPrefix(changes[i].Ref, x.Ref+"/"); i++ {
			counts[x.Kind]++
			parts++
		}
		if parts > 0 {
			g.Facts = append(g.Facts, "with "+render.Count(parts, "part"))
		}
		b.WriteString(screen.Group(g) + "\n")
	}
	text := fmt.Sprintf("%d added, %d removed, %d changed", counts["added"], counts["removed"], counts["changed"])
	if len(changes) == 0 {
		text = "no differences"
	}
	b.WriteString(screen.Note(text))
	return b.String()
}

func orNothing(s string) string {
	if s == "" {
		return "(nothing)"
	}
	return s
}
