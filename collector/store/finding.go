package store

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
	"strconv"
	"time"
)

// Finding is one open finding about a module, or about a gateway where Module is empty. It is
// what the policy in force finds of what is known now; what was found before and is no more
// stands in the events.
type Finding struct {
	Gateway string `json:"gateway"`
	Module  string `json:"module,omitempty"`
	// Key tells the findings of one module apart: the rule, or rule/list.
	Key  string `json:"key"`
	Rule string `json:"rule"`
	// List and Edition are set where it comes from a list, Since is the day since which the
	// maker is named there.
	List    string `json:"list,omitempty"`
	Edition string `json:"edition,omitempty"`
	// Severity is info, low, medium, high or critical.
	Severity string    `json:"severity"`
	Text     string    `json:"text"`
	Source   string    `json:"source,omitempty"`
	Since    time.Time `json:"since,omitzero"`
	// Failed: the rule could not be judged; Text says why.
	Failed bool `json:"failed,omitempty"`
	// Exception, Owner and Until are set where an exception covers it.
	Exception string    `json:"exception,omitempty"`
	Owner     string    `json:"owner,omitempty"`
	Until     time.Time `json:"until,omitzero"`
	// Opened is since when it is found, and Report the report that shows it; empty where
	// knowledge or time made it a finding, and not the field.
	Opened time.Time `json:"opened"`
	Report string    `json:"report,omitempty"`
	// Policy is the version of the policy that the gateway was last judged by.
	Policy string `json:"policy"`
}

// Covered says whether an exception covers it.
func (f *Finding) Covered() bool { return f.Exception != "" }

// Brief gives f in few words, as events keep it.
func (f *Finding) Brief() *FindingBrief {
	return &FindingBrief{Key: f.Key, Severity: f.Severity, Text: f.Text, Covered: f.Covered()}
}

// FindingBrief is a finding in few words.
type FindingBrief struct {
	Key      string `json:"key"`
	Severity string `json:"severity"`
	Text     string `json:"text"`
	Covered  bool   `json:"covered,omitempty"`
}

// Kind is what findings are filtered and counted by. There are few in a fleet.
type Kind struct {
	Rule     string
	List     string
	Severity string
	Covered  bool
}

// Kind gives that of f.
func (f *Finding) Kind() Kind { return Kind{f.Rule, f.List, f.Severity, f.Covered()} }

// Number names the kind: 63 bits of a hash, so that every collector finds the same one.
func (k Kind) Number() int64 {
	return number63("kind", k.Rule, k.List, k.Severity, strconv.FormatBool(k.Covered))
}

// Number names all that the policy says, so that findings alike are told apart by one number
// and kept once.
func (f *Finding) Number() int64 {
	return number63("finding", f.Rule, f.List, f.Edition, f.Severity, f.Text, f.Source, day(f.Since), strconv.FormatBool(f.Failed),
		f.Exception, f.Owner, day(f.Until))
}

func day(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

func number63(parts ...string) int64 {
	var room [1024]byte // on the stack: most texts fit
	b := room[:0]
	for _, s := range parts {
		b = append(append(b, s...), 0)
	}
	sum := sha256.Sum256(b)
	return int64(binary.BigEndian.Uint64(sum[:]) >> 1)
}

// FoundNumber names a gateway's findings as a whole, whatever their order: two that are equal
// need not be compared one by one. No findings are 0.
func FoundNumber(fs []Finding) int64 {
	if len(fs) == 0 {
		return 0
	}
	parts := make([]string, len(fs))
	for i := range fs {
		parts[i] = fs[i].Module + " " + strconv.FormatInt(fs[i].Number(), 10)
	}
	slices.Sort(parts)
	return number63(parts...)
}

// Severities lists the severities, lowest first.
func Severities() []string { return []string{"info", "low", "medium", "high", "critical"} }

// SeverityRank is 1 for the lowest severity, and 0 for what is none.
func SeverityRank(s string) int { return slices.Index(Severities(), s) + 1 }

// Worst gives the finding of the highest severity that no exception covers, or nil. Among
// equals it is the first by module and key.
func Worst(fs []Finding) *Finding {
	var worst *Finding
	for i := range fs {
		f := &fs[i]
		if f.Covered() {
			continue
		}
		if worst == nil || compareWorse(f, worst) < 0 {
			worst = f
		}
	}
	return worst
}

func compareWorse(a, b *Finding) int {
	return cmp.Or(-cmp.Compare(SeverityRank(a.Severity), SeverityRank(b.Severity)), cmp.Compare(a.Module, b.Module), cmp.Compare(a.Key, b.Key))
}

// CompareFindings orders findings of one gateway: by module, and the key.
func CompareFindings(a, b Finding) int {
	return cmp.Or(cmp.Compare(a.Module, b.Module), cmp.Compare(a.Key, b.Key))
}

// FindingFilter chooses findings. Values of one field are alternatives; fields narrow down.
type FindingFilter struct {
	Severity, Rule, List []string
	// Gateway is one gateway's id, Module one of its modules.
	Gateway, Module string
	// Query is looked for in any part of the ids of rules and lists; where none has all of its
	// terms, also in the words of gateways, and then the findings come in the order of these. See
	// [SearchTerms].
	Query string
	// Covered is "yes" for those that an exception covers, "no" for the others, "" for all.
	Covered string
}

// Match says whether findings of this kind pass, Gateway, Module and Query aside.
func (f *FindingFilter) Match(k Kind) bool {
	covered := f.Covered == "" || f.Covered == "yes" && k.Covered || f.Covered == "no" && !k.Covered
	return covered && oneOf(f.Severity, k.Severity) && oneOf(f.Rule, k.Rule) && oneOf(f.List, k.List)
}

// FindingSorts lists what findings can be sorted by. Their own order is "-opened": the newest
// first, which also holds among equals of the other sorts.
func FindingSorts() []string { return []string{"opened", "severity", "gateway", "rule"} }

// FindingList is a page of findings. AtLeast says that counting stopped at Total.
type FindingList struct {
	Items   []Finding
	Total   int
	AtLeast bool
	Next    string
}

// FindingCount is how many findings there are of one kind.
type FindingCount struct {
	Rule     string `json:"rule"`
	List     string `json:"list,omitempty"`
	Severity string `json:"severity"`
	Covered  bool   `json:"covered"`
	// Modules is how many modules it is found of: 0 for a rule about gateways. Gateways is how
	// many gateways have it, themselves or in a module.
	Modules  int `json:"modules"`
	Gateways int `json:"gateways"`
}

// Found are all findings of one gateway.
type Found struct {
	Gateway  string
	Findings []Finding
}
