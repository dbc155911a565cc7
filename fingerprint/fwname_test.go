package fingerprint

import (
	"slices"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// TestNameBeforeFirmware: a maker's name as the first word of a firmware that is not known makes it possible, and proves
// nothing; it does not stand against what is proven.
func TestNameBeforeFirmware(t *testing.T) {
	base := embedded(t)
	for _, c := range []struct {
		name     string
		seen     Observation
		state    inventory.State
		maker    string
		possible []string
	}{
		{"alone", asked("AT+CGMR = QUECTEL_XQ99_V1.02"), inventory.StatePartial, "", []string{"quectel"}},
		{"another", asked("AT+CGMR = Telit_YY9_12.00.001"), inventory.StatePartial, "", []string{"telit"}},
		{"asked as any modem", asked("AT+GMR = SIMCOM_ZQ9_V01"), inventory.StatePartial, "", []string{"simcom"}},
		{"a maker of many things", asked("AT+GMR = Siemens_9.1.2"), inventory.StateUnknown, "", nil},
		{"a brand", asked("AT+CGMR = DELL_9.1.2"), inventory.StatePartial, "", nil},
		{"a chipset's maker", asked("AT+CGMR = QUALCOMM_9.1.2"), inventory.StatePartial, "", nil},
		{"the name without a version", asked("AT+GMR = Telit Communications"), inventory.StateUnknown, "", nil},
		{"beside the answer of another", asked("AT+CGMI = u-blox", "AT+CGMM = SARA-R510S", "AT+CGMR = Telit_1.2.3"), inventory.StateIdentified, "u-blox", nil},
	} {
		t.Run(c.name, func(t *testing.T) {
			v := base.Identify(c.seen)
			if v.State != c.state || v.Identity.Maker != c.maker || !slices.Equal(v.Possible, c.possible) || len(v.Conflicts) > 0 {
				t.Errorf("%v %q, possible %q, conflicts %v; want %v %q %q and none", v.State, v.Identity.Maker, v.Possible, v.Conflicts, c.state, c.maker, c.possible)
			}
		})
	}
}
