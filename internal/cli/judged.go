package cli

import (
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// judging is what commands that judge modules share: the flags.
type judging struct {
	policy string
	failOn string
}

func (j *judging) addFlags(c *cobra.Command) {
	addPolicy(c, &j.policy)
	c.Flags().StringVar(&j.failOn, "fail-on", "", "exit with status 3 for a finding of this `severity` or higher: info, low, medium, high, critical")
	severities := func(*cobra.Command, []string, string) ([]string, cobra.ShellCompDirective) {
		return []string{"info", "low", "medium", "high", "critical"}, cobra.ShellCompDirectiveNoFileComp
	}
	if err := c.RegisterFlagCompletionFunc("fail-on", severities); err != nil {
		panic(err) // the flag was defined in the line above
	}
}

func addPolicy(c *cobra.Command, path *string) {
	c.Flags().StringVar(path, "policy", "", "`path` of your own lists and rules, a directory of *.yaml or one file, over the embedded ones")
}

// judge judges modules as they are printed.
type judge struct {
	findings.Judge
	// gateway is the one whose modules they are, or nil.
	gateway *policy.Gateway
}

func (j *judging) load() (*judge, error) {
	out := &judge{Judge: findings.Judge{Now: time.Now().UTC()}}
	if j.failOn != "" {
		var err error
		if out.Gate.Least, err = policy.ParseSeverity(j.failOn); err != nil {
			return nil, exit.Usagef("--fail-on: %w", err)
		}
	}
	var err error
	out.Policy, err = findings.Load(j.policy)
	return out, err
}

// of has the modules of a report judged as its gateway's.
func (j *judge) of(r *inventory.Report) {
	j.gateway = &policy.Gateway{Gateway: r.Gateway, ClockSynced: r.ClockSynced}
}

// verdict is the error of a command that found what it was to fail on.
func (j *judge) verdict() error {
	if j.Gate.Stopped == 0 {
		return nil
	}
	what := j.Gate.Least.String()
	if j.Gate.Least < policy.Critical {
		what += " or higher"
	}
	return exit.Findingf("%s of severity %s", render.Count(j.Gate.Stopped, "finding"), what)
}

// emitter is newEmitter with the findings of each module.
func (j *judge) emitter(w io.Writer, format string, s render.Screen, f frame) emitter {
	return &judgedEmitter{newEmitter(w, format, s, f), j}
}

type judgedEmitter struct {
	emitter
	judge *judge
}

func (e *judgedEmitter) module(it render.Item) error {
	found := e.judge.Module(&it.Module, e.judge.gateway)
	switch to := e.emitter.(type) {
	case objects:
		return to.object(judgedModule{it.Module.Normal(), orNone(found)})
	case *csvModules:
		it.Findings = findings.Full(found)
	default:
		it.Findings = e.judge.Beside(found)
	}
	return e.emitter.module(it)
}

// objects is an emitter that prints objects whole.
type objects interface {
	object(v any) error
}

// judgedModule is a module object with what is found about it. Findings are no part of a
// module: they change with lists and rules, and nobody signs them.
type judgedModule struct {
	inventory.Module
	Findings []policy.Finding `json:"findings"`
}

// judgedReport is a report whose modules are judged.
type judgedReport struct {
	inventory.Report
	Modules []judgedModule `json:"modules"`
}

func (j *judge) report(r *inventory.Report) judgedReport {
	out := judgedReport{*r, make([]judgedModule, len(r.Modules))}
	for i := range r.Modules {
		m := r.Modules[i].Normal()
		out.Modules[i] = judgedModule{m, orNone(j.Module(&m, j.gateway))}
	}
	return out
}

func orNone(f []policy.Finding) []policy.Finding {
	if f == nil {
		return []policy.Finding{}
	}
	return f
}
