package fingerprint

import (
	"strings"
	"testing"
)

// A name that the module gives itself counts more than the model that its firmware's name tells, also where nothing is
// known of that name; where they are of different families, that is said.
func TestOwnNameBeforeItsFirmwares(t *testing.T) {
	b := embedded(t)
	for _, c := range []struct {
		maker, said, firmware, want string
		conflict                    bool
	}{
		{"Quectel", "EC29", "EC25EFAR06A08M4G", "EC29", true},
		{"Quectel", "EC29", "EC29EFAR06A08M4G", "EC29", false},
		{"Quectel", "MYGW-EC25-1", "EC25EFAR06A08M4G", "MYGW-EC25-1", false},
		{"Qualcomm Incorporated", "Gobi 7", "D1020-SUUAASFA-4352", "Gobi 7", false},
		{"Quectel", "4094", "EC25EFAR06A08M4G", "EC25-E", false},
		{"Quectel", "MDM9607", "EC25EFAR06A08M4G", "EC25-E", false},
		{"Quectel", "ASR1609", "EC25EFAR06A08M4G", "EC25-E", false},
		{"Quectel", "GSM900", "EC25EFAR06A08M4G", "EC25-E", false},
		{"Quectel", "LTE_Module_V1", "EC25EFAR06A08M4G", "EC25-E", false},
		{"Quectel", "5G-Module", "EC25EFAR06A08M4G", "EC25-E", false},
		{"Quectel", "LTE Module", "EC25EFAR06A08M4G", "EC25-E", false},
		{"Quectel", "Qualcomm Snapdragon X55 5G", "EC25EFAR06A08M4G", "EC25-E", false},
	} {
		v := b.Identify(asked("AT+CGMI = "+c.maker, "AT+CGMM = "+c.said, "AT+CGMR = "+c.firmware))
		if v.Identity.Model != c.want || (len(v.Conflicts) > 0) != c.conflict {
			t.Errorf("%s with %s: %q, %+v", c.said, c.firmware, v.Identity.Model, v.Conflicts)
		}
	}
}

// A company that nobody here knows is told as the module names it. A model alone, which it may have copied or bought in,
// doesn't prove another maker then; model and firmware together do.
func TestUnknownMakerIsTold(t *testing.T) {
	b := embedded(t)
	for _, c := range []struct{ said, model, firmware, maker, told string }{
		{"Foobar Wireless Ltd", "FB100", "FB_1.0", "", "Foobar Wireless Ltd"},
		{"Foobar Wireless Ltd", "EC25-E", "FB_1.0", "", "Foobar Wireless Ltd"},
		{"Foobar Wireless Ltd", "MC7455", "FB_1.0", "", "Foobar Wireless Ltd"},
		{"Foobar Wireless Ltd", "FB100", "SWI9X30C_02.24.05.06", "", "Foobar Wireless Ltd"},
		{"Foobar Wireless Ltd", "nRF9160", "mfw_nrf9160_1.3.4", "", "Foobar Wireless Ltd"}, // a chip that anybody builds in
		{"Foobar Wireless Ltd", "EC25-E", "EC25EFAR06A08M4G", "quectel", "Foobar Wireless Ltd"},
		{"Foobar Wireless Ltd", "LE910C4-NF", "25.30.227", "telit", "Foobar Wireless Ltd"}, // its numbering is used by others, too
		{"Quectel", "EC25-E", "FB_1.0", "quectel", ""},
		{"Generic", "EC25-E", "FB_1.0", "quectel", ""},
		{"Manufacturer", "EC25-E", "FB_1.0", "quectel", ""},
		{"QUALCOMM INCORPORATED", "EC25-E", "FB_1.0", "quectel", ""},
	} {
		v := b.Identify(asked("AT+CGMI = "+c.said, "AT+CGMM = "+c.model, "AT+CGMR = "+c.firmware))
		told := ""
		for _, p := range v.Parts {
			if p.Name == "maker-said" {
				told = p.Value
			}
		}
		if v.Identity.Maker != c.maker || told != c.told || c.maker == "" && !strings.Contains(v.Reason, c.told) {
			t.Errorf("%s, %s: %q, told %q: %s", c.said, c.model, v.Identity.Maker, told, v.Reason)
		}
	}
}
