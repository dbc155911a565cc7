package policy_test

import (
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/policy"
)

func date(y int, m time.Month, d int) time.Time { return time.Date(y, m, d, 0, 0, 0, 0, time.UTC) }

// The day since which findings are as they are moves with exceptions, lists and rules that
// read the time, and with nothing else.
func TestSince(t *testing.T) {
	const until = "exceptions:\n  - {id: lab, rule: origin, owner: Jane, reason: tested, until: 2026-12-24}\n"
	p := load(t, until)
	before, after := p.Since(date(2026, 12, 23).Add(23*time.Hour)), p.Since(date(2026, 12, 24))
	if !before.Before(date(2026, 12, 1)) || !after.Equal(date(2026, 12, 24)) || !p.Since(date(2027, 2, 1)).Equal(after) {
		t.Errorf("before its end %v, after it %v", before, after)
	}
	if !p.Since(date(1970, 1, 1)).IsZero() {
		t.Errorf("before everything: %v", p.Since(date(1970, 1, 1)))
	}
	for _, late := range []string{`when: 'now > timestamp("2026-12-01T00:00:00Z")'`,
		`on: gateway, when: '[gateway].exists(g, g.id == "x") && now > timestamp("2026-12-01T00:00:00Z")'`} {
		timely := load(t, "rules: [{id: late, "+late+", severity: low, message: x}]")
		if got := timely.Since(date(2026, 12, 5).Add(time.Hour)); !got.Equal(date(2026, 12, 5)) {
			t.Errorf("with a rule that reads the time, %s: %v", late, got)
		}
	}
}

// What rules read is known, whatever they are about.
func TestReads(t *testing.T) {
	p := load(t)
	if p.NeedsEvidence() || !p.Reads("gateway.last_seen") || !p.Reads("module.identity.maker") || p.Reads("module.ports") {
		t.Error("the starter policy")
	}
	for _, when := range []string{`module.ports.exists(p, p.holder != "")`, `module.device.vid == "2c7c"`, `size(module.evidence) == 0`,
		`[module].exists(m, size(m.ports) > 0)`} {
		if !load(t, "rules: [{id: deep, when: '"+when+"', severity: low, message: x}]").NeedsEvidence() {
			t.Errorf("%s: needs no evidence", when)
		}
	}
	excepted := load(t, "exceptions:\n  - {id: lab, rule: origin, when: 'module.ports[0].path == \"x\"', owner: J, reason: r, until: 2027-01-01}\n")
	if !excepted.NeedsEvidence() {
		t.Error("an exception reads ports")
	}
	aliased := alone(t, `[gateway].exists(g, g.silent) && [module.identity].exists(i, i.maker == "x")`)
	for _, name := range []string{"gateway.silent", "gateway.last_seen", "module.identity", "module.identity.maker", "module.identity.imei"} {
		if !aliased.Reads(name) {
			t.Errorf("a rule that hands on the whole is not known to read %s", name)
		}
	}
	if aliased.NeedsEvidence() || aliased.Reads("module.id") || alone(t, `floor(module) != ""`).NeedsEvidence() {
		t.Error("more is read than can be")
	}
}

// Modules that differ only in what one rule reads are told apart.
func TestCacheTellsApart(t *testing.T) {
	p := load(t, `rules:
  - {id: site, when: 'gateway.labels.site == "substation"', severity: low, message: x}
  - {id: gate, when: 'gateway.id == "odd"', severity: low, message: x}
  - {id: twin, when: 'module.identity.imei == "1"', severity: low, message: x}
  - {id: whole-gate, when: '[gateway].exists(g, g.id == "odd")', severity: low, message: x}
  - {id: whole-twin, when: '[module.identity].exists(i, i.imei == "1")', severity: low, message: x}
  - {id: whole, when: '(1 < 2 ? module : module).identity.imei == "1"', severity: low, message: x}`)
	c := p.NewCache()
	a, b := sierra(), sierra()
	b.Identity.IMEI = "1"
	odd := &policy.Gateway{}
	odd.ID = "odd"
	for name, g := range map[string]*policy.Gateway{"substation": site("substation"), "lab": site("lab"), "none": nil, "odd": odd} {
		for _, m := range []*M{a, b, a} {
			if want, got := sorted(p.Evaluate(m, g, now)), sorted(c.Evaluate(m, g, now)); want != got {
				t.Errorf("%s: want\n%s\ngot\n%s", name, want, got)
			}
		}
	}
}
