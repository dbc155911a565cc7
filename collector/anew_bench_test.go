package collector

import (
	"bytes"
	"flag"
	"fmt"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/findings"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/policy/lists"
	"github.com/rollcall-iot/rollcall/policy/policytest"
)

var anewFleet = flag.Int("anew-fleet", 5_000, "modules in the store of BenchmarkJudgeAnew")

// How long it takes to judge a fleet again with the starter policy: after a change of policy
// that changes no finding (the rows are judged), after a listing that opens one for a third of
// the fleet, after a change of fingerprints that changes no verdict (every stored report
// is read and identified), and after one that changes those of a third. s/million is what counts; cpu-s/million is what all processors
// spent, which other load on the machine changes less; server-s/million is what PostgreSQL
// spent beside them.
//
//	go test ./collector -run '^$' -bench JudgeAnew -benchtime 1x -timeout 60m -anew-fleet 1000000 [-ingest-store postgres]
func BenchmarkJudgeAnew(b *testing.B) {
	base, err := fingerprint.Embedded()
	must(b, err)
	p, err := findings.Load("")
	must(b, err)
	s, server := anewStore(b)
	start := time.Now()
	fillFleet(b, s, judge.NewKnown(base, p), *anewFleet)
	b.Logf("%d modules stored in %v", *anewFleet, time.Since(start).Round(time.Second))
	newer, err := fingerprint.Load(fingerprint.Overlay{Name: "own.yaml", Data: []byte(nothingNew)})
	must(b, err)
	others, err := fingerprint.Load(fingerprint.Overlay{Name: "own.yaml", Data: []byte(otherThird)})
	must(b, err)
	alike, err := p.With(nil, policy.Overlay{Name: "own.yaml", Data: []byte("policy: own\nexceptions: [{id: x, rule: origin, when: 'gateway.id == \"none\"', owner: J, reason: r, until: 2030-01-01}]")})
	must(b, err)
	set, err := p.Lists().With(lists.Overlay{Name: "list.yaml", Data: policytest.List("telit", "Telit")})
	must(b, err)
	listed, err := p.With(set)
	must(b, err)
	for _, c := range []struct {
		name   string
		base   judge.Identifier
		policy *policy.Policy
	}{{"PolicyAlike", base, alike}, {"ListingOfAThird", base, listed}, {"Fingerprints", newer, listed}, {"FingerprintsOfAThird", others, listed}} {
		b.Run(c.name, func(b *testing.B) {
			bench := newBench(b, s, nil)
			bench.s.Now = time.Now
			bench.know.Set(c.base, c.policy)
			cpu, spent := cpuTime(), server()
			for b.Loop() {
				must(b, bench.judgeAnew(b.Context()))
			}
			b.ReportMetric((cpuTime()-cpu).Seconds()*1e6/float64(*anewFleet), "cpu-s/million")
			if *storeKind == "postgres" {
				b.ReportMetric((server()-spent).Seconds()*1e6/float64(*anewFleet), "server-s/million")
			}
			got := bench.know.Progress()
			b.ReportMetric(b.Elapsed().Seconds()*1e6/float64(*anewFleet), "s/million")
			b.ReportMetric(float64(got.Changed), "changed")
			if got.Done != *anewFleet {
				b.Errorf("judged %d of %d", got.Done, *anewFleet)
			}
		})
	}
}

// What a page of findings costs in such a fleet. p99-ms is over all questions asked.
//
//	go test ./collector -run '^$' -bench FindingPages -benchtime 300x -timeout 60m -anew-fleet 1000000
func BenchmarkFindingPages(b *testing.B) {
	base, err := fingerprint.Embedded()
	must(b, err)
	p, err := findings.Load("")
	must(b, err)
	s, _ := anewStore(b)
	fillFleet(b, s, judge.NewKnown(base, p), *anewFleet)
	id := func(i int) string { return fmt.Sprintf("gw-%07d", i*7919%*anewFleet) }
	for _, q := range []struct {
		name, sort string
		filter     func(i int) store.FindingFilter
	}{
		{"newest", "", func(int) store.FindingFilter { return store.FindingFilter{} }},
		{"oldest", "opened", func(int) store.FindingFilter { return store.FindingFilter{Severity: []string{"high"}} }},
		{"worst", "-severity", func(int) store.FindingFilter { return store.FindingFilter{Covered: "no"} }},
		{"by-rule", "rule", func(int) store.FindingFilter { return store.FindingFilter{} }},
		{"by-gateway", "gateway", func(int) store.FindingFilter { return store.FindingFilter{List: []string{"dod-1260h"}} }},
		{"search-gateway", "", func(i int) store.FindingFilter { return store.FindingFilter{Query: id(i)} }},
		{"search-gateways", "", func(i int) store.FindingFilter { return store.FindingFilter{Query: id(i)[:6]} }},
		{"of-gateway", "", func(i int) store.FindingFilter { return store.FindingFilter{Gateway: id(i)} }},
	} {
		b.Run(q.name, func(b *testing.B) {
			var times []time.Duration
			cursor := ""
			for i := range b.N {
				start := time.Now()
				l, err := s.Findings(b.Context(), q.filter(i), store.Page{Sort: q.sort, Cursor: cursor})
				must(b, err)
				times = append(times, time.Since(start))
				if cursor = l.Next; strings.HasPrefix(q.name, "search") || q.name == "of-gateway" {
					cursor = "" // of another question
				}
			}
			slices.Sort(times)
			b.ReportMetric(float64(times[len(times)*99/100].Microseconds())/1000, "p99-ms")
		})
	}
}

