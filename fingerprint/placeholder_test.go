package fingerprint

import (
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// TestPlaceholdersAreNoMakers: what reference firmware says in place of a maker or a model tells whose the chipset is, at
// most. The module is somebody's, whose is open, and no origin is given.
func TestPlaceholdersAreNoMakers(t *testing.T) {
	b := embedded(t)
	for _, tc := range []struct{ answer, chipset string }{
		{"AT+CGMI = QUALCOMM INCORPORATED", "Qualcomm"},
		{"AT+CGMM = 4094", "Qualcomm"},
		{"ATI = Manufacturer: QUALCOMM INCORPORATED | Model: 4094", "Qualcomm"},
		{`AT+CGMI = +CGMI: "Marvell"`, "Marvell"},
		{"AT+CGMI = MTK1", "MediaTek"},
		{"AT+CGMM = +CGMM: MTK2", "MediaTek"},
		{"AT+CGMI = MTK2", "MediaTek"},
		{"ATI = MTK2", "MediaTek"},
		{"AT+CGMI = LINUX", ""}, // of several chipsets
		{`AT+CGMM = +CGMM: "LINUX"`, ""},
		{"AT+CGMI = INCORPORATED", ""},
	} {
		v := b.Identify(asked(tc.answer))
		if v.State != inventory.StatePartial || v.Identity.Maker != "" || v.Origin != (inventory.Origin{}) || v.Identity.Chipset != tc.chipset {
			t.Errorf("%s: %s, maker %q of %+v, chipset %q, want %q", tc.answer, v.State, v.Identity.Maker, v.Origin, v.Identity.Chipset, tc.chipset)
		}
	}
	if v := b.Identify(asked("AT+CGMI = INCORPORATED")); len(v.Possible) != 1 || v.Possible[0] != "simcom" {
		t.Errorf("INCORPORATED alone: possible %v", v.Possible)
	}
}
