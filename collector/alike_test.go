package collector

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"unsafe"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

// A report that says the same but for serial numbers and times gets the verdict that it would
// get by itself: shown with every capture of the corpus, and a wrong one is no such report.
func TestAlike(t *testing.T) {
	base, err := fingerprint.Embedded()
	must(t, err)
	a := newAlike(judge.NewKnown(base, nil), store.NewPacker())
	packer := store.NewPacker()
	shared := 0
	for _, c := range corpus(t) {
		g := collectortest.NewGateway("gw-1")
		one := g.Report(t, observed(c, "351712040000007")).Body
		other := collectortest.NewGateway("gw-2").Report(t, observed(c, "351712049999993")).Body
		_, _, err := a.judged("gw-1", "d", packer.Pack(one))
		must(t, err)
		got, read, err := a.judged("gw-2", "d", packer.Pack(other))
		must(t, err)
		if read.Report == nil {
			shared++
		}
		r, err := readStored(other, "d")
		must(t, err)
		r.judge(a.by)
		if d := cmp.Diff(r.judged, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("%s is judged otherwise than by itself (-itself +alike):\n%s", c.ID, d)
		}
		in, err := readStored(other, "d") // as it comes in
		must(t, err)
		in.signed = &inventory.Envelope{Body: other}
		a.judge(in)
		if d := cmp.Diff(r.judged, in.judged, cmpopts.EquateEmpty()); d != "" || in.by != a.by {
			t.Fatalf("%s comes in otherwise than it is judged by itself (-itself +alike):\n%s", c.ID, d)
		}
	}
	if shared < 500 {
		t.Errorf("only %d reports were alike", shared)
	}
	some := corpus(t)[0]
	kind := func(imei string) kindKey {
		k, _, ok := kindOfReport(collectortest.NewGateway("gw-1").Report(t, observed(some, imei)).Body)
		if !ok {
			t.Errorf("a report with IMEI %s is of no kind", imei)
		}
		return k
	}
	one := kind("351712040000007")
	for what, imei := range map[string]string{"of another type": "867012040000009", "not valid": "351712040000003", "cut short": "35171204000000"} {
		if kind(imei) == one {
			t.Errorf("a report with an IMEI %s counts as alike", what)
		}
	}
	if kind("351712049999993") != one {
		t.Error("another serial number makes another kind")
	}
}

// What is not surely alike is judged by itself: bytes that another writer made and that only look alike,
// IMEIs that are sorted otherwise, digits of numbers, and an IMEI that stands where no other is put.
func TestNotAlike(t *testing.T) {
	const one, two = "351712040000007", "351712049999993"
	module := func(id, confidence string, imeis ...string) string {
		return `{"id":"` + id + `","state":"unknown","confidence":` + confidence + `,"banner":["` + strings.Join(imeis, `","`) + `"]}`
	}
	report := func(before, modules, after string) string {
		return `{"schema":"rollcall.report/1","id":"r","gateway":{"id":"gw-1","hostname":"","labels":{},"agent":"","os":"","arch":""},"boot":1,"seq":1,` +
			`"time":"2026-11-20T08:00:00Z","clock_synced":true,"reason":"start"` + before + `,"modules":[` + modules + `]` + after + `}`
	}
	plain := module("usb:1", "0.5", one)
	kinds := map[kindKey]string{}
	for name, body := range map[string]string{
		"plain": report("", plain, ""), "truncated": report("", plain, `,"truncated":true`), "TRUNCATED": report("", plain, `,"TRUNCATED":true`),
		"another place": report("", module("usb:2", "0.5", one), ""), "a number": report("", module("usb:1", "0."+one, one), ""),
		"another number": report("", module("usb:1", "0."+two, two), ""), "a whole number": report("", module("usb:1", one, one), ""),
		"two": report("", module("usb:1", "0.5", one, two), ""), "two, sorted otherwise": report("", module("usb:1", "0.5", two, one), ""),
	} {
		key, _, ok := kindOfReport([]byte(body))
		if other, taken := kinds[key]; !ok || taken {
			t.Errorf("%s is of the kind of %q, or of none", name, other)
		}
		kinds[key] = name
	}
	for name, body := range map[string]string{
		"modules before":   report(`,"Modules":[`+plain+`]`, plain, ""),
		"modules in other": report(`,"x":{"y":1,"modules":[]}`, plain, ""),
		"truncated before": report(`,"truncated":true`, plain, ""),
		"escaped":          strings.Replace(report("", plain, `,"x":{"y":1,"modules":[]}`), `,"modules":[{`, `,"modul\u0065s":[{`, 1),
		"blanks":           strings.Replace(report("", plain, ""), `"seq":1`, `"seq": 1`, 1),
		"no modules":       `{"schema":"rollcall.report/1"}`,
		"very many IMEIs":  report("", module("usb:1", "0.5", manyIMEIs()...), ""),
	} {
		if _, _, ok := kindOfReport([]byte(body)); ok {
			t.Errorf("%s: may be alike others", name)
		}
	}
	a := newAlike(judge.NewKnown(&collectortest.Base{Data: "test-1"}, nil), store.NewPacker())
	a.put(kindKey{1}, []string{one}, []store.Module{{ModuleKey: store.ModuleKey{ID: "imei-" + one}}})
	a.put(kindKey{2}, []string{one}, []store.Module{{Identity: inventory.Identity{Firmware: "R" + one}}})
	if len(a.kinds) != 0 {
		t.Error("modules that tell an IMEI in their id or firmware are given to others")
	}
}

