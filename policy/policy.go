package policy

import (
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// Policy is a loaded set of lists, rules and exceptions. It is immutable and safe for
// concurrent use.
type Policy struct {
	lists      *lists.Set
	spec       spec
	module     []*rule
	gateway    []*rule
	sets       *namedSets
	exceptions map[string][]*exception // by rule
	pool       sync.Pool               // of *scope
	version    string
	timely     bool        // a rule reads the time
	turns      []time.Time // see Since, sorted
}

// Scope says what a rule is about.
type Scope string

// The scopes of rules.
const (
	OnModule  Scope = "module"
	OnGateway Scope = "gateway"
)

// Rule is what a person wrote.
type Rule struct {
	ID string `json:"id"`
	// On is what it judges; a rule on gateways cannot see a module.
	On Scope `json:"on"`
	// Each, if given, is a list of hits; the rule is judged once for each of them as "hit".
	Each string `json:"each,omitempty"`
	// When is the condition.
	When     string   `json:"when"`
	Severity Severity `json:"severity"`
	// Message is the text of the finding; ${…} holds an expression.
	Message string `json:"message"`
	// Brief is the text where the module's name stands beside it already; "" is Message.
	Brief string `json:"brief,omitempty"`
	// Evident is a condition: what the rule found is shown with every module anyway, as its
	// origin is, and need not be said again there. "" is never.
	Evident string `json:"evident,omitempty"`
	// Doc says what the rule is for and what to do about a finding.
	Doc string `json:"doc"`
	// Enabled: a rule that is not is kept but not judged.
	Enabled bool `json:"enabled"`
	// File and Line are where it was loaded from.
	File string `json:"file"`
	Line int    `json:"line"`
}

// Exception says that a finding is known and accepted for a time.
type Exception struct {
	ID string `json:"id"`
	// Rule and, if given, List are the findings that it covers.
	Rule string `json:"rule"`
	List string `json:"list,omitempty"`
	// When narrows it down to modules or gateways; "" is all.
	When string `json:"when,omitempty"`
	// Owner answers for it. Reason says why.
	Owner  string `json:"owner"`
	Reason string `json:"reason"`
	// Until is the first day on which it no longer holds.
	Until time.Time `json:"until"`
	File  string    `json:"file"`
	Line  int       `json:"line"`
}

// Floor is the oldest firmware that is accepted for a model.
type Floor struct {
	Maker string `json:"maker"`
	// Model is the model's name; it may end in *.
	Model  string `json:"model"`
	Oldest string `json:"oldest"`
	// Source says who asks for it.
	Source string `json:"source,omitempty"`
}

// Gateway is what rules can see of a gateway.
type Gateway struct {
	inventory.Gateway
	// LastSeen is when a collector last heard of it; zero where nobody keeps count.
	LastSeen time.Time
	// ClockSynced says whether the gateway's clock is believed.
	ClockSynced bool
	// Silent says that a collector counts it as silent, and Conflict in one sentence why a
	// person must look at it; see package collector.
	Silent   bool
	Conflict string
	// Duplicates are the ids of its modules whose IMEI other modules of the fleet report too.
	Duplicates []string
}

// Lists gives the lists that the policy judges by.
func (p *Policy) Lists() *lists.Set { return p.lists }

// Rules gives all rules, those that are not enabled too, in the order of judgement.
func (p *Policy) Rules() []Rule { return append([]Rule(nil), p.spec.rules...) }

// Exceptions gives all exceptions, expired ones too.
func (p *Policy) Exceptions() []Exception { return append([]Exception(nil), p.spec.exceptions...) }

// Sets gives the names in a set of the policy, and whether there is one.
func (p *Policy) Sets(name string) ([]string, bool) {
	s, ok := p.spec.sets[name]
	return append([]string(nil), s...), ok
}

// Floors gives the oldest accepted firmware of all models; the first that fits counts.
func (p *Policy) Floors() []Floor { return append([]Floor(nil), p.spec.floors...) }

// Version names the state of lists and rules that findings come from.
func (p *Policy) Version() string { return p.version }
