package cli

import (
	"fmt"
	"slices"
	"strings"

	"github.com/spf13/cobra"
	"github.com/spf13/pflag"

	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
)

// helpWidth is how wide help is at most: longer lines are hard to read.
const helpWidth = 100

// audience is who a group of commands is for.
type audience struct {
	id, title string
	commands  []string // the most used first
}

func audiences() []audience {
	return []audience{
		{"here", "On a gateway, or with what one said:", []string{"scan", "explain", "identify", "ports", "doctor"}},
		{"fleet", "For a fleet:", []string{"up", "collector", "agent", "fleet", "policy", "hbom", "enroll", "revoke", "token", "bundle"}},
		{"own", "To build on:", []string{"simulate", "fingerprints", "completion", "man", "help"}},
	}
}

// grouped puts commands under the heading of those who use them.
func grouped(root *cobra.Command) {
	for _, a := range audiences() {
		root.AddGroup(&cobra.Group{ID: a.id, Title: a.title})
		for _, c := range root.Commands() {
			if slices.Contains(a.commands, c.Name()) {
				c.GroupID = a.id
			}
		}
	}
}

// helped makes help fit the screen, on c and all below it.
func helped(c *cobra.Command) {
	c.SetHelpFunc(func(c *cobra.Command, _ []string) {
		fmt.Fprint(c.OutOrStdout(), helpOf(c, screenOf(c.OutOrStdout(), nil)))
	})
}

// needsCommand makes c a command that does nothing by itself: alone it helps, with an unknown
// word it is wrong usage.
func needsCommand(c *cobra.Command) *cobra.Command {
	c.Use += " COMMAND"
	c.DisableFlagsInUseLine = true
	c.Args = cobra.NoArgs
	c.RunE = func(c *cobra.Command, _ []string) error { return c.Help() }
	return c
}

// helpOf is the help of a command on a screen.
func helpOf(c *cobra.Command, s render.Screen) string {
	if s.Width == 0 || s.Width > helpWidth {
		s.Width = helpWidth
	}
	var b strings.Builder
	about := c.Long
	if about == "" {
		about = c.Short
	}
	b.WriteString(s.Paragraphs(about) + "\nUsage:\n" + s.Indented(2, c.UseLine()))
	if c.HasExample() {
		b.WriteString("\nExamples:\n" + s.Paragraphs(c.Example))
	}
	b.WriteString(subCommands(c, s))
	b.WriteString("\nFlags:\n" + flags(c.LocalFlags(), s))
	if c.HasAvailableInheritedFlags() {
		b.WriteString("\nFlags of \"" + c.Parent().CommandPath() + "\":\n" + flags(c.InheritedFlags(), s))
	}
	if c.HasAvailableSubCommands() {
		b.WriteString("\n" + s.Paragraphs(fmt.Sprintf("\"%s COMMAND --help\" says more about a command.", c.CommandPath())))
	}
	return b.String()
}

// subCommands lists the commands below c, under the headings of those who use them.
func subCommands(c *cobra.Command, s render.Screen) string {
	if !c.HasAvailableSubCommands() {
		return ""
	}
	rows := map[string][][2]string{}
	for _, sub := range c.Commands() {
		if sub.IsAvailableCommand() || sub.Name() == "help" {
			rows[sub.GroupID] = append(rows[sub.GroupID], [2]string{sub.Name(), sub.Short})
		}
	}
	var b strings.Builder
	for _, a := range append(audiences(), audience{title: "Commands:"}) {
		if len(rows[a.id]) == 0 {
			continue
		}
		slices.SortStableFunc(rows[a.id], func(x, y [2]string) int {
			return slices.Index(a.commands, x[0]) - slices.Index(a.commands, y[0])
		})
		b.WriteString("\n" + a.title + "\n" + s.Definitions(rows[a.id]))
	}
	return b.String()
}

// flags lists flags with what they are for.
func flags(set *pflag.FlagSet, s render.Screen) string {
	var rows [][2]string
	set.VisitAll(func(f *pflag.Flag) {
		if f.Hidden {
			return
		}
		kind, text := pflag.UnquoteUsage(f)
		name := "    --" + f.Name
		if f.Shorthand != "" {
			name = "-" + f.Shorthand + ", --" + f.Name
		}
		if kind != "" {
			name += " " + strings.TrimSuffix(kind, "Array")
		}
		if d := f.DefValue; d != "" && d != "0" && d != "0s" && d != "[]" && d != "false" && !strings.Contains(text, "(default") {
			text += " (default " + d + ")"
		}
		rows = append(rows, [2]string{name, text})
	})
	return s.Definitions(rows)
}

// checkArgs makes wrong arguments wrong usage, said in words that help, for c and all below it.
func checkArgs(c *cobra.Command) {
	if check := c.Args; check != nil {
		c.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return exit.With(exit.Usage, wrongArgs(c, args))
			}
			return nil
		}
	}
	for _, sub := range c.Commands() {
		checkArgs(sub)
	}
}

// wrongArgs says what is wrong with the arguments of c.
func wrongArgs(c *cobra.Command, args []string) error {
	switch {
	case c.HasAvailableSubCommands() && len(args) > 0:
		near := ""
		c.SuggestionsMinimumDistance = 2
		if found := c.SuggestionsFor(args[0]); len(found) > 0 {
			near = fmt.Sprintf("; did you mean %q?", found[0])
		}
		return fmt.Errorf("unknown command %q for %q%s", args[0], c.CommandPath(), near)
	case len(args) == 0:
		return fmt.Errorf("an argument is missing: %s", c.UseLine())
	case !strings.ContainsAny(strings.TrimPrefix(c.Use, c.Name()), "ABCDEFGHIJKLMNOPQRSTUVWXYZ"):
		return fmt.Errorf("%q takes no argument, and got %q", c.CommandPath(), args[0])
	}
	return fmt.Errorf("these arguments do not fit: %s", c.UseLine())
}