func manyIMEIs() (imeis []string) {
	for i := range mostIMEIs + 1 {
		imeis = append(imeis, validIMEIOf(i))
	}
	return imeis
}

// However many kinds there are, few are remembered, and none holds the report that it came in.
func TestAlikeIsBounded(t *testing.T) {
	a := newAlike(judge.NewKnown(&collectortest.Base{Data: "test-1"}, nil), store.NewPacker())
	report := strings.Repeat("x", 100)
	for i := range maxAlike + 10 {
		a.put(kindKey{byte(i), byte(i >> 8)}, nil, []store.Module{{Seems: report[:3]}})
	}
	if len(a.kinds) != 10 {
		t.Errorf("%d kinds are remembered", len(a.kinds))
	}
	if k := a.kind(kindKey{byte(maxAlike & 0xff), byte(maxAlike >> 8)}); k == nil || unsafe.StringData(k.judged[0].Seems) == unsafe.StringData(report) {
		t.Error("the newest is forgotten, or holds its report")
	}
}

// observed is a module with the answers of a capture, and an IMEI among them.
func observed(c capture.Case, imei string) inventory.Module {
	m := inventory.Module{ID: "usb:1-1", State: inventory.StateIdentified, Identity: inventory.Identity{IMEI: imei}, Banner: c.Banner, Device: c.USB}
	if c.PCI != nil {
		m.Device = c.PCI
	}
	for _, x := range c.Transcript {
		m.Transcript = append(m.Transcript, inventory.Exchange{Cmd: x.Cmd, Lines: append([]string(nil), x.Lines...), Final: x.Final, Millis: int64(imei[13] - 48)})
	}
	m.Transcript = append(m.Transcript, inventory.Exchange{Cmd: "AT+CGSN", Lines: []string{imei}, Final: "OK", Millis: 9})
	return m
}

func corpus(t testing.TB) []capture.Case {
	t.Helper()
	files, err := filepath.Glob("../fingerprint/testdata/corpus/*.jsonl")
	must(t, err)
	var out []capture.Case
	for _, f := range files {
		b, err := os.ReadFile(f)
		must(t, err)
		for c, err := range capture.ReadJSONLines(strings.NewReader(string(b))) {
			if err != nil {
				continue // the reader's own tests are about these
			}
			if text, err := json.Marshal(c); err == nil && len(text) < inventory.MaxReportBytes/2 {
				out = append(out, c)
			}
		}
	}
	if len(out) == 0 {
		t.Fatal("no captures")
	}
	return out
}
