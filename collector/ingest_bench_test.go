package collector

import (
	"context"
	"flag"
	"fmt"
	"runtime/debug"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/postgres/postgrestest"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// What the collector stores in a second, with the broker and the generator on the same
// machine. bare/s is what a consumer moves that only acknowledges, in the same run; cpu-µs/msg
// is what all of them together cost, which other load on the machine changes less; server-µs/msg
// is what PostgreSQL spent beside them.
//
// Messages are made and signed before the clock starts. Inside it are: publishing, the broker, which
// stores them and delivers them, all of the collector until it has acknowledged the last one, and what
// follows behind its intake meanwhile: events to their stream, words to the search, doubled IMEIs.
// Garbage is collected as the command `rollcall collector` has it, but for its bound: the messages that
// wait for their turn are on the same heap.
//
//	go test ./collector -run '^$' -bench Ingest -benchtime 100000x [-ingest-store postgres]
func BenchmarkIngest(b *testing.B) {
	defer debug.SetGCPercent(debug.SetGCPercent(200))
	for _, load := range []struct {
		name  string
		known bool // the fleet has reported before
		make  func(*testing.B, []*collectortest.Gateway, int) []*inventory.Envelope
	}{
		{"NewGateways", false, newGateways},
		{"ReportsUnchanged", true, unchangedReports},
		{"ReportsChanged", true, changedReports},
		{"Heartbeats", true, heartbeats},
	} {
		b.Run(load.name, func(b *testing.B) {
			var before []*inventory.Envelope
			fleet := make([]*collectortest.Gateway, min(b.N, fleetSize))
			for i := range fleet {
				fleet[i] = collectortest.NewGateway(fmt.Sprintf("gw-%07d", i*7919%10_000_019))
				if load.known {
					before = append(before, fleet[i].Report(b, realModule(i, "EC25EFAR06A08M4G")))
				}
			}
			benchmarkIngest(b, before, load.make(b, fleet, b.N))
		})
	}
}

// realModule has the answers of a common module, about 1.5 kB of transcript and evidence.
func realModule(i int, firmware string) inventory.Module {
	ask := func(cmd string, lines ...string) inventory.Exchange {
		return inventory.Exchange{Cmd: cmd, Lines: lines, Final: "OK", Millis: 12}
	}
	imei := validIMEIOf(i)
	return inventory.Module{
		ID: "usb:1-1.2", State: inventory.StateIdentified,
		Identity: inventory.Identity{Maker: "quectel", MakerName: "Quectel Wireless Solutions", Model: "EC25-E", Variant: "E", Firmware: firmware, IMEI: imei},
		Origin:   inventory.Origin{Country: "CN", ParentCountry: "CN"}, Confidence: 0.99,
		Evidence: []inventory.Evidence{
			{Claim: "maker", Value: "quectel", Source: "at:ATI", Quote: "Quectel", Rule: "quectel/ati"},
			{Claim: "model", Value: "EC25-E", Source: "at:AT+CGMR", Quote: firmware, Rule: "quectel/ec25-firmware"},
			{Claim: "firmware", Value: firmware, Source: "at:AT+CGMR", Quote: firmware, Rule: "quectel/ec25-firmware"},
			{Claim: "imei", Value: imei, Source: "at:AT+CGSN", Quote: imei, Rule: "standard/imei"},
		},
		Ports: []inventory.Port{
			{Path: "/dev/ttyUSB0", Role: inventory.RoleDiag, Reason: "diagnostic port"}, {Path: "/dev/ttyUSB1", Role: inventory.RoleGNSS, Reason: "position port"},
			{Path: "/dev/ttyUSB2", Role: inventory.RoleAT, State: inventory.StateIdentified}, {Path: "/dev/ttyUSB3", Role: inventory.RolePPP, Reason: "data port"},
		},
		Device: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2", Driver: "option", Manufacturer: "Android", Product: "Android"},
		Transcript: []inventory.Exchange{ask("AT"), ask("ATI", "Quectel", "EC25", "Revision: "+firmware), ask("AT+CGMI", "Quectel"),
			ask("AT+CGMM", "EC25"), ask("AT+CGMR", firmware), ask("AT+CGSN", imei)},
		Data: "2026-11-22+00c0ffee",
	}
}

// validIMEIOf gives the i-th IMEI of a type, with its check digit.
func validIMEIOf(i int) string {
	for check := range 10 {
		if imei := fmt.Sprintf("86701204%06d%d", i%1_000_000, check); inventory.ValidIMEI(imei) {
			return imei
		}
	}
	panic("no check digit fits")
}

// fleetSize is how many gateways take turns.
const fleetSize = 20_000

func newGateways(b *testing.B, _ []*collectortest.Gateway, n int) []*inventory.Envelope {
	out := make([]*inventory.Envelope, n)
	for i := range out {
		out[i] = collectortest.NewGateway(fmt.Sprintf("gw-%07d", i*7919%10_000_019)).Report(b, realModule(i, "EC25EFAR06A08M4G"))
	}
	return out
}

func unchangedReports(b *testing.B, fleet []*collectortest.Gateway, n int) []*inventory.Envelope {
	out := make([]*inventory.Envelope, n)
	for i := range out {
		k := i % len(fleet)
		out[i] = fleet[k].Report(b, realModule(k, "EC25EFAR06A08M4G"))
	}
	return out
}

func changedReports(b *testing.B, fleet []*collectortest.Gateway, n int) []*inventory.Envelope {
	out := make([]*inventory.Envelope, n)
	for i := range out {
		k := i % len(fleet)
		out[i] = fleet[k].Report(b, realModule(k, fmt.Sprintf("EC25EFAR06A%02dM4G", (i/len(fleet)+9)%100)))
	}
	return out
}

func heartbeats(b *testing.B, fleet []*collectortest.Gateway, n int) []*inventory.Envelope {
	digests := make([]string, len(fleet))
	out := make([]*inventory.Envelope, n)
	for i := range out {
		k := i % len(fleet)
		if digests[k] == "" {
			order := fleet[k].Order
			digests[k] = collectortest.Digest(b, fleet[k].Report(b, realModule(k, "EC25EFAR06A08M4G")))
			fleet[k].Order = order
		}
		out[i] = fleet[k].Heartbeat(b, digests[k])
	}
	return out
}

func benchmarkIngest(b *testing.B, before, es []*inventory.Envelope) {
	srv := natslinktest.Start(b, natslinktest.Settings{})
	js := srv.JetStream(natslinktest.User{})
	natslinktest.MakeStream(b, js, 0)
	base, err := fingerprint.Embedded()
	must(b, err)
	s, server := ingestStore(b)
	nc, err := nats.Connect(srv.URL())
	must(b, err)
	defer nc.Close()
	ctx, cancel := context.WithCancel(b.Context())
	ready := make(chan struct{})
	var wg sync.WaitGroup
	settings := Settings{Conn: nc, Store: s, Base: base, Policy: starterPolicy(b), Ready: func() { close(ready) }}
	wg.Go(func() { must(b, Run(ctx, settings)) })
	defer wg.Wait()
	defer cancel()
	<-ready
	bytes := 0
	for _, e := range es {
		bytes += len(e.Body)
	}
	b.SetBytes(int64(bytes / len(es)))
	publishAll(b, js, before)
	drained(b, js, s)
	b.ResetTimer()
	cpu, spent := cpuTime(), server()
	publishAll(b, js, es)
	drained(b, js, s)
	took := b.Elapsed()
	b.StopTimer()
	b.ReportMetric(float64((cpuTime()-cpu).Microseconds())/float64(len(es)), "cpu-µs/msg")
	if *storeKind == "postgres" {
		b.ReportMetric(float64((server()-spent).Microseconds())/float64(len(es)), "server-µs/msg")
	}
	b.ReportMetric(float64(len(es))/took.Seconds(), "msgs/s")
	bare := bareConsumer(b, js, len(before)+len(es))
	b.ReportMetric(float64(len(before)+len(es))/bare.Seconds(), "bare/s")
}

// starterPolicy is what a collector judges by that was told nothing else.
func starterPolicy(b *testing.B) *policy.Policy {
	p, err := findings.Load("")
	must(b, err)
	return p
}

var storeKind = flag.String("ingest-store", "sqlite", "store of BenchmarkIngest: sqlite or postgres")

// ingestStore also says what the processors have spent on the store's server.
func ingestStore(b *testing.B) (store.Store, func() time.Duration) {
	b.Helper()
	if *storeKind != "postgres" {
		return openStore(b), func() time.Duration { return 0 }
	}
	srv := postgrestest.StartDurable(b)
	s, err := OpenStore(b.Context(), srv.Database(b))
	must(b, err)
	b.Cleanup(func() { _ = s.Close() })
	return s, func() time.Duration { return srv.CPU(b) }
}

// cpuTime is what this process has used, generator and broker included.
func cpuTime() time.Duration {
	var r syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

func publishAll(b *testing.B, js jetstream.JetStream, es []*inventory.Envelope) {
	b.Helper()
	if len(es) == 0 {
		return
	}
	for _, e := range es {
		if _, err := js.PublishMsgAsync(natslink.ToMsg(e), jetstream.WithStallWait(time.Minute)); err != nil {
			b.Fatal(err)
		}
	}
	select {
	case <-js.PublishAsyncComplete():
	case <-time.After(5 * time.Minute):
		b.Fatal("the broker did not take all messages")
	}
}

// drained waits until the consumer has acknowledged everything.
func drained(b *testing.B, js jetstream.JetStream, s store.Store) {
	b.Helper()
	identity, err := s.Identity(b.Context())
	must(b, err)
	consumer := ConsumerName(identity)
	for {
		c, err := js.Consumer(b.Context(), natslink.Stream, consumer)
		must(b, err)
		info := c.CachedInfo()
		if info.NumPending == 0 && info.NumAckPending == 0 {
			return
		}
		time.Sleep(2 * time.Millisecond)
	}
}

// bareConsumer consumes and acknowledges the same stream, and does nothing else.
func bareConsumer(b *testing.B, js jetstream.JetStream, n int) time.Duration {
	b.Helper()
	cons, err := js.CreateOrUpdateConsumer(b.Context(), natslink.Stream, jetstream.ConsumerConfig{Durable: "bare", AckPolicy: jetstream.AckExplicitPolicy, MaxAckPending: 20_000})
	must(b, err)
	start := time.Now()
	done := make(chan struct{})
	got := 0
	cc, err := cons.Consume(func(m jetstream.Msg) {
		_ = m.Ack()
		if got++; got == n {
			close(done)
		}
	}, jetstream.PullMaxMessages(2000))
	must(b, err)
	defer cc.Stop()
	<-done
	return time.Since(start)
}
