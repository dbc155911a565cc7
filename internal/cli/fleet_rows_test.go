package cli

import (
	"slices"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Tables name companies as people do; slugs stand in for those that have no name.
func TestRowsNameCompanies(t *testing.T) {
	m := store.Module{ModuleKey: store.ModuleKey{Gateway: "gw-1", ID: "usb:1-1"}, State: inventory.StateIdentified}
	m.Identity.Maker, m.Identity.MakerName, m.Identity.Model, m.Origin.Country = "sierra-wireless", "Sierra Wireless", "EM7455", "CA"
	if row := moduleRow(&m); row[1] != "Sierra Wireless EM7455" {
		t.Errorf("the row is %q", row)
	}
	if b := brief(m.Brief()); b != "Sierra Wireless EM7455" {
		t.Errorf("in an event it is %q", b)
	}
	m.Identity.MakerName = ""
	if row := moduleRow(&m); row[1] != "sierra-wireless EM7455" {
		t.Errorf("without a name the row is %q", row)
	}
	r := store.Rejected{Received: time.Date(2026, 11, 22, 8, 0, 0, 0, time.UTC), Reason: "bad-signature", Gateway: "gw-1", Text: "the signature does not hold", Size: 1200, Subject: "rollcall.v1.report.gw-1"}
	want := []string{"2026-11-22 08:00:00Z", "bad-signature", "gw-1", "the signature does not hold", "1200", "rollcall.v1.report.gw-1"}
	if row := rejectedRow(&r); !slices.Equal(row, want) {
		t.Errorf("the row is %q", row)
	}
	if r.Gateway = ""; !slices.Equal(rejectedRow(&r), want) {
		t.Errorf("by its subject alone the row is %q", rejectedRow(&r))
	}
}
