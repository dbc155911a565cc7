package fingerprint

import (
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// What ModemManager tells identifies a module whose ports it holds, as evidence of its own kind.
func TestManagedModuleIsIdentified(t *testing.T) {
	v := embedded(t).Identify(Observation{
		USB: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125"},
		Managed: &inventory.Managed{By: "ModemManager", Manufacturer: "QUALCOMM INCORPORATED", Model: "QUECTEL Mobile Broadband Module",
			Revision: "EC25EFAR06A08M4G  1  [Mar 01 2018 03:00:00]", Hardware: "10000", EquipmentID: "867012040000009"},
	})
	if v.State != inventory.StateIdentified || v.Identity.Maker != "quectel" || v.Identity.Model != "EC25-E" ||
		v.Identity.Firmware != "EC25EFAR06A08M4G" || v.Identity.IMEI != "867012040000009" {
		t.Errorf("got %s %+v: %s", v.State, v.Identity, v.Reason)
	}
	found := false
	for _, e := range v.Evidence {
		found = found || e.Source == "mm:Revision" && e.Claim == "firmware"
	}
	if !found {
		t.Errorf("no evidence names mm:Revision: %+v", v.Evidence)
	}
}

// The module's own answers come before the manager's, and a manager that tells of another module is
// contradicted aloud.
func TestOwnAnswersBeforeTheManager(t *testing.T) {
	o := Observation{
		Transcript: []inventory.Exchange{
			{Cmd: "AT+CGMI", Lines: []string{"Quectel"}, Final: "OK"}, {Cmd: "AT+CGMM", Lines: []string{"EC25"}, Final: "OK"},
			{Cmd: "AT+CGMR", Lines: []string{"EC25EFAR06A08M4G"}, Final: "OK"}, {Cmd: "AT+CGSN", Lines: []string{"867012040000009"}, Final: "OK"},
		},
		Managed: &inventory.Managed{By: "ModemManager", Manufacturer: "SIMCOM INCORPORATED", Model: "SIMCOM_SIM7600E-H",
			Revision: "LE20B03SIM7600M22", EquipmentID: "861477030000007"},
	}
	v := embedded(t).Identify(o)
	if v.Identity.Maker != "quectel" && v.Identity.Maker != "" || v.Identity.Firmware != "EC25EFAR06A08M4G" || len(v.Conflicts) == 0 {
		t.Errorf("got %+v, conflicts %+v", v.Identity, v.Conflicts)
	}
	o.Managed = &inventory.Managed{By: "ModemManager", Manufacturer: "Quectel", Model: "EC25", Revision: "EC25EFAR06A08M4G"}
	same := embedded(t).Identify(o)
	o.Managed = nil
	alone := embedded(t).Identify(o)
	if same.Identity != alone.Identity || same.Confidence != alone.Confidence || len(same.Conflicts) != 0 {
		t.Errorf("with the manager's %+v (%v), without %+v (%v)", same.Identity, same.Confidence, alone.Identity, alone.Confidence)
	}
}

// What a manager says is the module's text, as little to be trusted.
func TestManagedHostile(t *testing.T) {
	for _, s := range []string{"\x1b[2J", strings.Repeat("A", 1<<20), "MBIM [2C7C:0125]", "\xff\xfe", "=HYPERLINK(1)", ""} {
		v := embedded(t).Identify(Observation{Managed: &inventory.Managed{By: "ModemManager", Manufacturer: s, Model: s, Revision: s, Hardware: s, EquipmentID: s}})
		if v.Identity.Maker != "" || v.State == inventory.StateIdentified || len(v.Identity.Model) > 200 {
			t.Errorf("%.20q gave %s %.60v", s, v.State, v.Identity)
		}
	}
}
