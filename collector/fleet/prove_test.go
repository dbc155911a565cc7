package fleet_test

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// What a program that has the module says of it is shown with the module: it is what the verdict rests on.
func TestManagedIsShown(t *testing.T) {
	s := collectortest.Store(t)
	f := collectortest.Fleet(s)
	m := collectortest.Held("usb:1-1")
	m.Managed = &inventory.Managed{By: "ModemManager", Manufacturer: "Alpha", Model: "A25", Ports: []string{"ttyUSB2 (at)"}}
	_, err := collector.Take(t.Context(), collector.Settings{Store: s, Base: f.Base, Now: f.Now}, collectortest.NewGateway("gw-managed").Report(t, m))
	if err != nil {
		t.Fatal(err)
	}
	got, err := f.Module(t.Context(), store.ModuleKey{Gateway: "gw-managed", ID: "usb:1-1"})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(m.Managed, got.Managed); d != "" {
		t.Error(d)
	}
}
