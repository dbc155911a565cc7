package collector

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// Prometheus sees what happens in the fleet: every kind of event has its counter from the start, and
// each event that is stored counts once, whoever caused it. What comes again counts for nothing.
func TestEventsAreCounted(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	for _, kind := range store.EventKinds() {
		if want := fmt.Sprintf("rollcall_events_total{kind=%q} 0\n", kind); !strings.Contains(b.scrape(), want) {
			t.Errorf("there is no %s", want)
		}
	}
	gw := collectortest.NewGateway("gw-1")
	one := gw.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei(1)))
	two := gw.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(1)))
	b.take(one)
	b.take(two)
	b.take(one, two)
	b.s.Now = func() time.Time { return collectortest.Start.Add(48 * time.Hour) }
	must(t, b.silence(t.Context(), []string{"gw-1"}, b.s.Now()))
	b.take(gw.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(1))))
	other := collectortest.NewGateway("gw-2") // its first report comes last
	three := other.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei(2)))
	four := other.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(2)))
	b.take(four)
	b.take(three)
	stored := map[store.EventKind]int{}
	events, err := s.EventsAfter(t.Context(), 0, 100)
	must(t, err)
	for _, e := range events {
		stored[e.Kind]++
	}
	if stored[store.GatewayNew] != 2 || stored[store.FirmwareChanged] != 2 || stored[store.GatewaySilent] != 1 || stored[store.GatewayBack] != 1 {
		t.Fatalf("stored were %v", stored)
	}
	for _, kind := range store.EventKinds() {
		if want := fmt.Sprintf("rollcall_events_total{kind=%q} %d\n", kind, stored[kind]); !strings.Contains(b.scrape(), want) {
			t.Errorf("the metrics do not say %s", want)
		}
	}
}

// silentStore does not answer what fleets ask.
type silentStore struct{ store.Store }

func (silentStore) Figures(context.Context) (store.Figures, error) {
	return store.Figures{}, errors.New("away")
}

// What says that the store fails is told while it fails.
func TestMetricsWithoutTheStore(t *testing.T) {
	b := newBench(t, silentStore{openStore(t)}, nil)
	told := b.scrape()
	if !strings.Contains(told, "rollcall_store_failures_total 0\n") || !strings.Contains(told, "rollcall_rejected_total") || strings.Contains(told, "rollcall_modules ") {
		t.Errorf("the metrics are\n%s", told)
	}
}
