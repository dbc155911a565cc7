package cli

import (
	"fmt"
	"io"
	"strings"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/policy"
)

func policyTestCommand() *cobra.Command {
	var format string
	c := &cobra.Command{
		Use:   "test DIR|FILE",
		Short: "Load your own lists and rules, and judge the cases that stand in them",
		Long: `Loads lists and rules as --policy does: every fault is named with file and line. Then judges
the cases that stand in them: a module in a gateway, and what must be found of it, or not.

  cases:
    - name: a substation takes no module of that origin
      module: {identity: {maker: SLUG, model: NAME}, origin: {country: XX}}
      gateway: {labels: {site: substation}}
      finds: [my-rule, named-in-list/LIST]
      finds_not: [unapproved]

The exit status is 1 if a file has a fault, or a case another outcome than it says.`,
		Example: "  rollcall policy test policy.d",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return policyTest(c, args[0], format) },
	}
	addOutput(c, &format, formatTable, formatJSON, formatYAML)
	return c
}

// tested is the outcome of a case.
type tested struct {
	Name     string   `json:"name"`
	File     string   `json:"file"`
	Line     int      `json:"line"`
	OK       bool     `json:"ok"`
	Missing  []string `json:"missing"`
	Unwanted []string `json:"unwanted"`
	Failed   []string `json:"failed"`
}

func policyTest(c *cobra.Command, path, format string) error {
	p, err := findings.Load(path)
	if err != nil {
		return err
	}
	var out []tested
	wrong := 0
	for _, r := range p.Test() {
		t := tested{r.Name, r.File, r.Line, r.OK(), none(r.Missing), none(r.Unwanted), none(r.Failed)}
		if !t.OK {
			wrong++
		}
		out = append(out, t)
	}
	w := c.OutOrStdout()
	if format != formatTable {
		err = writeObject(w, format, none(out))
	} else {
		err = printTested(w, p, out, wrong)
	}
	if err == nil && wrong > 0 {
		err = exit.With(exit.Failure, fmt.Errorf("%d of %s not as expected", wrong, render.Count(len(out), "case")))
	}
	return err
}

func none[T any](s []T) []T {
	if s == nil {
		return []T{}
	}
	return s
}

func printTested(w io.Writer, p *policy.Policy, all []tested, wrong int) error {
	screen := screenOf(w, nil)
	var b strings.Builder
	b.WriteString(screen.Head(own(p), p.Version()))
	for _, t := range all {
		g := render.Group{Finding: render.Finding{Severity: "ok", Text: t.Name}}
		if !t.OK {
			g.Severity, g.Facts = "wrong", []string{fmt.Sprintf("%s:%d", t.File, t.Line)}
			g.Members = append(g.Members, each("not found: ", t.Missing)...)
			g.Members = append(g.Members, each("found, and should not be: ", t.Unwanted)...)
			g.Members = append(g.Members, t.Failed...)
		}
		b.WriteString(screen.Group(g))
	}
	note := "no cases: write some, so that the next change of a rule is tried"
	if len(all) > 0 {
		note = fmt.Sprintf("%d of %s as expected", len(all)-wrong, render.Count(len(all), "case"))
		b.WriteString("\n")
	}
	b.WriteString(screen.Note(note))
	_, err := io.WriteString(w, b.String())
	return writing(err)
}

func each(label string, keys []string) []string {
	var out []string
	for _, k := range keys {
		out = append(out, label+k)
	}
	return out
}

// own counts what the user's files hold.
func own(p *policy.Policy) string {
	rules := 0
	for _, r := range p.Rules() {
		if r.File != policy.Starter().Name {
			rules++
		}
	}
	return join(", ", render.Count(rules, "rule")+" of your own", render.Count(len(p.Exceptions()), "exception"))
}
