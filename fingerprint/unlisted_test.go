package fingerprint

import "testing"

// Models and revisions that no list has, and words around those that one has.
func TestUnlistedNames(t *testing.T) {
	b := embedded(t)
	for _, tc := range []struct{ answer, maker, model, firmware string }{
		{"AT+CGMR = EC257UCNAAR06A02M16", "quectel", "EC257U", "EC257UCNAAR06A02M16"},
		{"AT+CGMR = 1418B05SIM862L24", "simcom", "SIM862L", "1418B05SIM862L24"},
		{"AT+CGMR = T99W121.F0.1.0.0.9.GC.004", "foxconn", "T99W121", "T99W121.F0.1.0.0.9.GC.004"},
		{"AT+CGMR = ec25efar06a08m4g", "quectel", "EC25-E", "ec25efar06a08m4g"},
		{"ATI = Manufacturer: Fibocom | Model: L850 LTE Module | Revision: 18500.5001.00.05.27.16", "fibocom", "L850", "18500.5001.00.05.27.16"},
		{"ATI = Manufacturer: Sierra Wireless, Incorporated | Model: EM7455 Qualcomm Snapdragon X7 LTE-A | Revision: SWI9X30C_02.24.05.06",
			"sierra-wireless", "EM7455", "SWI9X30C_02.24.05.06"},
	} {
		id := b.Identify(asked(tc.answer)).Identity
		if id.Maker != tc.maker || id.Model != tc.model || id.Firmware != tc.firmware {
			t.Errorf("%s: %q %q %q, want %q %q %q", tc.answer, id.Maker, id.Model, id.Firmware, tc.maker, tc.model, tc.firmware)
		}
	}
}

func TestCodeStem(t *testing.T) {
	for code, want := range map[string]string{
		"EC257UCNAA": "EC257U", "EC29EFA": "EC29", "SIM8509SA": "SIM8509SA", "SIM862L": "SIM862L", "T99W121": "T99W121", "T77W976": "T77W976",
		"HL769x": "", "M9": "", "123": "", "": "", "BC660KGLAA": "BC660K",
	} {
		if got := codeStem(code); got != want {
			t.Errorf("%q: %q, want %q", code, got, want)
		}
	}
}
