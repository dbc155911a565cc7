package policy_test

import (
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

// A rule of one's own, on top of the starter policy.
func ExamplePolicy_Evaluate() {
	set, err := lists.Embedded()
	if err != nil {
		panic(err)
	}
	p, err := policy.Load(set, policy.Starter(), policy.Overlay{Name: "own.yaml", Data: []byte(`
policy: substations
rules:
  - id: substation-origin
    when: module.origin.country == "CN" && gateway.labels.site == "substation"
    severity: high
    message: "${module.identity.model} of origin ${module.origin.country} in ${gateway.id}"
`)})
	if err != nil {
		panic(err)
	}
	m := &inventory.Module{State: inventory.StateIdentified, Origin: inventory.Origin{Country: "CN"},
		Identity: inventory.Identity{Maker: "fibocom", MakerName: "Fibocom Wireless", Model: "FM350-GL", Firmware: "1"}}
	g := &policy.Gateway{Gateway: inventory.Gateway{ID: "gw-0417", Labels: map[string]string{"site": "substation"}}}
	for _, f := range p.Evaluate(m, g, time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)) {
		fmt.Println(f.Severity, f.Rule+":", f.Text)
	}
	// Output:
	// medium origin: origin CN is in the set of origins to report
	// high substation-origin: FM350-GL of origin CN in gw-0417
}
