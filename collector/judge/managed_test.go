package judge

import (
	"testing"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

// What a modem manager told travels in the report and is judged again; who holds the port does not stand
// above an identity that is proven by it.
func TestManagedModulesAreJudgedAgain(t *testing.T) {
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	r := &inventory.Report{Gateway: inventory.Gateway{ID: "g"}, Modules: []inventory.Module{
		{ID: "usb:1-1", State: inventory.StateHeld, Reason: "ModemManager has it",
			Managed: &inventory.Managed{By: "ModemManager", Manufacturer: "Quectel", Model: "EC25", Revision: "EC25EFAR06A08M4G"}},
		{ID: "usb:1-2", State: inventory.StateHeld, Reason: "ModemManager has it", Managed: &inventory.Managed{By: "ModemManager"}},
	}}
	b, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	sent, err := inventory.DecodeReport(b)
	if err != nil {
		t.Fatal(err)
	}
	got := Report(base, sent)
	if m := got[0]; m.State != inventory.StateIdentified || m.Identity.Maker != "quectel" || m.Managed == nil {
		t.Errorf("%s %+v, managed %+v", m.State, m.Identity, m.Managed)
	}
	if m := got[1]; m.State != inventory.StateHeld || m.Reason != "ModemManager has it" || m.Identity != (inventory.Identity{}) {
		t.Errorf("%s (%s) %+v", m.State, m.Reason, m.Identity)
	}
}
