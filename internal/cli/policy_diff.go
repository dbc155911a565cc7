package cli

import (
	"cmp"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/policy"
)

func policyDiffCommand() *cobra.Command {
	var s source
	var d policyDiff
	var at moment
	var format string
	c := &cobra.Command{
		Use:   "diff [FILE|-]",
		Short: "What if: which modules another list or rule would touch",
		Long: `Judges modules twice and says what differs: by the lists and rules in force, and by those that
would be. FILE is a report or module objects; without it, a collector's fleet is judged.

  --name MAKER=LIST  asks what would follow if that list named that maker
  --add PATH         puts files over the policy: a list's new edition, an entry, a rule
  --after PATH       takes those files in place of the ones in --before

Nothing is changed anywhere. What a proposal finds says that it is a proposal.`,
		Example: `  rollcall policy diff --name MAKER=LIST
  rollcall policy diff report.json --add proposed-rule.yaml
  rollcall policy diff --before policy.d --after policy.new`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			var err error
			if d.at, err = at.time(); err != nil {
				return err
			}
			if d.show < 0 {
				return exit.Usagef("--show takes 0 or more, not %d", d.show)
			}
			return d.run(c, &s, args, format)
		},
	}
	s.addFlags(c)
	f := c.Flags()
	f.StringVar(&d.before, "before", "", "`path` of your lists and rules in force, over the embedded ones")
	f.StringVar(&d.after, "after", "", "`path` of the lists and rules in place of those in --before")
	f.StringArrayVar(&d.add, "add", nil, "`path` of lists and rules over the ones in force; repeatable")
	f.StringArrayVar(&d.names, "name", nil, "as if a list named a maker: `MAKER=LIST`; repeatable")
	at.addFlag(c)
	addShow(c, &d.show)
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	return c
}

// policyDiff is what two policies find differently.
type policyDiff struct {
	before, after string
	add, names    []string
	at            time.Time
	show          int
}

// differing is one difference.
type differing struct {
	Change string `json:"change"`
	checked
}

// difference is the outcome.
type difference struct {
	Before   string      `json:"before"`
	After    string      `json:"after"`
	At       time.Time   `json:"at"`
	Gateways int         `json:"gateways"`
	Modules  int         `json:"modules"`
	Touched  int         `json:"touched"`
	Changes  []differing `json:"changes"`

	touchedGateways int
}

func (d *policyDiff) run(c *cobra.Command, s *source, args []string, format string) error {
	before, after, err := d.policies()
	if err != nil {
		return err
	}
	all, err := s.modules(c, args)
	if err != nil {
		return err
	}
	out := &difference{Before: before.Version(), After: after.Version(), At: d.at.Truncate(time.Second), Changes: []differing{}}
	gateways, touched := map[string]bool{}, map[string]bool{}
	bare := 0
	for l, err := range all {
		if err != nil {
			return err
		}
		g := l.gateway.ID
		if !gateways[g] {
			gateways[g] = true
			if change, ok := policy.CompareGateway(before, after, l.gateway, d.at); ok {
				touched[g] = true
				out.add(change, checked{Gateway: g})
			}
		}
		if l.module == nil {
			continue
		}
		out.Modules++
		if l.bare {
			bare++
		}
		if change, ok := policy.Compare(before, after, l.module, l.gateway, d.at); ok {
			out.Touched++
			touched[g] = true
			out.add(change, aboutModule(l))
		}
	}
	if out.Gateways, out.touchedGateways = len(gateways), len(touched); out.Gateways == 0 {
		return s.nothing(args)
	}
	if text := unknownGateways(bare, before, after); text != "" {
		remark(c.ErrOrStderr(), text)
	}
	return out.print(c.OutOrStdout(), format, d.show)
}

// policies gives the policy in force and the one that would be.
func (d *policyDiff) policies() (before, after *policy.Policy, err error) {
	if d.after == "" && len(d.add)+len(d.names) == 0 {
		return nil, nil, exit.Usagef("say what would be different: --name, --add or --after")
	}
	if before, err = findings.Load(d.before); err != nil {
		return nil, nil, err
	}
	after = before
	if d.after != "" {
		if after, err = findings.Load(d.after); err != nil {
			return nil, nil, err
		}
	}
	for _, path := range d.add {
		if after, err = findings.Over(after, path); err != nil {
			return nil, nil, err
		}
	}
	proposals, err := d.proposals()
	if err != nil {
		return nil, nil, err
	}
	if after, err = findings.Propose(after, proposals...); err != nil {
		return nil, nil, exit.Usagef("--name: %w", err)
	}
	return before, after, nil
}

func (d *policyDiff) proposals() ([]findings.Proposal, error) {
	base, err := fingerprint.Embedded()
	if err != nil {
		return nil, err
	}
	var out []findings.Proposal
	for _, text := range d.names {
		slug, list, ok := strings.Cut(text, "=")
		if !ok {
			return nil, exit.Usagef("--name %q is not of the form MAKER=LIST", text)
		}
		m, ok := base.Maker(slug)
		if !ok {
			return nil, exit.Usagef("--name %q: there is no maker %q; write it as modules have it in identity.maker", text, slug)
		}
		out = append(out, findings.Proposal{Maker: slug, Name: cmp.Or(m.Legal, m.Name, slug), List: list, Since: d.at})
	}
	return out, nil
}

func (d *difference) add(c policy.Change, about checked) {
	for _, part := range []struct {
		change string
		found  []policy.Finding
	}{{"opened", c.Opened}, {"closed", c.Closed}, {"changed", c.Changed}} {
		for _, f := range part.found {
			about.Finding = f
			d.Changes = append(d.Changes, differing{part.change, about})
		}
	}
}

func (d *difference) print(w io.Writer, format string, show int) error {
	switch format {
	case formatJSON, formatYAML:
		return writeObject(w, format, d)
	case formatCSV:
		rows := make([][]string, len(d.Changes))
		for i := range d.Changes {
			rows[i] = append([]string{d.Changes[i].Change}, d.Changes[i].row()...)
		}
		return writeCSVRows(w, append([]string{"change"}, checkedHead()...), rows)
	}
	g := newGroups()
	for _, change := range []string{"opened", "closed", "changed"} {
		mark := map[string]string{"opened": "+", "closed": "-", "changed": "~"}[change]
		for i := range d.Changes {
			if d.Changes[i].Change == change {
				g.add(mark, &d.Changes[i].checked, d.Gateways > 1)
			}
		}
	}
	screen := screenOf(w, nil)
	var b strings.Builder
	for _, group := range g.sorted(show) {
		b.WriteString(screen.Group(group) + "\n")
	}
	b.WriteString(screen.Note(d.sum()))
	_, err := io.WriteString(w, b.String())
	return writing(err)
}

// sum says how much is touched, and what the marks mean.
func (d *difference) sum() string {
	text := fmt.Sprintf("%d of %s would be judged otherwise", d.Touched, render.Count(d.Modules, "module"))
	if d.Gateways > 1 {
		text += fmt.Sprintf(", in %d of %s", d.touchedGateways, render.Count(d.Gateways, "gateway"))
	}
	if len(d.Changes) > 0 {
		text += " · + opened, - closed, ~ changed"
	}
	return text
}
