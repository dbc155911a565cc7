package policy_test

import (
	"fmt"
	"iter"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

const proposal = `
extend: fcc-covered-list
entries:
  - {maker: fibocom, name: Fibocom Wireless Inc., since: 2026-11-01, confirmed: true, note: a proposal}
`

func fleet(mods ...*inventory.Module) iter.Seq2[*policy.Gateway, *inventory.Module] {
	return func(yield func(*policy.Gateway, *inventory.Module) bool) {
		for i, m := range mods {
			g := &policy.Gateway{Gateway: inventory.Gateway{ID: fmt.Sprintf("gw-%d", i)}}
			if !yield(g, m) {
				return
			}
		}
	}
}

func TestWhatIfAMakerWereNamed(t *testing.T) {
	before := load(t)
	more, err := before.Lists().With(lists.Overlay{Name: "proposal.yaml", Data: []byte(proposal)})
	if err != nil {
		t.Fatal(err)
	}
	after, err := before.With(more)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for c := range policy.WhatIf(before, after, fleet(quectel(), maker("fibocom", "FM350-GL"), sierra(), maker("fibocom", "L850-GL")), now) {
		got = append(got, fmt.Sprintf("%s %s %v %v %d %s", c.Gateway, c.Module, rules(c.Opened), rules(c.Closed), len(c.Changed), c.Opened[0].Text))
	}
	want := []string{
		"gw-1 usb:1-1.3 [named-in-list/fcc-covered-list] [] 0 fibocom is named in the FCC Covered List, edition 2026-07-28",
		"gw-3 usb:1-1.3 [named-in-list/fcc-covered-list] [] 0 fibocom is named in the FCC Covered List, edition 2026-07-28",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	if rules(before.Evaluate(maker("fibocom", "FM350-GL"), nil, now))[0] != "origin" {
		t.Error("the proposal reached the policy in force")
	}
}

func TestWhatIfARuleChanged(t *testing.T) {
	before := load(t)
	after, err := before.With(nil, policy.Overlay{Name: "p.yaml", Data: []byte(`
policy: proposal
rules:
  - {id: origin, enabled: false}
  - {id: named-in-list, severity: critical}
  - {id: dell, when: module.identity.badge == "dell", severity: info, message: sold as a Dell card}
`)})
	if err != nil {
		t.Fatal(err)
	}
	c, ok := policy.Compare(before, after, quectel(), site("x"), now)
	if !ok || len(c.Opened) != 0 || len(c.Closed) != 1 || c.Closed[0].Rule != "origin" ||
		len(c.Changed) != 1 || c.Changed[0].Severity != policy.Critical || c.Gateway != "gw-1" {
		t.Errorf("%v %+v", ok, c)
	}
	c, ok = policy.Compare(before, after, sierra(), nil, now)
	if !ok || len(c.Opened) != 1 || c.Opened[0].Rule != "dell" {
		t.Errorf("%v %+v", ok, c)
	}
	if _, ok := policy.Compare(before, before, quectel(), nil, now); ok {
		t.Error("a policy differs from itself")
	}
}

func TestWhatIfStopsWhenAskedTo(t *testing.T) {
	before := load(t)
	after, err := before.With(nil, policy.Overlay{Name: "p", Data: []byte("policy: p\nrules: [{id: origin, enabled: false}]")})
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for range policy.WhatIf(before, after, fleet(quectel(), quectel(), quectel()), now) {
		n++
		break
	}
	if n != 1 {
		t.Errorf("%d", n)
	}
}

func TestWhatIfAboutGateways(t *testing.T) {
	before := load(t)
	after, err := before.With(nil, policy.Overlay{Name: "p.yaml", Data: []byte("policy: p\nrules: [{id: gateway-silent, enabled: false}]")})
	if err != nil {
		t.Fatal(err)
	}
	g := &policy.Gateway{Gateway: inventory.Gateway{ID: "gw-1"}, LastSeen: now.AddDate(0, 0, -9)}
	c, ok := policy.CompareGateway(before, after, g, now)
	if !ok || c.Gateway != "gw-1" || len(c.Closed) != 1 || c.Closed[0].Rule != "gateway-silent" {
		t.Errorf("%v %+v", ok, c)
	}
	if _, ok := policy.CompareGateway(before, before, g, now); ok {
		t.Error("a policy differs from itself")
	}
}
