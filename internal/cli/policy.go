package cli

import (
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

func policyCommand() *cobra.Command {
	c := needsCommand(&cobra.Command{
		Use:   "policy",
		Short: "Lists and rules: what they say, and what they find",
		Long: `Lists say who is named where, with edition and source; rules say what is a finding. Both are
data: this version carries some, and --policy puts your own over them.`,
	})
	c.AddCommand(policyListsCommand(), policyRulesCommand(), policyCheckCommand(), policyTestCommand(), policyDiffCommand())
	return c
}

// moment is the flag --at.
type moment struct{ text string }

func (m *moment) addFlag(c *cobra.Command) {
	c.Flags().StringVar(&m.text, "at", "", "judge as on this `DATE`, such as 2026-06-30 (default now)")
}

func (m *moment) time() (time.Time, error) {
	if m.text == "" {
		return time.Now().UTC(), nil
	}
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, m.text); err == nil {
			return t.UTC(), nil
		}
	}
	return time.Time{}, exit.Usagef("--at %q is no date such as 2026-06-30", m.text)
}

// ownPolicy is the flags of commands that show a policy rather than judge by it.
type ownPolicy struct {
	path string
	at   moment
}

func (o *ownPolicy) load() (*policy.Policy, time.Time, error) {
	at, err := o.at.time()
	if err != nil {
		return nil, at, err
	}
	p, err := findings.Load(o.path)
	return p, at, err
}

// warn writes what is wrong with the lists and exceptions themselves.
func warn(w io.Writer, warnings []inventory.Warning) {
	screen := render.Screen{Width: 1 << 14}
	if _, ok := terminal(w); ok {
		screen = screenOf(w, nil)
	}
	for _, x := range warnings {
		if x.Severity != inventory.SeverityInfo {
			fmt.Fprint(w, screen.Warning(x.Text))
		}
	}
}

func oneOrMany(n int, one, many string) string {
	if n == 1 {
		return one
	}
	return many
}

// writeObject writes v as JSON or YAML.
func writeObject(w io.Writer, format string, v any) error {
	if format == formatYAML {
		return writeYAML(w, v)
	}
	return writeJSON(w, v, "  ")
}
