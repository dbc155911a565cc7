package fingerprint

import (
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// TestNameOfAMakerOfManyThings: one line with the name of a company that builds many other things, and a product that is
// not known, proves no cellular module. Whatever shows that it is one, does.
func TestNameOfAMakerOfManyThings(t *testing.T) {
	base := embedded(t)
	for _, c := range []struct {
		name  string
		seen  Observation
		state inventory.State
	}{
		{"a controller of machines", asked("ATI = Siemens SIMATIC S7-1200"), inventory.StateNotCellular},
		{"the same, asked for its model", asked("AT+CGMI = SIEMENS", "AT+CGMM = SIMATIC S7-1200"), inventory.StateNotCellular},
		{"a switch", asked("ATI = Huawei S5720-28P"), inventory.StateUnknown},
		{"a printer", asked("ATI = Samsung XQ-2160"), inventory.StateUnknown},
		{"a radio", asked("ATI = Motorola XPR 7550"), inventory.StateUnknown},
		{"a known module", asked("ATI = Siemens TC65i"), inventory.StateIdentified},
		{"a line of modules", asked("ATI = Huawei E9372"), inventory.StateIdentified},
		{"with an IMEI", asked("ATI = Huawei S5720-28P", "AT+CGSN = 861477030000002"), inventory.StateIdentified},
		{"each asked for", asked("AT+GMI = Huawei", "AT+GMM = MU9999"), inventory.StateIdentified},
		{"in lines of their own", asked("ATI = Huawei | MU9999"), inventory.StateIdentified},
		{"a maker of modules only", asked("ATI = Quectel XY9999"), inventory.StateIdentified},
		{"a number of a module behind another name", asked("ATI = Sony VPL-FX30"), inventory.StateUnknown},
		{"the same, asked for its model", asked("AT+CGMM = VPL-FX30"), inventory.StatePartial},
		{"behind words that describe", asked("AT+CGMM = LTE Module L610"), inventory.StateIdentified},
		{"the name alone", asked("ATI = Huawei"), inventory.StatePartial},
	} {
		t.Run(c.name, func(t *testing.T) {
			if v := base.Identify(c.seen); v.State != c.state {
				t.Errorf("%v %+v (%s), want %v", v.State, v.Identity, v.Reason, c.state)
			}
		})
	}
}
