package findings

import (
	"cmp"
	"time"

	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

// Judge judges modules by one policy at one time. It is for one goroutine.
type Judge struct {
	Policy *policy.Policy
	// Now is the time of the judgement.
	Now time.Time
	// Gate counts what a script stops for.
	Gate Gate
}

// Module judges one module of a gateway, which may be nil.
func (j *Judge) Module(m *inventory.Module, g *policy.Gateway) []policy.Finding {
	found := j.Policy.Evaluate(m, g, j.Now)
	j.Gate.count(found)
	return found
}

// Gateway judges a gateway without its modules.
func (j *Judge) Gateway(g *policy.Gateway) []policy.Finding {
	found := j.Policy.EvaluateGateway(g, j.Now)
	j.Gate.count(found)
	return found
}

// Gate says for which findings a script stops: those of a severity or higher that no exception
// covers. The zero Gate lets everything pass.
type Gate struct {
	Least policy.Severity
	// Stopped is how many were counted.
	Stopped int
}

func (g *Gate) stops(f *policy.Finding) bool {
	return g.Least > 0 && f.Severity >= g.Least && f.Excepted == nil
}

func (g *Gate) count(found []policy.Finding) {
	for i := range found {
		if g.stops(&found[i]) {
			g.Stopped++
		}
	}
}

// Beside gives the lines that stand beside a module which is shown with its origin, its state
// and what contradicts: in brief, and without what that says already.
func (j *Judge) Beside(found []policy.Finding) []render.Finding {
	shown := make([]policy.Finding, 0, len(found))
	for i := range found {
		if !found[i].Evident || j.Gate.stops(&found[i]) {
			shown = append(shown, found[i])
		}
	}
	return Brief(shown)
}

// Brief gives a line for every finding, for where the module's name stands beside it.
func Brief(found []policy.Finding) []render.Finding {
	lines := Full(found)
	for i := range found {
		lines[i].Text = cmp.Or(found[i].Brief, found[i].Text)
	}
	return lines
}

// Full gives a line for every finding that is understood alone.
func Full(found []policy.Finding) []render.Finding {
	lines := make([]render.Finding, len(found))
	for i, f := range found {
		lines[i] = render.Finding{Severity: f.Severity.String(), Text: f.Text, Rule: f.Key(), Source: f.Source, Covered: f.Excepted != nil}
	}
	return lines
}