const nothingNew = "slug: xmaker\nname: X\nrole: maker\nfamilies: [{name: QX900, strength: strong}]\n"

// otherThird gives a third of the fleet another chipset.
const otherThird = "slug: telit\nrules: [{id: own, on: model, pattern: '^(?P<model>LE910C4-EU)$', strength: proof, set: {chipset: Qualcomm MDM9207}, source: here, examples: [{text: LE910C4-EU, chipset: Qualcomm MDM9207}]}]\n"

// anewStore also says what the processors have spent on the store's server.
func anewStore(b *testing.B) (store.Store, func() time.Duration) {
	if *storeKind != "postgres" {
		return openStoreAt(b, filepath.Join(b.TempDir(), "rollcall.db")), func() time.Duration { return 0 }
	}
	return ingestStore(b)
}

// fillFleet stores gateways with one module each as intake would, but for signatures.
func fillFleet(b *testing.B, s store.Store, by *judge.Known, n int) {
	b.Helper()
	const some = 1000
	var bodies [][]byte
	for i := range 60 { // kinds of reports
		bodies = append(bodies, collectortest.NewGateway("gw-template").Report(b, fleetModule(i)).Body)
	}
	packer := store.NewPacker()
	now := time.Now().UTC().Truncate(time.Microsecond)
	for from := 0; from < n; from += some {
		var batch store.Batch
		var ids []string
		for i := from; i < min(n, from+some); i++ {
			id := fmt.Sprintf("gw-%07d", i)
			body := bytes.ReplaceAll(bodies[i%len(bodies)], []byte("gw-template"), []byte(id))
			body = bytes.ReplaceAll(body, []byte("867012040000009"), []byte(validSerial(i)))
			r := decoded(b, body, now)
			g := r.gateway(by.Base.Version())
			g.Policy = by.Stamp(now)
			found, _ := follow(id, nil, by.Find(&g, r.judge1(by), nil, now), byReport(&r.row))
			grade(r.judged, found)
			g.Found = store.FoundNumber(found)
			ids, batch.Gateways = append(ids, id), append(batch.Gateways, g)
			batch.Modules = append(batch.Modules, r.judged...)
			batch.Findings = append(batch.Findings, store.Found{Gateway: id, Findings: found})
			batch.Reports = append(batch.Reports, r.row)
			batch.Evidence = append(batch.Evidence, store.Evidence{Gateway: id, Digest: r.digest, Report: r.ID, Packed: packer.Pack(body), Key: "key", Signature: make([]byte, 64)})
		}
		must(b, s.Update(b.Context(), ids, func(tx store.Tx, _ map[string]*store.Gateway) error { return tx.Put(&batch) }))
	}
}

// validSerial gives the i-th IMEI of a type, with its check digit.
func validSerial(i int) string {
	for d := range 10 {
		if s := fmt.Sprintf("8670120%07d%d", i, d); inventory.ValidIMEI(s) {
			return s
		}
	}
	return ""
}

func (r *received) judge1(by *judge.Known) []store.Module {
	r.judge(by)
	for i := range r.judged {
		r.judged[i].First, r.judged[i].Changed = r.row.Received, r.row.Received
	}
	return r.judged
}

func decoded(b *testing.B, body []byte, at time.Time) *received {
	report, err := inventory.DecodeReport(body)
	must(b, err)
	digest, err := report.Digest()
	must(b, err)
	return &received{Report: report, digest: digest, row: store.Report{Gateway: report.Gateway.ID, ID: report.ID, Order: report.Order, Received: at, Clock: at, Digest: digest}}
}

// fleetModule makes one of three makes, on one of twenty firmware.
func fleetModule(i int) inventory.Module {
	m := realModule(0, fmt.Sprintf("EC25EFAR06A%02dM4G", i/3))
	lines := [][2]string{}
	switch i % 3 {
	case 1:
		lines = [][2]string{{"AT+CGMI", "Telit"}, {"AT+CGMM", "LE910C4-EU"}, {"AT+CGMR", fmt.Sprintf("25.20.%03d", 600+i)}}
		m.Device = &inventory.Device{Bus: "usb", VID: "1bc7", PID: "1201", Path: "1-1.2", Driver: "option", Manufacturer: "Android", Product: "LE910C4-EU"}
	case 2:
		lines = [][2]string{{"AT+CGMI", "SIMCOM INCORPORATED"}, {"AT+CGMM", "SIMCOM_SIM7600E-H"}, {"AT+CGMR", fmt.Sprintf("+CGMR: LE20B%02dSIM7600M22", i)}}
		m.Device = &inventory.Device{Bus: "usb", VID: "1e0e", PID: "9001", Path: "1-1.2", Driver: "option", Manufacturer: "SimTech, Incorporated", Product: "SimTech, Incorporated"}
	}
	if len(lines) > 0 {
		m.Transcript = []inventory.Exchange{{Cmd: "AT", Final: "OK", Millis: 3}}
		for _, l := range lines {
			m.Transcript = append(m.Transcript, inventory.Exchange{Cmd: l[0], Lines: []string{l[1]}, Final: "OK", Millis: 12})
		}
	}
	m.Transcript = append(m.Transcript[:len(m.Transcript):len(m.Transcript)], inventory.Exchange{Cmd: "AT+CGSN", Lines: []string{"867012040000009"}, Final: "OK", Millis: 12})
	for j := range m.Transcript {
		for k, l := range m.Transcript[j].Lines {
			m.Transcript[j].Lines[k] = strings.ReplaceAll(l, "867012000000000", "867012040000009")
		}
	}
	return m
}
