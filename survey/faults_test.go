package survey

import (
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// A fault of our own over one device is that module's reason, the same every time.
func TestPanicIsOneModulesReason(t *testing.T) {
	broken := Settings{} // without knowledge
	d := serialport.Device{ID: "usb:1-1", Cellular: true}
	m, again := broken.guarded(t.Context(), d, nil), broken.guarded(t.Context(), d, nil)
	if m.ID != d.ID || m.State != inventory.StateUnanswered || !strings.Contains(m.Reason, "please report it") || !strings.Contains(m.Reason, "rollcall/") {
		t.Errorf("%+v", m)
	}
	if m.Reason != again.Reason {
		t.Errorf("the reason differs from time to time:\n%s\n%s", m.Reason, again.Reason)
	}
}

// A port that somebody holds is left alone, and the module is asked through its next one.
func TestSecondPortWhereTheFirstIsHeld(t *testing.T) {
	c := cases(t)[0]
	first, second := c, c
	first.ID, second.ID = "first", "second"
	f := fleet(t, append(cases(t)[:0:0], first, second), simulate.Settings{})
	s := settings(t)
	var ports []serialport.Port
	for _, path := range f.Paths() {
		d, err := s.Finder.Named(t.Context(), path)
		if err != nil {
			t.Fatal(err)
		}
		ports = append(ports, d.Ports...)
	}
	holder, err := serialport.Open(t.Context(), ports[0], s.Serial)
	if err != nil {
		t.Fatal(err)
	}
	defer holder.Close()
	d := serialport.Device{ID: "usb:1-1", Cellular: true, Ports: ports}
	m := s.guarded(t.Context(), d, nil)
	if m.State == inventory.StateHeld || m.Ports[0].State != inventory.StateHeld || m.Ports[1].State != m.State || len(m.Transcript) == 0 {
		t.Errorf("module is %s, its ports %+v", m.State, m.Ports)
	}
}
