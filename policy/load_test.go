package policy_test

import (
	"fmt"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/policy"
)

func TestFaultsAreNamedWithFileLineAndReason(t *testing.T) {
	rule := func(s string) string {
		return "policy: x\nrules:\n  - id: r\n    severity: low\n    message: m\n    when: " + s + "\n"
	}
	except := func(s string) string {
		return "policy: x\nexceptions:\n  - {id: e, rule: origin, owner: o, reason: r, until: 2027-01-01, " + s + "}\n"
	}
	for name, tt := range map[string]struct{ doc, want string }{
		"no name":            {"rules: []\n", "x.yaml:1: policy: missing"},
		"unknown key":        {"policy: x\nrule: []\n", `x.yaml:2: unknown key "rule"`},
		"unknown rule key":   {rule("'true'\n    servity: low"), `unknown key "servity"`},
		"syntax":             {rule("'module.identity.model =='"), "x.yaml:3: rule r: when: 1:"},
		"misspelt field":     {rule("'module.identity.modell == \"x\"'"), "undefined field 'modell'"},
		"misspelt variable":  {rule("'modul.identity.model == \"x\"'"), "undeclared reference to 'modul'"},
		"no truth value":     {rule("'module.identity.model'"), "is a string, want a bool"},
		"unknown set":        {rule("'\"x\" in sets.nothing'"), "undefined field 'nothing'"},
		"numbers and texts":  {rule("'module.confidence == \"high\"'"), "found no matching overload"},
		"hit without each":   {rule("'hit.list == \"x\"'"), "undeclared reference to 'hit'"},
		"each of no hits":    {rule("'true'\n    each: module.conflicts"), "each: is a list(rollcall.Conflict), want a list(rollcall.Hit)"},
		"has of a label":     {rule("'has(gateway.labels.site)'"), "has() of a label always holds"},
		"module on gateways": {rule("'module.id == \"\"'\n    on: gateway"), "undeclared reference to 'module'"},
		"on what":            {rule("'true'\n    on: fleet"), `on: "fleet" is none of module, gateway`},
		"severity":           {strings.Replace(rule("'true'"), "low", "bad", 1), `severity: "bad" is none of info`},
		"message open":       {strings.Replace(rule("'true'"), "message: m", "message: 'a ${x'", 1), "${ without its }"},
		"message type":       {strings.Replace(rule("'true'"), "message: m", "message: 'a ${module.conflicts}'", 1), "want a string"},
		"path as id":         {strings.Replace(rule("'true'"), "id: r", "id: ../r", 1), "may hold only a-z"},
		"rule twice":         {rule("'true'") + "  - {id: r, when: 'true', severity: low, message: m}\n", `rule "r" stands twice`},
		"nothing to switch":  {"policy: x\nrules: [{id: nothing, enabled: false}]\n", "when: missing"},
		"too long":           {rule("'" + strings.Repeat("true||", 1000) + "true'"), "size"},
		"too deep":           {rule("'" + strings.Repeat("(", 200) + "true" + strings.Repeat(")", 200) + "'"), "limit"},
		"too many":           {rule("'" + strings.Repeat("true||", 400) + "true'"), "limit"},
		"makes a module":     {rule("'rollcall.Module{id: \"x\"}.id == \"x\"'"), ""},
		"no rule to except":  {strings.Replace(except("list: a"), "origin", "orign", 1), `x.yaml:3: exception e: rule: there is no rule "orign"`},
		"no owner":           {strings.Replace(except("list: a"), "owner: o, ", "", 1), "owner: missing"},
		"no end":             {strings.Replace(except("list: a"), "2027-01-01", "never", 1), "until: want the first day"},
		"name of a set":      {"policy: x\nsets: {a-b: []}\n", "may hold only a-z, 0-9 and _"},
		"floor":              {"policy: x\nfirmware: [{maker: a}]\n", "x.yaml:2: model: missing"},
		"alias":              {"policy: &a x\n", "anchors and aliases"},
	} {
		t.Run(name, func(t *testing.T) {
			p, err := policy.Load(embedded(t), policy.Starter(), policy.Overlay{Name: "x.yaml", Data: []byte(tt.doc)})
			if tt.want == "" { // nothing to be said when loading; it fails when judged
				if f := p.Evaluate(sierra(), nil, now); err != nil || len(f) != 1 || !f[0].Failed {
					t.Fatalf("%v %+v", err, f)
				}
				return
			}
			if p != nil || err == nil {
				t.Fatalf("loaded: %v, %v", p != nil, err)
			}
			if !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "x.yaml:") {
				t.Errorf("got  %v\nwant %s", err, tt.want)
			}
			if strings.Contains(err.Error(), "^") {
				t.Errorf("an error of one line is wanted: %v", err)
			}
		})
	}
}

