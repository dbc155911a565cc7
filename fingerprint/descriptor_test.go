package fingerprint

import (
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// ModemManager shows the ids where it could not learn a model. They are no model, and count as the
// descriptor that was left out of the paste, be it of USB or of PCI Express.
func TestIDsInPlaceOfAModel(t *testing.T) {
	b := embedded(t)
	for text, want := range map[string]struct {
		maker    string
		possible int
	}{
		"MBIM [1199:9079]": {maker: "sierra-wireless"},
		"MBIM [8086:7560]": {possible: 2},
		"MBIM [0000:0000]": {}, "MBIM [": {}, "MBIM [1199:": {},
	} {
		v := b.Identify(asked("AT+CGMI = generic", "AT+CGMM = "+text))
		if v.Identity.Maker != want.maker || len(v.Possible) != want.possible || v.Identity.Model != "" {
			t.Errorf("%q gave %s %+v %v", text, v.State, v.Identity, v.Possible)
		}
	}
	// The device's own descriptor is believed before a text.
	o := asked("AT+CGMI = generic", "AT+CGMM = MBIM [1199:9079]")
	o.USB = &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125"}
	if v := b.Identify(o); v.Identity.Maker != "quectel" {
		t.Errorf("beside its descriptor: %+v", v.Identity)
	}
}
