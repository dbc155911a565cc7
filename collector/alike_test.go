package collector

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"

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
		if read == nil {
			shared++
		}
		r, err := readStored(other, "d")
		must(t, err)
		r.judge(a.by)
		if d := cmp.Diff(r.judged, got, cmpopts.EquateEmpty()); d != "" {
			t.Fatalf("%s is judged otherwise than by itself (-itself +alike):\n%s", c.ID, d)
		}
	}
	if shared < 500 {
		t.Errorf("only %d reports were alike", shared)
	}
	kind := func(imei string) string {
		k, _ := kindOfReport(collectortest.NewGateway("gw-1").Report(t, observed(corpus(t)[0], imei)).Body)
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
