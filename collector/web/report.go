package web

import (
	"net/http"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/internal/version"
)

// mostListed bounds the lists of a printed report; how many more there are is said.
const mostListed = 200

// reportData is the fleet on paper.
type reportData struct {
	Version  string
	Made     time.Time
	Empty    bool
	Summary  *fleet.Summary
	Cellular int
	// Policy is the version of lists and rules, "" for none; what they find is in Tallies.
	Policy     string
	Grades     []grade
	Tallies    []tally
	Lists      []listed
	Exceptions []excepted
	Exports    exports
	Judging    int // gateways that are still to be judged by it
	Silent     []store.Gateway
	Disputed   []store.Gateway
	Gaps       []gap
}

// gap is something that the report does not know, and how much of it there is.
type gap struct {
	Count int
	One   string // what it is, of one
	Many  string // and of several
	Next  string // what to do about it
}

// report shows the whole fleet for an auditor's file: what was found, how, when, and what is
// not known.
func (s *site) report(r *http.Request) (*page, error) {
	sum, err := s.fleet.Summary(r.Context())
	if err != nil {
		return nil, err
	}
	d := &reportData{Version: version.Version, Made: s.fleet.Time(), Empty: sum.Now.Gateways == 0, Summary: sum}
	for _, o := range sum.Origins {
		d.Cellular += o.Modules
	}
	if sum.Now.Silent > 0 { // it takes a look at every gateway to see that none is
		if d.Silent, err = s.gatewaysIn(r, "silent"); err != nil {
			return nil, err
		}
	}
	if sum.Now.Conflicts > 0 {
		if d.Disputed, err = s.gatewaysIn(r, "conflict"); err != nil {
			return nil, err
		}
	}
	if err := s.reportPolicy(r, d); err != nil {
		return nil, err
	}
	d.Gaps, d.Exports = append(gaps(sum), policyGaps(d)...), exportsOf(nil)
	return &page{Template: "report", Title: "Fleet report", Section: "overview", Data: d}, nil
}

func (s *site) gatewaysIn(r *http.Request, state string) ([]store.Gateway, error) {
	l, err := s.fleet.Store.Gateways(r.Context(), store.GatewayFilter{State: state}, store.Page{Limit: mostListed})
	return l.Items, err
}

// reportPolicy adds by what the fleet is judged, and what is found of it.
func (s *site) reportPolicy(r *http.Request, d *reportData) error {
	p, err := s.policyData(r)
	if err != nil || p.None {
		return err
	}
	counts, err := s.fleet.Store.FindingCounts(r.Context())
	if err != nil {
		return err
	}
	d.Policy, d.Lists, d.Exceptions = p.Version, p.Lists, p.Exceptions
	d.Grades, d.Tallies = grades(counts), s.tallies(counts)
	if p.Judging.Running {
		d.Judging = p.Judging.Gateways - p.Judging.Done
	}
	return nil
}

// policyGaps lists what is not known of lists and findings.
func policyGaps(d *reportData) []gap {
	old := 0
	for _, l := range d.Lists {
		if l.Old != "" {
			old++
		}
	}
	all := []gap{
		{old, "list that names a maker was not read for a long time", "lists that name a maker were not read for a long time", "Look for newer editions."},
		{d.Judging, "gateway is still to be judged by the present lists and rules", "gateways are still to be judged by the present lists and rules", "Make the report again when that is done."},
	}
	return slices.DeleteFunc(all, func(g gap) bool { return g.Count == 0 })
}

// gaps lists what a reader must not take for known.
func gaps(s *fleet.Summary) []gap {
	states := map[string]int{}
	for _, x := range s.States {
		states[x.Value] = x.Modules
	}
	all := []gap{
		{s.Now.Silent, "gateway is silent: what is shown of it is what it said last", "gateways are silent: what is shown of them is what they said last", "See that the gateway runs and reaches the broker."},
		{s.Now.Conflicts, "gateway is in conflict: two machines or two keys speak for it", "gateways are in conflict: two machines or two keys speak for each", "Open it and follow what it says."},
		{s.Now.Conflicted, "module’s evidence disagrees; the verdict shown may be wrong", "modules’ evidence disagrees; the verdicts shown may be wrong", "Look at the module itself."},
		{states["partial"], "module is cellular, but its maker or model is open", "modules are cellular, but maker or model is open", "Its page lists the makers that remain."},
		{states["unanswered"], "module did not answer", "modules did not answer", "Run rollcall doctor on the gateway."},
		{states["held"], "module’s port is held by another program", "modules’ ports are held by other programs", "Its page names the program and what to do."},
		{states["denied"], "module’s port was refused by the system or by a rule", "modules’ ports were refused by the system or by a rule", "Its page names the group or rule."},
		{states["unknown"], "device is not known", "devices are not known", "Send its transcript with an update request, or look at it."},
		{s.Now.Rejected, "message was rejected and counts for nothing", "messages were rejected and count for nothing", "See the list of rejected messages."},
	}
	return slices.DeleteFunc(all, func(g gap) bool { return g.Count == 0 })
}
