package policy

import (
	"cmp"
	"slices"
	"strconv"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy/internal/yamldoc"
)

// Case is what a person expects of a policy: a module in a gateway, and what must be found.
type Case struct {
	Name string
	// Module is written as in its JSON; a state that is not given is "identified".
	Module  inventory.Module
	Gateway Gateway
	// At is the time of the judgement; zero is the newest state of the lists.
	At time.Time
	// Finds and FindsNot hold keys of findings, "rule" or "rule/list".
	Finds, FindsNot []string
	File            string
	Line            int
}

// Result is what became of a case.
type Result struct {
	Case
	// Missing were to be found and were not; Unwanted were not to be found and were; Failed
	// are the texts of rules that could not be judged.
	Missing, Unwanted, Failed []string
}

// OK says that all is as expected.
func (r *Result) OK() bool { return len(r.Missing)+len(r.Unwanted)+len(r.Failed) == 0 }

// Cases gives the cases that stand in the policy's files.
func (p *Policy) Cases() []Case { return slices.Clone(p.spec.cases) }

// Test judges the cases. A finding that an exception covers counts as not found.
func (p *Policy) Test() []Result {
	out := make([]Result, len(p.spec.cases))
	for i, c := range p.spec.cases {
		out[i] = p.test(c)
	}
	return out
}

func (p *Policy) test(c Case) Result {
	r := Result{Case: c}
	findings := p.Evaluate(&c.Module, &c.Gateway, c.At)
	findings = append(findings, p.EvaluateGateway(&c.Gateway, c.At)...)
	var keys []string
	for i := range findings {
		f := &findings[i]
		if f.Failed {
			r.Failed = append(r.Failed, f.Text)
			continue
		}
		if f.Excepted == nil {
			keys = append(keys, f.Key(), f.Rule)
		}
	}
	for _, k := range c.Finds {
		if !slices.Contains(keys, k) {
			r.Missing = append(r.Missing, k)
		}
	}
	for _, k := range c.FindsNot {
		if slices.Contains(keys, k) {
			r.Unwanted = append(r.Unwanted, k)
		}
	}
	return r
}

func parseCase(n *yamldoc.Doc, file string) Case {
	c := Case{Name: n.Need("name"), Finds: n.Strings("finds"), FindsNot: n.Strings("finds_not"), At: moment(n, "at"), File: file, Line: n.Line}
	if len(c.Finds)+len(c.FindsNot) == 0 {
		n.Fault("finds", "say what is found, or finds_not, what is not")
	}
	if m := n.Doc("module"); m != nil {
		c.Module = parseModule(m)
	} else {
		n.Fault("module", "missing")
	}
	if g := n.Doc("gateway"); g != nil {
		c.Gateway = parseGateway(g)
	}
	if c.At.IsZero() && !c.Gateway.LastSeen.IsZero() {
		n.Fault("at", "missing: without it, how long last_seen is ago is not known")
	}
	n.Done()
	return c
}

// moment reads a day or a time.
func moment(n *yamldoc.Doc, key string) time.Time {
	s := n.String(key)
	for _, layout := range []string{time.DateOnly, time.RFC3339} {
		if t, err := time.Parse(layout, s); err == nil {
			return t
		}
	}
	if s != "" {
		n.Fault(key, "%q is no time such as 2027-01-31 or 2027-01-31T12:00:00Z", s)
	}
	return time.Time{}
}

func parseGateway(n *yamldoc.Doc) Gateway {
	g := Gateway{LastSeen: moment(n, "last_seen"), ClockSynced: n.Bool("clock_synced", false)}
	g.ID, g.Hostname, g.Agent, g.OS, g.Arch = n.String("id"), n.String("hostname"), n.String("agent"), n.String("os"), n.String("arch")
	if labels := n.Doc("labels"); labels != nil {
		g.Labels = map[string]string{}
		for _, k := range labels.Keys() {
			g.Labels[k] = labels.String(k)
		}
	}
	n.Done()
	return g
}

