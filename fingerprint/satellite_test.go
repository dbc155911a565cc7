package fingerprint

import (
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// TestSatelliteIMEI: a number that a rule for other devices knows is no sign of a cellular module, whatever maker is named
// beside it, and wherever it stands; the rest of the numbers are.
func TestSatelliteIMEI(t *testing.T) {
	b := embedded(t)
	for _, tc := range []struct {
		o    Observation
		want inventory.State
	}{
		{asked("AT+CGMI = Motorola", "AT+CGSN = 300125060000009"), inventory.StateNotCellular},
		{asked("ATI = Manufacturer: Motorola | IMEI: 300125060000009"), inventory.StateNotCellular},
		{asked("AT+CGMI = Sierra Wireless, Inc.", "AT+CGSN = 300125060000009"), inventory.StateNotCellular},
		{asked("AT+CGMI = Motorola", "AT+CGSN = 866425030000006"), inventory.StatePartial},
	} {
		v := b.Identify(tc.o)
		if v.State != tc.want || tc.want == inventory.StateNotCellular && !strings.Contains(v.Seems, "satellite") {
			t.Errorf("%v: %s %q", tc.o.Transcript, v.State, v.Seems)
		}
	}
}
