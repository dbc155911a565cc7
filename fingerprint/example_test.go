package fingerprint_test

import (
	"fmt"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

func ExampleBase_Identify() {
	base, err := fingerprint.Embedded()
	if err != nil {
		fmt.Println(err)
		return
	}
	v := base.Identify(fingerprint.Observation{Transcript: []inventory.Exchange{
		{Cmd: "ATI", Lines: []string{"Quectel", "EC25", "Revision: EC25EFAR06A08M4G"}, Final: "OK"},
	}})
	fmt.Println(v.State, v.Identity.Maker, v.Identity.Model, v.Identity.Firmware, v.Origin.Country)
	for _, e := range v.Evidence[:2] {
		fmt.Printf("%s %s: %s says %q\n", e.Claim, e.Value, e.Source, e.Quote)
	}
	// Output:
	// identified quectel EC25-E EC25EFAR06A08M4G CN
	// maker quectel: at:ATI says "Revision: EC25EFAR06A08M4G"
	// maker quectel: at:ATI says "Quectel"
}

func ExampleBase_Plan() {
	base, _ := fingerprint.Embedded()
	var o fingerprint.Observation
	fmt.Println(base.Plan(o, base.Identify(o)))
	o.Transcript = append(o.Transcript, inventory.Exchange{Cmd: "ATI", Lines: []string{"Quectel", "EC25", "Revision: EC25EFAR06A08M4G"}, Final: "OK"})
	fmt.Println(base.Plan(o, base.Identify(o)))
	// Output:
	// [ATI AT+CGMI AT+CGMM AT+CGMR AT+CGSN]
	// [AT+QGMR AT+CGSN]
}
