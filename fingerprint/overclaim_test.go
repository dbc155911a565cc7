package fingerprint

import (
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Devices that answer in the style of a known maker, or with a chip's name, and say nothing that only he could say: the
// maker stays open, and he is among the possible ones. Invented.
func TestStyleOfAMakerIsNoProof(t *testing.T) {
	b := embedded(t)
	for _, c := range []struct{ possible, said string }{
		// a company that nobody here knows
		{"quectel", "AT+CGMI = Xinlian ; AT+CGMM = XR100 ; AT+CGMR = XR100ABAR01A02M4G"},
		{"huawei", "AT+CGMI = Xinlian ; AT+CGMM = XR100 ; AT+CGMR = 11.617.06.00.00"},
		{"huawei", "AT+CGMI = Xinlian ; AT+CGMM = E4321"},
		{"zte", "AT+CGMI = Xinlian ; AT+CGMM = QX20 ; AT+CGMR = BD_QX20V1.0.0B01"},
		{"telit", "AT+CGMI = Xinlian ; AT#CGMM = #CGMM: GL100 ; AT#CGMR = #CGMR: 10.00.123"},
		{"telit", "AT+CGMI = Xinlian ; AT+CGMM = LE910 ; AT+CGMR = XL_1.0"},
		{"cinterion", "AT+CGMI = Xinlian ; AT+CGMM = BX99 ; AT+CGMR = REVISION 01.200"},
		{"sierra-wireless", "AT+CGMI = Xinlian ; AT+CGMM = AX100 ; AT+CGMR = SWI9X30C_02.24.05.06"},
		{"sierra-wireless", "AT+CGMI = Xinlian ; AT+CGMM = MC7455 ; AT+CGMR = XL_1.0"},
		{"sequans", "AT+CGMI = Xinlian ; AT+CGMM = AX100 ; ATI1 = LR6.0.0.0-35351"},
		{"nordic", "AT+CGMI = Xinlian ; AT+CGMM = nRF9160 ; AT+CGMR = mfw_nrf9160_1.3.4"},
		{"nordic", "AT+CGMI = Xinlian ; AT+CGMM = AX100 ; AT%HWVERSION = %HWVERSION: nRF9160 SICA B1A"},
		{"u-blox", "ATI = Manufacturer: Xinlian | Model: SARA-R410M | Revision: XL_2"},
		{"simcom", "AT+CGMI = Xinlian ; AT+CGMM = SIM800C ; AT+CGMR = XL_V1.3"},
		{"sony-ericsson", "AT+CGMI = Xinlian ; AT+CGMM = K750 ; AT+CGMR = XL2"},
		// the same, named in the first line of a text
		{"sierra-wireless", "ATI = Xinlian | MC7455 | XL_1.0"},
		{"telit", "ATI = Xinlian | LE910C4-EU | XL_1.0"},
		// a company's name inside a sentence
		{"", "AT+CGMI = Xinlian (u-blox compatible) ; AT+CGMM = XL7"},
		// a chipset's maker, and a name as several give them
		{"huawei", "AT+CGMI = QUALCOMM INCORPORATED ; AT+CGMM = E909 ; AT+CGMR = M9200B-SCAQDBZ-3.2.100"},
		{"huawei", "AT+CGMI = QUALCOMM INCORPORATED ; AT+CGMM = E1750"},
		{"zte", "AT+CGMI = QUALCOMM INCORPORATED ; AT+CGMM = MF777"},
		{"", "AT+CGMI = EIGENCOMM ; AT+CGMM = EC618"},
		{"", "AT+CGMI = Xinlian ; AT+CGMM = EC618 ; AT+CGMR = EC618_SW_V1"},
		{"", "AT+CGMI = UNISOC ; AT+CGMM = UIS8910 ; AT+CGMR = 8910_MODULE_V4_1"},
	} {
		v := b.Identify(asked(strings.Split(c.said, " ; ")...))
		if v.State != inventory.StatePartial || v.Identity.Maker != "" || c.possible != "" && !slices.Contains(v.Possible, c.possible) {
			t.Errorf("%s: %s, %q, possible %q", c.said, v.State, v.Identity.Maker, v.Possible)
		}
	}
}

// The same where the vendor id is a known maker's: adapters and copies use others' ids.
func TestVendorIDBesideAnUnknownCompany(t *testing.T) {
	b := embedded(t)
	for maker, usb := range map[string]inventory.Device{
		"quectel":         {Bus: "usb", VID: "2c7c", PID: "0125", Manufacturer: "Android"},
		"sierra-wireless": {Bus: "usb", VID: "1199", PID: "9071"},
		"telit":           {Bus: "usb", VID: "1bc7", PID: "0036", Manufacturer: "Telit", Product: "Telit Modem"},
	} {
		o := asked("AT+CGMI = Xinlian", "AT+CGMM = XL725", "AT+CGMR = XL_1.0")
		o.USB = &usb
		v := b.Identify(o)
		if v.Identity.Maker != "" || !slices.Contains(v.Possible, maker) || !strings.Contains(v.Reason, "Xinlian") {
			t.Errorf("%s: %q, possible %q: %s", maker, v.Identity.Maker, v.Possible, v.Reason)
		}
	}
}

// A model that is known as another's is a contradiction, even where name and firmware outweigh it.
func TestForeignModelIsTold(t *testing.T) {
	v := embedded(t).Identify(asked("AT+CGMI = SIMCOM INCORPORATED", "AT+CGMM = EC20", "AT+CGMR = LE11B12SIM7600M22"))
	if v.Identity.Maker != "simcom" || len(v.Conflicts) != 1 || v.Conflicts[0].Claim != "maker" {
		t.Errorf("%q, %+v", v.Identity.Maker, v.Conflicts)
	}
}
