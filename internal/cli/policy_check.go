package cli

import (
	"cmp"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/policy"
)

func policyCheckCommand() *cobra.Command {
	var s source
	var j judging
	var at moment
	var format string
	var show int
	c := &cobra.Command{
		Use:   "check [FILE|-]",
		Short: "Judge modules by lists and rules",
		Long: `Judges the modules of a report (rollcall scan -o json), of module objects (rollcall identify
-o json), or, without a file, of a collector's fleet. Modules are judged as they were identified;
to identify those of an old report anew, put "rollcall identify --from FILE -o json" before it.

With --fail-on the exit status is 3 if there is a finding of that severity or higher that no
exception covers, so that a script can stop there.`,
		Example: `  rollcall scan -o json | rollcall policy check - --fail-on high
  rollcall policy check --server http://127.0.0.1:8080 --policy policy.d -o csv`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(c *cobra.Command, args []string) error {
			if show < 0 {
				return exit.Usagef("--show takes 0 or more, not %d", show)
			}
			judge, err := j.load()
			if err != nil {
				return err
			}
			if judge.Now, err = at.time(); err != nil {
				return err
			}
			return policyCheck(c, &s, args, judge, format, show)
		},
	}
	s.addFlags(c)
	j.addFlags(c)
	at.addFlag(c)
	addShow(c, &show)
	addOutput(c, &format, formatTable, formatJSON, formatYAML, formatCSV)
	return c
}

func addShow(c *cobra.Command, show *int) {
	c.Flags().IntVar(show, "show", 5, "of each finding, name at most `N` modules; json, yaml and csv have all")
}

// checked is a finding and what it is about.
type checked struct {
	Gateway string `json:"gateway"`
	Module  string `json:"module"`
	Maker   string `json:"maker"`
	Model   string `json:"model"`
	policy.Finding
	what string // as people call the module; "" of a gateway
}

// check is the outcome of judging many modules.
type check struct {
	Policy   string    `json:"policy"`
	At       time.Time `json:"at"`
	Gateways int       `json:"gateways"`
	Modules  int       `json:"modules"`
	Findings []checked `json:"findings"`

	only string // the gateway, if there is but one
	bare int    // modules of whose gateways nothing is known
}

func policyCheck(c *cobra.Command, s *source, args []string, j *judge, format string, show int) error {
	out, err := s.check(c, args, j)
	if err != nil {
		return err
	}
	if err := out.print(c.OutOrStdout(), format, show); err != nil {
		return err
	}
	if text := unknownGateways(out.bare, j.Policy); text != "" {
		remark(c.ErrOrStderr(), text)
	}
	warn(c.ErrOrStderr(), j.Policy.Warnings(j.Now, 0))
	return j.verdict()
}

// check judges all modules, and each gateway once.
func (s *source) check(c *cobra.Command, args []string, j *judge) (*check, error) {
	all, err := s.modules(c, args)
	if err != nil {
		return nil, err
	}
	out := &check{Policy: j.Policy.Version(), At: j.Now.Truncate(time.Second), Findings: []checked{}}
	gateways := map[string]bool{}
	for l, err := range all {
		if err != nil {
			return nil, err
		}
		if !gateways[l.gateway.ID] {
			gateways[l.gateway.ID] = true
			out.only = l.gateway.ID
			out.add(checked{Gateway: l.gateway.ID}, j.Gateway(l.gateway))
		}
		if l.module == nil {
			continue
		}
		out.Modules++
		if l.bare {
			out.bare++
		}
		out.add(aboutModule(l), j.Module(l.module, l.gateway))
	}
	if out.Gateways = len(gateways); out.Gateways == 0 {
		return nil, s.nothing(args)
	}
	slices.SortStableFunc(out.Findings, func(a, b checked) int {
		return cmp.Or(-cmp.Compare(a.Severity, b.Severity), cmp.Compare(a.Key(), b.Key()), cmp.Compare(a.Text, b.Text),
			cmp.Compare(a.Gateway, b.Gateway), cmp.Compare(a.Module, b.Module))
	})
	return out, nil
}

func aboutModule(l located) checked {
	m := l.module
	return checked{Gateway: l.gateway.ID, Module: m.ID, Maker: m.Identity.Maker, Model: m.Identity.Model,
		what: cmp.Or(name(m.Identity.Maker, m.Identity.Model, m.Seems, m.Possible), "?")}
}

func (k *check) add(about checked, found []policy.Finding) {
	for _, f := range found {
		about.Finding = f
		k.Findings = append(k.Findings, about)
	}
}

func (k *check) print(w io.Writer, format string, show int) error {
	switch format {
	case formatJSON, formatYAML:
		return writeObject(w, format, k)
	case formatCSV:
		rows := make([][]string, len(k.Findings))
		for i := range k.Findings {
			rows[i] = k.Findings[i].row()
		}
		return writeCSVRows(w, checkedHead(), rows)
	}
	screen := screenOf(w, nil)
	if _, err := io.WriteString(w, screen.Head(k.about(), k.Policy)); err != nil {
		return writing(err)
	}
	g := newGroups()
	for i := range k.Findings {
		g.add("", &k.Findings[i], k.Gateways > 1)
	}
	for _, group := range g.sorted(show) {
		if _, err := io.WriteString(w, screen.Group(group)+"\n"); err != nil {
			return writing(err)
		}
	}
	_, err := io.WriteString(w, screen.Note(k.sum()))
	return writing(err)
}

// about counts what was judged.
func (k *check) about() string {
	modules := render.Count(k.Modules, "module")
	if k.Gateways == 1 {
		return join(" in ", modules, k.only)
	}
	return modules + " in " + render.Count(k.Gateways, "gateway")
}

// sum counts the findings by severity.
func (k *check) sum() string {
	counts := map[policy.Severity]int{}
	covered := 0
	for i := range k.Findings {
		if k.Findings[i].Excepted != nil {
			covered++
			continue
		}
		counts[k.Findings[i].Severity]++
	}
	text := ""
	for s := policy.Critical; s >= policy.Info; s-- {
		if counts[s] > 0 {
			text = join(", ", text, fmt.Sprintf("%d %s", counts[s], s))
		}
	}
	if text == "" {
		text = "no findings"
	}
	if covered > 0 {
		text += fmt.Sprintf(" · %d covered by exceptions", covered)
	}
	return text
}

func checkedHead() []string {
	return []string{"gateway", "module", "maker", "model", "severity", "rule", "list", "edition", "since", "text", "source", "exception"}
}

func (f *checked) row() []string {
	since, exception := "", ""
	if !f.Since.IsZero() {
		since = f.Since.Format(time.DateOnly)
	}
	if f.Excepted != nil {
		exception = f.Excepted.ID
	}
	return []string{f.Gateway, f.Module, f.Maker, f.Model, f.Severity.String(), f.Rule, f.List, f.Edition, since, f.Text, f.Source, exception}
}
