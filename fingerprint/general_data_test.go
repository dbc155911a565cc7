package fingerprint

import "testing"

// TestGeneralData: the revision that Intel's basebands hide between asterisks in AT+XGENDATA is taken where nothing
// better is said, and their chipset is known by the line above it.
func TestGeneralData(t *testing.T) {
	b := embedded(t)
	const data = `AT+XGENDATA = +XGENDATA: "XG736ES21S5E20NAMAV2DEFA19223101408 | M2_7360_XMM7360_REV_2.1_RPC_NAND 2019-May-29 11:40:45 | *XG736ES21S5E20NAMAV2DEFA19223101408__M.2_7360_MR2_01.1920.00*" | "*"`
	for want, o := range map[string]Observation{
		"XG736ES21S5E20NAMAV2DEFA19223101408__M.2_7360_MR2_01.1920.00": asked("AT+CGMI = Fibocom Wireless Inc.", "AT+CGMM = L850-GL", data),
		"18500.5001.00.02.24.10": asked("AT+CGMI = Fibocom Wireless Inc.", "AT+CGMM = L850-GL", "AT+CGMR = 18500.5001.00.02.24.10", data),
	} {
		v := b.Identify(o)
		if v.Identity.Firmware != want || v.Identity.Maker != "fibocom" || v.Identity.Chipset != "Intel XMM7360" || len(v.Conflicts) > 0 {
			t.Errorf("%+v, conflicts %+v, want firmware %s", v.Identity, v.Conflicts, want)
		}
	}
	if v := b.Identify(asked(data)); v.Identity.Maker != "" || v.Identity.Chipset != "Intel XMM7360" || v.Reason == "" {
		t.Errorf("alone: %s %+v %q", v.State, v.Identity, v.Reason)
	}
}