// parseModule reads what rules can see of a module.
func parseModule(n *yamldoc.Doc) inventory.Module {
	m := inventory.Module{
		ID: n.String("id"), State: cmp.Or(inventory.State(n.String("state")), inventory.StateIdentified),
		Possible: n.Strings("possible"), Seems: n.String("seems"), Reason: n.String("reason"), Data: n.String("data"),
		Confidence: number(n, "confidence"),
	}
	if !slices.Contains(states(), m.State) {
		n.Fault("state", "there is no state %q", m.State)
	}
	fieldsOf(n, "identity", func(d *yamldoc.Doc) { m.Identity = parseIdentity(d) })
	fieldsOf(n, "origin", func(d *yamldoc.Doc) {
		m.Origin = inventory.Origin{Country: d.String("country"), ParentCountry: d.String("parent_country"), Unconfirmed: d.Bool("unconfirmed", false)}
	})
	fieldsOf(n, "device", func(d *yamldoc.Doc) { m.Device = parseDevice(d) })
	eachOf(n, "evidence", func(d *yamldoc.Doc) {
		m.Evidence = append(m.Evidence, inventory.Evidence{Claim: d.String("claim"), Value: d.String("value"),
			Source: d.String("source"), Quote: d.String("quote"), Rule: d.String("rule")})
	})
	eachOf(n, "conflicts", func(d *yamldoc.Doc) {
		m.Conflicts = append(m.Conflicts, inventory.Conflict{Claim: d.String("claim"), Values: d.Strings("values"), Why: d.String("why")})
	})
	eachOf(n, "parts", func(d *yamldoc.Doc) {
		m.Parts = append(m.Parts, inventory.Part{Name: d.String("name"), Value: d.String("value")})
	})
	eachOf(n, "ports", func(d *yamldoc.Doc) {
		m.Ports = append(m.Ports, inventory.Port{Path: d.String("path"), Role: inventory.Role(d.String("role")),
			State: inventory.State(d.String("state")), Holder: d.String("holder"), Reason: d.String("reason")})
	})
	n.Done()
	return m
}

func states() []inventory.State {
	return []inventory.State{inventory.StateIdentified, inventory.StatePartial, inventory.StateUnanswered, inventory.StateHeld,
		inventory.StateDenied, inventory.StateNotCellular, inventory.StateUnknown}
}

func parseIdentity(d *yamldoc.Doc) inventory.Identity {
	return inventory.Identity{
		Maker: d.String("maker"), MakerName: d.String("maker_name"), Badge: d.String("badge"), Model: d.String("model"),
		Variant: d.String("variant"), Firmware: d.String("firmware"), Hardware: d.String("hardware"), IMEI: d.String("imei"),
		Chipset: d.String("chipset"), Technology: d.String("technology"),
	}
}

func parseDevice(d *yamldoc.Doc) *inventory.Device {
	return &inventory.Device{
		Bus: d.String("bus"), VID: d.String("vid"), PID: d.String("pid"), SubVID: d.String("subvid"), SubPID: d.String("subpid"),
		Revision: d.String("revision"), Path: d.String("path"), Driver: d.String("driver"),
		Manufacturer: d.String("manufacturer"), Product: d.String("product"),
	}
}

// fieldsOf reads the mapping at the key, if there is one; eachOf reads those of the list at it.
func fieldsOf(n *yamldoc.Doc, key string, read func(*yamldoc.Doc)) {
	if d := n.Doc(key); d != nil {
		read(d)
		d.Done()
	}
}

func eachOf(n *yamldoc.Doc, key string, read func(*yamldoc.Doc)) {
	for _, d := range n.Docs(key) {
		read(d)
		d.Done()
	}
}

func number(n *yamldoc.Doc, key string) float64 {
	s := n.String(key)
	if s == "" {
		return 0
	}
	f, err := strconv.ParseFloat(s, 64)
	if err != nil {
		n.Fault(key, "%q is no number", s)
	}
	return f
}
