package policy_test

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
)

var now = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func embedded(t testing.TB) *lists.Set {
	t.Helper()
	s, err := lists.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// load gives the starter policy with own documents on top.
func load(t testing.TB, own ...string) *policy.Policy {
	t.Helper()
	files := []policy.Overlay{policy.Starter()}
	for _, o := range own {
		files = append(files, policy.Overlay{Name: "own.yaml", Data: []byte("policy: own\n" + o)})
	}
	p, err := policy.Load(embedded(t), files...)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// alone gives a policy of one rule on modules, without the starter policy.
func alone(t testing.TB, when string) *policy.Policy {
	t.Helper()
	p, err := policy.Load(embedded(t), policy.Overlay{Name: "one.yaml", Data: one(when)})
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func one(when string) []byte {
	return []byte("policy: one\nrules:\n  - id: one\n    when: " + quote(when) + "\n    severity: low\n    message: it holds\n")
}

func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", "''") + "'" }

func quectel() *inventory.Module {
	return &inventory.Module{
		ID: "usb:1-1.2", State: inventory.StateIdentified, Confidence: 0.99,
		Identity: inventory.Identity{Maker: "quectel", MakerName: "Quectel Wireless Solutions", Model: "EC25-E", Variant: "E",
			Firmware: "EC25EFAR06A08M4G", IMEI: "867012040000009", Chipset: "Qualcomm MDM9x07"},
		Origin:   inventory.Origin{Country: "CN", ParentCountry: "CN"},
		Evidence: []inventory.Evidence{{Claim: "model", Value: "EC25-E", Source: "at:AT+CGMR", Quote: "EC25EFAR06A08M4G", Rule: "quectel/ec25-firmware"}},
		Device:   &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2", Driver: "option"},
	}
}

func sierra() *inventory.Module {
	return &inventory.Module{
		ID: "usb:1-1.3", State: inventory.StateIdentified, Confidence: 0.99,
		Identity: inventory.Identity{Maker: "sierra-wireless", MakerName: "Sierra Wireless", Model: "EM7455", Badge: "dell", Firmware: "SWI9X30C_02.24.05.06"},
		Origin:   inventory.Origin{Country: "CA", ParentCountry: "US"},
	}
}

// made gives a clean module, changed.
func made(change func(*inventory.Module)) *inventory.Module {
	m := sierra()
	change(m)
	return m
}

func site(s string) *policy.Gateway {
	return &policy.Gateway{Gateway: inventory.Gateway{ID: "gw-1", Labels: map[string]string{"site": s}}, LastSeen: now}
}

func rules(findings []policy.Finding) []string {
	var out []string
	for i := range findings {
		out = append(out, findings[i].Key())
	}
	slices.Sort(out)
	return out
}

func TestFindingSaysWhatTheListSays(t *testing.T) {
	f := load(t).Evaluate(quectel(), site("lab"), now)[0]
	if f.Text != "Quectel Wireless Solutions is named in the DoD Section 1260H list, edition 2026-06-08" {
		t.Errorf("text %q", f.Text)
	}
	if f.Rule != "named-in-list" || f.List != "dod-1260h" || f.Edition != "2026-06-08" || f.Severity != policy.High ||
		!strings.HasPrefix(f.Source, "https://media.defense.gov/2026/Jun/08/") || f.Since.Format(time.DateOnly) != "2025-01-07" {
		t.Errorf("%+v", f)
	}
}

func TestWorst(t *testing.T) {
	p := load(t)
	if got := policy.Worst(p.Evaluate(quectel(), nil, now)); got != policy.High {
		t.Errorf("%v", got)
	}
	if got := policy.Worst(p.Evaluate(sierra(), nil, now)); got != 0 {
		t.Errorf("%v", got)
	}
}

func TestSeverities(t *testing.T) {
	for _, s := range []policy.Severity{policy.Info, policy.Low, policy.Medium, policy.High, policy.Critical} {
		got, err := policy.ParseSeverity(s.String())
		if err != nil || got != s {
			t.Errorf("%v: %v, %v", s, got, err)
		}
	}
	for _, s := range []string{"", "HIGH", "urgent"} {
		if _, err := policy.ParseSeverity(s); err == nil {
			t.Errorf("%q was read", s)
		}
	}
	if !(policy.Info < policy.Low && policy.High < policy.Critical) {
		t.Error("order")
	}
}

func TestVersionChangesWithLists(t *testing.T) {
	p := load(t)
	if !strings.HasPrefix(p.Version(), "starter 2026-11-22+") || !strings.Contains(p.Version(), "lists 2026-11-22+") {
		t.Errorf("version %q", p.Version())
	}
	more, err := p.Lists().With(lists.Overlay{Name: "x", Data: []byte(proposal)})
	if err != nil {
		t.Fatal(err)
	}
	q, err := p.With(more)
	if err != nil {
		t.Fatal(err)
	}
	if q.Version() == p.Version() || load(t, "sets: {approved: [a/b]}").Version() == p.Version() {
		t.Error("another list or set gives the same version")
	}
}
