package collector

import (
	"fmt"
	"slices"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

// What the collector's own parts of intake cost for each message, without broker and generator:
// ready is all that needs no store, stored is the transaction.
//
//	go test ./collector -run '^$' -bench Parts -benchtime 20000x
func BenchmarkParts(b *testing.B) {
	for _, load := range []struct {
		name  string
		known bool
		make  func(*testing.B, []*collectortest.Gateway, int) []*inventory.Envelope
	}{
		{"NewGateways", false, newGateways},
		{"ReportsUnchanged", true, unchangedReports},
		{"ReportsChanged", true, changedReports},
		{"Heartbeats", true, heartbeats},
	} {
		b.Run(load.name, func(b *testing.B) {
			fleet := make([]*collectortest.Gateway, min(b.N, fleetSize))
			var before []*inventory.Envelope
			for i := range fleet {
				fleet[i] = collectortest.NewGateway(fmt.Sprintf("gw-%07d", i*7919%10_000_019))
				if load.known {
					before = append(before, fleet[i].Report(b, realModule(i, "EC25EFAR06A08M4G")))
				}
			}
			base, err := fingerprint.Embedded()
			must(b, err)
			c := newBench(b, openStore(b), nil)
			c.know.Set(base, starterPolicy(b))
			c.parts(before)
			ready, stored := c.parts(load.make(b, fleet, b.N))
			b.ReportMetric(float64(ready.Nanoseconds())/1e3/float64(b.N), "ready-cpu-µs/msg")
			b.ReportMetric(float64(stored.Nanoseconds())/1e3/float64(b.N), "stored-cpu-µs/msg")
		})
	}
}

// parts takes messages in batches and says what each part of it cost.
func (b *bench) parts(es []*inventory.Envelope) (ready, stored time.Duration) {
	for some := range slices.Chunk(es, 2048) {
		ms := make([]message, len(some))
		for i, e := range some {
			ms[i] = b.message(e)
		}
		var items []*item
		at := cpuTime()
		for part := range slices.Chunk(ms, signedAtOnce) {
			for _, it := range prepareAll(part, &b.decoded) {
				b.judgeNews(it)
				items = append(items, it)
			}
		}
		ready += cpuTime() - at
		at = cpuTime()
		must(b.t, b.storeBatch(b.t.Context(), items))
		stored += cpuTime() - at
		for _, it := range items {
			if it.report != nil && it.outcome.Verdict == New {
				b.digests.put(it.gateway, it.report.digest)
			}
		}
	}
	return ready, stored
}
