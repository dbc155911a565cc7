package collectortest

import (
	"testing"

	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
	"github.com/rollcall-iot/rollcall/policy/policytest"
)

const rules = `
policy: test
rules:
  - {id: named, each: lists.naming(module.identity.maker), when: hit.list == "utility", severity: high, message: "${module.identity.maker} is ${hit.sentence}"}
  - {id: first-firmware, when: 'module.identity.firmware.endsWith("1")', severity: low, message: "firmware ${module.identity.firmware}"}
  - {id: north, when: 'gateway.labels.site == "north" && module.origin.country == "IT"', severity: medium, message: an Italian module in the north}
  - {id: held, when: 'module.state == "held"', severity: info, message: "${module.reason}"}
  - {id: disputed, when: size(module.conflicts) > 0, severity: critical, message: "${module.conflicts[0].why}"}
  - {id: twin, when: module.id in gateway.duplicates, severity: medium, message: "IMEI ${module.identity.imei} twice"}
  - {id: cloned, on: gateway, when: gateway.conflict != "", severity: high, message: "${gateway.conflict}"}
  - {id: quiet, on: gateway, when: 'gateway.silent && now - gateway.last_seen > duration("90m")', severity: low, message: quiet}
`

// Policy finds that maker alpha is named in a list, firmware that ends in 1, Italian modules in
// the north, held ports, conflicts, doubled IMEIs, and gateways that are cloned or quiet for 90
// minutes. own is more rules, over these.
func Policy(t testing.TB, own ...string) *policy.Policy {
	t.Helper()
	set, err := lists.Load(lists.Overlay{Name: "list.yaml", Data: policytest.List("alpha", "Alpha")})
	if err != nil {
		t.Fatal(err)
	}
	files := []policy.Overlay{{Name: "rules.yaml", Data: []byte(rules)}}
	for _, text := range own {
		files = append(files, policy.Overlay{Name: "own.yaml", Data: []byte(text)})
	}
	p, err := policy.Load(set, files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}
