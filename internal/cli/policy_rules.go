package cli

import (
	"fmt"
	"io"
	"slices"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/policy"
)

func policyRulesCommand() *cobra.Command {
	var o ownPolicy
	var format string
	c := &cobra.Command{
		Use:   "rules [ID]",
		Short: "Which rules judge, with which severity, and what they are for",
		Example: `  rollcall policy rules
  rollcall policy rules named-in-list`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			p, at, err := o.load()
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return oneRule(c, p, args[0], format, at)
			}
			return allRules(c, p, format)
		},
	}
	addPolicy(c, &o.path)
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	return c
}

func allRules(c *cobra.Command, p *policy.Policy, format string) error {
	w, rules := c.OutOrStdout(), p.Rules()
	switch format {
	case formatJSON, formatYAML:
		return writeObject(w, format, rules)
	case formatCSV:
		rows := make([][]string, len(rules))
		for i, r := range rules {
			rows[i] = []string{r.ID, r.Severity.String(), string(r.On), strconv.FormatBool(r.Enabled), r.When, r.Message, r.Doc, r.File, strconv.Itoa(r.Line)}
		}
		return writeCSVRows(w, []string{"id", "severity", "on", "enabled", "when", "message", "doc", "file", "line"}, rows)
	}
	var rows [][]string
	var below []string
	for _, r := range rules {
		rows = append(rows, []string{r.ID, enabledSeverity(r), string(r.On), r.File})
		below = append(below, r.Doc)
	}
	screen := screenOf(w, nil)
	_, err := io.WriteString(w, screen.Head(render.Count(len(rules), "rule"), render.Count(len(p.Exceptions()), "exception"), p.Version())+
		screen.Rows([]string{"rule", "severity", "judges", "from"}, rows, below))
	return writing(err)
}

func enabledSeverity(r policy.Rule) string {
	if !r.Enabled {
		return "off"
	}
	return r.Severity.String()
}

func oneRule(c *cobra.Command, p *policy.Policy, id, format string, at time.Time) error {
	rules := p.Rules()
	i := slices.IndexFunc(rules, func(r policy.Rule) bool { return r.ID == id })
	if i < 0 {
		return exit.Usagef("there is no rule %q; \"rollcall policy rules\" shows all", id)
	}
	r, w := rules[i], c.OutOrStdout()
	switch format {
	case formatJSON, formatYAML:
		return writeObject(w, format, r)
	case formatCSV:
		return exit.Usagef("one rule is no table; leave the id out, or take json or yaml")
	}
	facts := []render.Fact{
		{Name: "judges", Text: string(r.On)}, {Name: "each", Text: r.Each}, {Name: "when", Text: r.When},
		{Name: "message", Text: r.Message}, {Name: "brief", Text: r.Brief}, {Name: "evident", Text: r.Evident},
		{Name: "about", Text: r.Doc}, {Name: "from", Text: r.File + ":" + strconv.Itoa(r.Line)},
	}
	for _, e := range p.Exceptions() {
		if e.Rule == id {
			facts = append(facts, render.Fact{Name: "exception", Text: exceptionText(&e, at)})
		}
	}
	screen := screenOf(w, nil)
	_, err := io.WriteString(w, screen.Title(r.ID, enabledSeverity(r))+screen.Facts(facts))
	return writing(err)
}

// exceptionText says who accepted what, why and until when.
func exceptionText(e *policy.Exception, at time.Time) string {
	until := "until " + e.Until.Format(time.DateOnly)
	if !at.Before(e.Until) {
		until = "ended on " + e.Until.Format(time.DateOnly)
	}
	return fmt.Sprintf("%s: %s (%s, %s)", e.ID, e.Reason, e.Owner, until)
}