// Whatever an update holds, the policy in force stays as it is.
func TestHostileUpdateIsRejectedWhole(t *testing.T) {
	p := load(t)
	before := fmt.Sprint(rules(p.Evaluate(quectel(), nil, now)))
	for _, doc := range []string{
		"policy: x\nrules:\n  - {id: origin, enabled: false}\n  - {id: bad, when: nonsense(, severity: low, message: m}\n",
		"policy: x\nsets: {origins: []}\nrules: [{id: ../../etc, when: 'true', severity: low, message: m}]\n",
		"policy: x\nrules: [{id: p, when: 'module.identity.model.matches(\"(a{30}b{30}c{30}d{30}){30}\")', severity: low, message: m}]\n",
	} {
		q, err := p.With(nil, policy.Overlay{Name: "update.yaml", Data: []byte(doc)})
		if q != nil || err == nil {
			t.Errorf("loaded: %s", doc)
		}
	}
	if after := fmt.Sprint(rules(p.Evaluate(quectel(), nil, now))); after != before {
		t.Errorf("%s became %s", before, after)
	}
}

func TestOverlaysReplace(t *testing.T) {
	p := load(t, "sets: {origins: [CA]}\nrules:\n  - {id: conflict, enabled: false}\n  - {id: origin-unknown, severity: critical}\n")
	if got := rules(p.Evaluate(quectel(), nil, now)); fmt.Sprint(got) != "[named-in-list/dod-1260h]" {
		t.Errorf("%v", got)
	}
	if got := rules(p.Evaluate(sierra(), nil, now)); fmt.Sprint(got) != "[origin]" {
		t.Errorf("%v", got)
	}
	if o, ok := p.Sets("origins"); !ok || fmt.Sprint(o) != "[CA]" {
		t.Errorf("%v %v", o, ok)
	}
	for _, r := range p.Rules() {
		if r.ID == "conflict" && r.Enabled || r.ID == "origin-unknown" && r.Severity != policy.Critical {
			t.Errorf("%+v", r)
		}
	}
	if o, _ := load(t).Sets("origins"); len(o) != 4 {
		t.Errorf("an overlay reached another policy: %v", o)
	}
}

// Of several entries of firmware for a model, the overlay's own counts.
func TestOverlayOfFirmware(t *testing.T) {
	p := load(t, "firmware: [{maker: quectel, model: EC25*, oldest: EC25EFAR06A10M4G}]",
		"firmware: [{maker: quectel, model: EC25-E, oldest: EC25EFAR06A02M4G}]")
	if got := fmt.Sprint(rules(p.Evaluate(quectel(), nil, now))); strings.Contains(got, "firmware") {
		t.Error(got)
	}
	if len(p.Floors()) != 2 || p.Floors()[0].Oldest != "EC25EFAR06A02M4G" {
		t.Errorf("%v", p.Floors())
	}
}

// Faults of form and of expressions are shown in one run.
func TestAllFaultsAreShownAtOnce(t *testing.T) {
	_, err := policy.Load(embedded(t), policy.Overlay{Name: "own.yaml", Data: []byte(`policy: own
rules:
  - {id: a, when: module.identity.makr == "x", severity: hgh, message: "${", brief: "${1", evident: "1"}
  - {id: b, severity: low, message: x}
unknown: 1`)})
	if err == nil {
		t.Fatal("loaded")
	}
	for _, want := range []string{`"hgh" is none of`, "undefined field 'makr'", "message: ${ without its }", "brief: ${ without its }", "evident: is a int, want a bool",
		"own.yaml:4: when: missing", `own.yaml:5: unknown key "unknown"`} {
		if strings.Count(err.Error(), want) != 1 {
			t.Errorf("want %q once in\n%v", want, err)
		}
	}
}
