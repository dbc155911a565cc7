package storetest

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Start is the time at which made gateways were first seen.
var Start = time.Date(2026, 11, 1, 8, 0, 0, 0, time.UTC)

// Gateway makes a gateway.
func Gateway(id string, modules int) store.Gateway {
	return store.Gateway{
		Gateway: inventory.Gateway{ID: id, Hostname: "host-" + id, Agent: "rollcall-agent/0.1.0", OS: "linux", Arch: "arm64",
			Labels: map[string]string{"site": "north"}},
		Order: inventory.Order{Boot: 1, Seq: 1}, Report: "report-" + id, Digest: "digest-" + id, Reason: inventory.ReasonStart,
		Clock: Start, ClockSynced: true, Key: "key-" + id, First: Start, Changed: Start, Seen: Start, Modules: modules,
		Health: []inventory.Warning{{Code: "clock-unsure", Severity: inventory.SeverityWarning, Text: "the clock stepped", Since: Start}},
		Data:   "2026-11-01",
	}
}

// Module makes an identified module.
func Module(gateway, id, maker, country, model, firmware, imei string) store.Module {
	return store.Module{
		ModuleKey:  store.ModuleKey{Gateway: gateway, ID: id},
		State:      inventory.StateIdentified,
		Identity:   inventory.Identity{Maker: maker, MakerName: "The " + maker, Model: model, Firmware: firmware, IMEI: imei, Technology: "LTE Cat 4"},
		Origin:     inventory.Origin{Country: country, ParentCountry: country},
		Confidence: 0.99, First: Start, Changed: Start,
	}
}

// put stores a batch for some gateways.
func put(t *testing.T, s store.Store, ids []string, b *store.Batch) {
	t.Helper()
	err := s.Update(t.Context(), ids, func(tx store.Tx, _ map[string]*store.Gateway) error { return tx.Put(b) })
	if err != nil {
		t.Fatal(err)
	}
}

// Fleet stores n gateways of one or two modules each, of a few makers and one firmware in
// ten odd ones, and gives their number.
func Fleet(ctx context.Context, s store.Store, n int) (modules int, err error) {
	const batch = 2000
	for from := 0; from < n; from += batch {
		var b store.Batch
		var ids []string
		for i := from; i < min(n, from+batch); i++ {
			ms := FleetModules(i)
			g := FleetGateway(i)
			ids = append(ids, g.ID)
			b.Gateways, b.Modules = append(b.Gateways, g), append(b.Modules, ms...)
			modules += len(ms)
		}
		err := s.Update(ctx, ids, func(tx store.Tx, _ map[string]*store.Gateway) error { return tx.Put(&b) })
		if err != nil {
			return 0, err
		}
	}
	return modules, nil
}

// FleetID is the id of the i-th gateway of Fleet.
func FleetID(i int) string { return fmt.Sprintf("gw-%07d", i) }

// FleetGateway is the i-th gateway of Fleet. Of its labels, all have the site, one in fifty the
// kind, one in five thousand the customer, and a hundred thousand in a row the region.
func FleetGateway(i int) store.Gateway {
	g := Gateway(FleetID(i), len(FleetModules(i)))
	g.Labels = map[string]string{"site": "north", "kind": fmt.Sprintf("meter-%02d", i%50), "customer": fmt.Sprintf("C%04d", i*7%5000), "region": fmt.Sprintf("R%02d", i/100_000)}
	return g
}

// FleetModules makes the modules of the i-th gateway of Fleet. About 700 cohorts come of it.
func FleetModules(i int) []store.Module {
	makers := []struct{ maker, country, model string }{
		{"alpha", "CN", "A25"}, {"alpha", "CN", "A06"}, {"beta", "CN", "B650"}, {"gamma", "IT", "G910"},
		{"delta", "CA", "D7455"}, {"epsilon", "CH", "E410"}, {"zeta", "TW", "Z60"},
	}
	mk := makers[(i*i+i/7)%len(makers)]
	m := Module(FleetID(i), "usb:1-1", mk.maker, mk.country, mk.model, fmt.Sprintf("%s-R%02d", mk.model, i%97), fmt.Sprintf("8670120%08d", i))
	switch {
	case i%1000 == 3: // rare, and the same maker as many others
		m.State, m.Identity.Firmware, m.Identity.IMEI = inventory.StateUnanswered, "", ""
	case i%17 == 5:
		m.State = inventory.StateHeld
	}
	ms := []store.Module{m}
	if i%11 == 0 {
		ms = append(ms, Module(FleetID(i), "usb:1-2", "gamma", "IT", "G910", "G910-R01", fmt.Sprintf("3517120%08d", i)))
	}
	return ms
}

// Index has everything found that waits for it.
func Index(t testing.TB, s store.Store) {
	t.Helper()
	for {
		n, err := s.IndexSearch(t.Context(), 300)
		if err != nil {
			t.Fatal(err)
		}
		if n == 0 {
			return
		}
	}
}
