package inventory_test

import (
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

func TestValidIMEI(t *testing.T) {
	for imei, want := range map[string]bool{
		"490154203237518": true, // the example of 3GPP TS 23.003, annex B
		"867012040000009": true,
		"490154203237519": false, "490154203237581": false, "000000000000000": false, "": false,
		"49015420323751": false, "4901542032375180": false, "49015420323751x": false, "４90154203237": false,
	} {
		if got := inventory.ValidIMEI(imei); got != want {
			t.Errorf("%q: %t", imei, got)
		}
	}
}
