package policy_test

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/policy"
)

const ownRules = `
rules:
  - {id: substation, when: 'gateway.labels.site == "substation"', severity: high, message: in a substation}
  - {id: breaks, when: 'module.possible[0] == "x"', severity: low, message: never}
`

func TestCases(t *testing.T) {
	for name, tt := range map[string]struct {
		yaml string
		want policy.Result // without the case
	}{
		"as expected": {`
cases:
  - name: a
    module: {identity: {maker: quectel, maker_name: Quectel, model: EC25-E}, origin: {country: CN}, possible: [x]}
    gateway: {labels: {site: substation}}
    finds: [substation, named-in-list, named-in-list/dod-1260h]
    finds_not: [named-in-list/fcc-covered-list]`, policy.Result{}},
		"not as expected": {`
cases:
  - {name: a, module: {origin: {country: SE}, possible: [x]}, finds: [substation], finds_not: [breaks, origin-unknown, breaks]}`,
			policy.Result{Missing: []string{"substation"}, Unwanted: []string{"breaks", "breaks"}}},
		"a rule that cannot be judged": {`
cases:
  - {name: a, module: {}, finds_not: [substation]}`,
			policy.Result{Failed: []string{"rule breaks could not be judged: index out of bounds: 0"}}},
		"before the edition that names it": {`
cases:
  - {name: a, at: 2024-06-01, module: {identity: {maker: quectel}, possible: [x]}, finds_not: [named-in-list]}`, policy.Result{}},
		"a gateway's rule": {`
cases:
  - {name: a, at: 2026-06-10, module: {possible: [x]}, gateway: {last_seen: 2026-06-01}, finds: [gateway-silent]}`, policy.Result{}},
		"what is excepted is not found": {`
cases:
  - {name: a, module: {possible: [x]}, gateway: {labels: {site: substation}}, finds_not: [substation]}
exceptions: [{id: e, rule: substation, owner: o, reason: r, until: 2027-01-01}]`, policy.Result{}},
		"every field": {`
cases:
  - name: a
    module:
      id: usb:1-1
      state: partial
      identity: {maker: m, maker_name: M, badge: b, model: mo, variant: v, firmware: 1.10, hardware: h, imei: "0123", chipset: c, technology: t}
      origin: {country: CN, parent_country: CN}
      confidence: 0.5
      seems: s
      reason: r
      data: d
      possible: [x]
      evidence: [{claim: model, value: v, source: "at:ATI", quote: q, rule: r}]
      conflicts: [{claim: imei, values: [a, b], why: w}]
      parts: [{name: n, value: v}]
      ports: [{path: /dev/ttyUSB2, role: at, state: held, holder: x, reason: y}]
      device: {bus: usb, vid: 2c7c, pid: "0125", subvid: a, subpid: b, revision: c, path: 1-1, driver: option, manufacturer: m, product: p}
    gateway: {id: g, hostname: h, agent: a, os: linux, arch: arm64, clock_synced: true}
    finds: [conflict, imei-invalid, all]
rules:
  - id: all
    severity: info
    message: all
    when: >-
      module.identity.firmware == "1.10" && module.identity.imei == "0123" && module.confidence == 0.5 && module.device.pid == "0125" &&
      module.evidence[0].quote == "q" && module.ports[0].holder == "x" && module.parts[0].value == "v" && gateway.clock_synced
`, policy.Result{}},
	} {
		t.Run(name, func(t *testing.T) {
			got := load(t, ownRules, tt.yaml).Test()
			if len(got) != 1 {
				t.Fatalf("%d results", len(got))
			}
			if got[0].OK() != (len(tt.want.Missing)+len(tt.want.Unwanted)+len(tt.want.Failed) == 0) {
				t.Errorf("OK is %v", got[0].OK())
			}
			got[0].Case = policy.Case{}
			if diff := cmp.Diff(tt.want, got[0]); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
}

func TestFaultsOfCases(t *testing.T) {
	for name, tt := range map[string]struct{ yaml, want string }{
		"expects nothing": {"{name: a, module: {}}", "own.yaml:3: finds: say what is found"},
		"no module":       {"{name: a, finds: [origin]}", "own.yaml:3: module: missing"},
		"no such state":   {"{name: a, module: {state: fine}, finds: [origin]}", `state: there is no state "fine"`},
		"no such field":   {"{name: a, module: {identity: {make: x}}, finds: [origin]}", `unknown key "make"`},
		"no number":       {"{name: a, module: {confidence: high}, finds: [origin]}", `confidence: "high" is no number`},
		"no time":         {"{name: a, at: today, module: {}, finds: [origin]}", `at: "today" is no time`},
		"silent since":    {"{name: a, module: {}, gateway: {last_seen: 2026-01-01}, finds: [origin]}", "at: missing"},
	} {
		t.Run(name, func(t *testing.T) {
			_, err := policy.Load(embedded(t), policy.Starter(), policy.Overlay{Name: "own.yaml", Data: []byte("policy: own\ncases:\n  - " + tt.yaml)})
			if err == nil || !strings.Contains(err.Error(), tt.want) {
				t.Errorf("got %v, want %q", err, tt.want)
			}
		})
	}
}

// What stands on a module's card anyway is not said there again; all else is, in brief.
func TestFindingsForACard(t *testing.T) {
	p := load(t, "rules: [{id: own, when: 'true', severity: low, message: own, evident: 'module.possible[0] == \"x\"'}]")
	got := map[string]string{}
	for _, f := range p.Evaluate(quectel(), site("x"), now) {
		if !f.Evident {
			got[f.Key()] = f.Brief
		}
	}
	want := map[string]string{"named-in-list/dod-1260h": "named in the DoD Section 1260H list, edition 2026-06-08", "own": ""}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}
