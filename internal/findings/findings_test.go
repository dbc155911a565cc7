package findings_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/policytest"
)

const rules = `
policy: own
rules:
  - {id: a1, when: 'module.identity.model == "A1"', severity: medium, message: an A1}
exceptions:
  - {id: lab, rule: a1, when: 'gateway.id == "lab"', owner: Jane, reason: tested, until: 2027-01-31}
`

// list names the maker acme.
func list() string { return string(policytest.List("acme", "Acme")) }

func now() time.Time { return time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC) }

// files writes files into a directory of their own.
func files(t *testing.T, texts ...string) string {
	t.Helper()
	dir := t.TempDir()
	for i, text := range texts {
		if err := os.WriteFile(filepath.Join(dir, string(rune('a'+i))+".yaml"), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return dir
}

func judge(t *testing.T, texts ...string) *findings.Judge {
	t.Helper()
	p, err := findings.Load(files(t, texts...))
	if err != nil {
		t.Fatal(err)
	}
	return &findings.Judge{Policy: p, Now: now()}
}

func acme() *inventory.Module {
	return &inventory.Module{ID: "usb:1-1", State: inventory.StateIdentified, Origin: inventory.Origin{Country: "CN"},
		Identity: inventory.Identity{Maker: "acme", MakerName: "Acme Modems", Model: "A1"}}
}

func texts(lines []render.Finding) []string {
	var out []string
	for _, l := range lines {
		out = append(out, l.Severity+" "+l.Text)
	}
	return out
}

func TestWhatStandsBesideAModule(t *testing.T) {
	j := judge(t, list(), rules)
	found := j.Module(acme(), nil)
	brief := []string{"high named in the Utility list, edition 2026-01-15", "medium an A1"}
	if diff := cmp.Diff(brief, texts(j.Beside(found))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	full := []string{"high Acme Modems is named in the Utility list, edition 2026-01-15", "medium origin CN is in the set of origins to report", "medium an A1"}
	if diff := cmp.Diff(full, texts(findings.Full(found))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	// What a script stops for is shown, whatever the card says already.
	j.Gate.Least = policy.Medium
	if diff := cmp.Diff([]string{brief[0], full[1], brief[1]}, texts(j.Beside(found))); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// A rule that cannot be judged is shown, even if it says that it is evident.
func TestFailedRuleIsShown(t *testing.T) {
	j := judge(t, "policy: own\nrules: [{id: breaks, when: 'module.possible[0] == \"x\"', severity: info, message: x, evident: true, brief: x}]")
	var got []string
	for _, l := range j.Beside(j.Module(&inventory.Module{State: inventory.StateIdentified, Origin: inventory.Origin{Country: "SE"}}, nil)) {
		got = append(got, l.Text)
	}
	if len(got) != 1 || !strings.HasPrefix(got[0], "rule breaks could not be judged") {
		t.Errorf("%q", got)
	}
}

func TestGate(t *testing.T) {
	lab, field := &policy.Gateway{Gateway: inventory.Gateway{ID: "lab"}}, &policy.Gateway{Gateway: inventory.Gateway{ID: "x"}}
	for name, tt := range map[string]struct {
		least   policy.Severity
		gateway *policy.Gateway
		want    int
	}{
		"none":              {0, field, 0},
		"medium":            {policy.Medium, field, 3},
		"medium, excepted":  {policy.Medium, lab, 2},
		"high":              {policy.High, field, 1},
		"critical":          {policy.Critical, field, 0},
		"info, all of them": {policy.Info, field, 3},
	} {
		t.Run(name, func(t *testing.T) {
			j := judge(t, list(), rules)
			j.Gate.Least = tt.least
			j.Module(acme(), tt.gateway)
			if j.Gate.Stopped != tt.want {
				t.Errorf("%d, want %d", j.Gate.Stopped, tt.want)
			}
		})
	}
	j := judge(t)
	j.Gate.Least = policy.Low
	j.Gateway(&policy.Gateway{LastSeen: now().AddDate(0, 0, -9)})
	if j.Gate.Stopped != 1 {
		t.Errorf("a silent gateway: %d, want 1", j.Gate.Stopped)
	}
}

func TestLoadFaults(t *testing.T) {
	for name, tt := range map[string]struct{ path, want string }{
		"not there":  {filepath.Join(t.TempDir(), "none"), "there is no"},
		"neither":    {files(t, "rules: []"), "neither rules, which begin with"},
		"not YAML":   {files(t, "a: ["), "a.yaml: not YAML"},
		"no mapping": {files(t, "- a"), "a.yaml:1: want a mapping"},
		"of a rule":  {files(t, "policy: own\nrules: [{id: a}]"), "a.yaml:2: when: missing"},
		"of a list":  {files(t, "id: own\nname: x"), "a.yaml:1: kind: missing"},
		"of both":    {files(t, list(), "policy: own\nid: x"), `b.yaml:2: unknown key "id"`},
	} {
		t.Run(name, func(t *testing.T) {
			if _, err := findings.Load(tt.path); err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

func TestAnybodysFileIsRefused(t *testing.T) {
	dir := files(t, rules)
	if err := os.Chmod(filepath.Join(dir, "a.yaml"), 0o666); err != nil {
		t.Fatal(err)
	}
	if _, err := findings.Load(dir); err == nil || !strings.Contains(err.Error(), "chmod o-w") {
		t.Errorf("got %v, want that anybody may write it", err)
	}
}

func TestOver(t *testing.T) {
	before := judge(t, list()).Policy
	after, err := findings.Over(before, files(t, "policy: own\nrules: [{id: origin, enabled: false}]", "extend: utility\nentries: [{maker: bolt, name: Bolt, since: 2026-02-01, confirmed: true}]"))
	if err != nil {
		t.Fatal(err)
	}
	if !after.Lists().Named("bolt", "utility", now()) || before.Lists().Named("bolt", "utility", now()) {
		t.Error("the list's entry is not over the policy, or reached the one in force")
	}
	if n, m := len(before.Evaluate(acme(), nil, now())), len(after.Evaluate(acme(), nil, now())); n != 2 || m != 1 {
		t.Errorf("%d findings before and %d after, want 2 and 1", n, m)
	}
}

func TestPropose(t *testing.T) {
	before := judge(t, list()).Policy
	after, err := findings.Propose(before, findings.Proposal{Maker: "bolt", Name: "Bolt: \"[x]\"\n- &a", List: "utility", Since: now()})
	if err != nil {
		t.Fatal(err)
	}
	m := acme()
	m.Identity.Maker, m.Identity.MakerName, m.Origin.Country = "bolt", "Bolt", "SE"
	found := after.Evaluate(m, nil, now())
	if len(found) != 1 || found[0].Text != "Bolt is named in a proposed edition of the Utility list" || found[0].Source != "" {
		t.Errorf("%+v", found)
	}
	if len(before.Evaluate(m, nil, now())) != 0 {
		t.Error("the proposal reached the policy in force")
	}
	for list, want := range map[string]string{"nosuch": "there is no list", "jp": "was never confirmed"} {
		if _, err := findings.Propose(before, findings.Proposal{Maker: "bolt", Name: "Bolt", List: list, Since: now()}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got %v, want %q", list, err, want)
		}
	}
}

func TestForHBOM(t *testing.T) {
	j := judge(t, list(), rules)
	got := findings.ForHBOM(j.Module(acme(), &policy.Gateway{Gateway: inventory.Gateway{ID: "lab"}}))
	if len(got) != 3 || got[0].List != "utility" || got[0].Severity != "high" || got[0].Source != "https://example.org/list" || got[0].Since.IsZero() ||
		got[2].Excepted != "Jane: tested, until 2027-01-31" || got[0].Excepted != "" {
		t.Errorf("%+v", got)
	}
}
