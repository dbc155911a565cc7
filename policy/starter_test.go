package policy_test

import (
	"maps"
	"os"
	"regexp"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
)

type M = inventory.Module

const (
	approvedOnly = "sets: {approved: [sierra-wireless/EM74*, telit/LE910C4-EU]}"
	floors       = "firmware:\n" +
		"  - {maker: quectel, model: EC25*, oldest: EC25EFAR06A10M4G}\n" +
		"  - {maker: sierra-wireless, model: EM7455, oldest: SWI9X30C_02.24.05.06}\n"
)

// Each case is a module, what is on top of the starter policy, and all findings by rule and list.
func TestStarterPolicy(t *testing.T) {
	cases := map[string]struct {
		own  string
		m    *M
		want []string
	}{
		"clean":                {"", sierra(), nil},
		"named":                {"", quectel(), []string{"named-in-list/dod-1260h", "origin"}},
		"origin of parent":     {"", made(func(m *M) { m.Origin.ParentCountry = "CN" }), []string{"origin"}},
		"origin not confirmed": {"", made(func(m *M) { m.Origin = inventory.Origin{Country: "CN", ParentCountry: "CN", Unconfirmed: true} }), []string{"origin-unconfirmed"}},
		"origins not asked":    {"sets: {origins: []}", quectel(), []string{"named-in-list/dod-1260h"}},
		"fibocom is not":       {"", maker("fibocom", "FM350-GL"), []string{"origin"}},
		"gosuncn, badged zte":  {"", made(func(m *M) { m.Identity.Maker, m.Identity.Badge, m.Origin.Country = "gosuncn", "zte", "CN" }), []string{"origin"}},
		"china-mobile-iot":     {"", maker("china-mobile-iot", "ML307R"), []string{"origin"}},
		"zte":                  {"", maker("zte", "MF290"), []string{"named-in-list/fcc-covered-list", "named-in-list/us-fy19-ndaa-889", "origin"}},
		"huawei": {"", maker("huawei", "ME909s-120"), []string{"named-in-list/dod-1260h", "named-in-list/fcc-covered-list",
			"named-in-list/us-fy19-ndaa-889", "named-in-other-list/bis-entity-list", "origin"}},
		"by ids alone": {"", made(func(m *M) {
			m.State, m.Identity, m.Origin, m.Possible = inventory.StatePartial, inventory.Identity{}, inventory.Origin{}, []string{"fibocom", "huawei"}
		}), []string{"may-be-named", "not-identified", "origin-unknown"}},
		"by ids alone, none named": {"", made(func(m *M) {
			m.State, m.Identity, m.Origin, m.Possible = inventory.StatePartial, inventory.Identity{}, inventory.Origin{}, []string{"fibocom", "rolling-wireless"}
		}), []string{"not-identified", "origin-unknown"}},
		"maker of unknown seat": {"", made(func(m *M) { m.Origin = inventory.Origin{} }), []string{"origin-unknown"}},
		"held": {"", made(func(m *M) {
			m.State, m.Identity, m.Origin = inventory.StateHeld, inventory.Identity{}, inventory.Origin{}
		}),
			[]string{"not-identified", "origin-unknown"}},
		"held, known by ids": {"", made(func(m *M) { m.State = inventory.StateHeld }), nil},
		"not cellular": {approvedOnly, made(func(m *M) {
			m.State, m.Identity, m.Origin = inventory.StateNotCellular, inventory.Identity{}, inventory.Origin{}
		}), nil},
		"conflict": {"", made(func(m *M) {
			m.Conflicts = []inventory.Conflict{{Claim: "maker", Values: []string{"telit", "quectel"}, Why: "the descriptor says telit"}}
		}), []string{"conflict"}},
		"approved":           {approvedOnly, sierra(), nil},
		"not approved":       {approvedOnly, maker("telit", "LE910C4-NA"), []string{"unapproved"}},
		"unknown, approvals": {approvedOnly, made(func(m *M) { m.State, m.Identity.Maker, m.Identity.Model = inventory.StateUnanswered, "", "" }), []string{"not-identified", "unapproved"}},
		"old firmware":       {floors, quectel(), []string{"firmware-old", "named-in-list/dod-1260h", "origin"}},
		"new firmware":       {floors, sierra(), nil},
		"other variant":      {floors, made(func(m *M) { m.Identity.Firmware = "SWI9X30A_02.24.05.06" }), []string{"firmware-not-comparable"}},
		"firmware not known": {floors, made(func(m *M) { m.Identity.Firmware = "" }), []string{"firmware-not-comparable"}},
		"imei in a part":     {"", made(func(m *M) { m.Parts = []inventory.Part{{Name: "imei", Value: "123456789012345"}} }), []string{"imei-invalid"}},
		"imei right": {"", made(func(m *M) {
			m.Parts = []inventory.Part{{Name: "imei", Value: "867012040000009"}, {Name: "imeisv", Value: "8670120400000001"}}
		}), nil},
		"imei of two": {"", made(func(m *M) { m.ID = "usb:twin" }), []string{"imei-duplicate"}},
		"imei disputed": {"", made(func(m *M) {
			m.Conflicts = []inventory.Conflict{{Claim: "imei", Values: []string{"0"}, Why: "not 15 digits"}}
		}), []string{"conflict", "imei-invalid"}},
	}
	seen := map[string]bool{}
	for _, name := range slices.Sorted(maps.Keys(cases)) {
		tt := cases[name]
		t.Run(name, func(t *testing.T) {
			g := site("lab")
			g.Duplicates = []string{"usb:twin"}
			p := load(t, tt.own)
			got := p.Evaluate(tt.m, g, now)
			if diff := cmp.Diff(tt.want, rules(p.NewCache().Evaluate(tt.m, g, now))); diff != "" {
				t.Errorf("by a cache (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.want, rules(got)); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
			for _, f := range got {
				seen[f.Rule] = true
				checkFinding(t, f)
			}
		})
	}
	for _, r := range load(t).Rules() {
		if r.On == policy.OnModule && !seen[r.ID] {
			t.Errorf("no case makes rule %s speak", r.ID)
		}
	}
}

func maker(slug, model string) *M {
	return made(func(m *M) {
		m.Identity = inventory.Identity{Maker: slug, Model: model, Firmware: "1.0"}
		if slug != "telit" {
			m.Origin = inventory.Origin{Country: "CN"}
		}
	})
}

var loud = regexp.MustCompile(`(?i)\bbann?(ed|s|ing)?\b|spyware|black-?list|backdoor|malicious|suspicious|dangerous`)

func checkFinding(t *testing.T, f policy.Finding) {
	t.Helper()
	if f.Failed || f.Text == "" || f.Severity == 0 || loud.MatchString(f.Text) {
		t.Errorf("%+v", f)
	}
	if (f.List == "") != (f.Source == "") || (f.List == "") != f.Since.IsZero() {
		t.Errorf("a finding from a list carries list, source and since: %+v", f)
	}
}

func TestStarterWordingIsNeutral(t *testing.T) {
	b, err := os.ReadFile("rules/starter.yaml")
	if err != nil {
		t.Fatal(err)
	}
	if w := loud.Find(b); w != nil {
		t.Errorf("%q", w)
	}
	for _, r := range load(t).Rules() {
		if r.Doc == "" {
			t.Errorf("rule %s does not say what it is for", r.ID)
		}
	}
}

func TestTexts(t *testing.T) {
	p := load(t, floors, approvedOnly)
	want := map[string]string{
		"firmware-old": "firmware EC25EFAR06A08M4G is older than EC25EFAR06A10M4G",
		"origin":       "origin CN is in the set of origins to report",
		"unapproved":   "quectel/EC25-E is not in the set of approved modules",
	}
	for _, f := range p.Evaluate(quectel(), nil, now) {
		if w, ok := want[f.Rule]; ok && f.Text != w {
			t.Errorf("%s: %q, want %q", f.Rule, f.Text, w)
		}
		delete(want, f.Rule)
	}
	if len(want) > 0 {
		t.Errorf("not found: %v", want)
	}
	m := made(func(m *M) {
		m.State, m.Reason = inventory.StateHeld, "ModemManager (pid 812) holds the port"
		m.Identity, m.Possible = inventory.Identity{}, []string{"quectel", "fibocom", "zte"}
		m.Conflicts = []inventory.Conflict{{Claim: "maker", Why: "ids say one, strings another"}}
	})
	want = map[string]string{
		"not-identified": "not identified (held): ModemManager (pid 812) holds the port",
		"may-be-named":   "maker not established; among the possible ones, named in a list: quectel, zte",
		"conflict":       "evidence disagrees: maker: ids say one, strings another",
		"unapproved":     "a module that is not identified is not in the set of approved modules",
	}
	got := map[string]string{}
	for _, f := range p.Evaluate(m, nil, now) {
		got[f.Rule] = f.Text
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestSilentGateway(t *testing.T) {
	p := load(t)
	g := site("lab")
	for age, want := range map[time.Duration]int{0: 0, 71 * time.Hour: 0, 73 * time.Hour: 1} {
		if got := p.EvaluateGateway(g, now.Add(age)); len(got) != want || want > 0 && got[0].Rule != "gateway-silent" {
			t.Errorf("after %v: %v", age, got)
		}
	}
	cloned := policy.Gateway{Conflict: "two reports claim one place"}
	if got := p.EvaluateGateway(&cloned, now); len(got) != 1 || got[0].Rule != "gateway-conflict" || got[0].Text != cloned.Conflict {
		t.Errorf("cloned: %v", got)
	}
	if got := p.EvaluateGateway(&policy.Gateway{}, now); len(got) != 0 {
		t.Errorf("nobody counts: %v", got)
	}
}
