package hbom_test

import (
	"bytes"
	"crypto/ed25519"
	"encoding/json"
	"errors"
	"flag"
	"iter"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/hbom/hbomtest"
	"github.com/rollcall-iot/rollcall/inventory"
)

var update = flag.Bool("update", false, "rewrite the golden files")

var made = time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC)

type companies map[string]hbom.Company

func (c companies) Company(slug string) (hbom.Company, bool) {
	v, ok := c[slug]
	return v, ok
}

var known = companies{
	"quectel":         {Name: "Quectel Wireless Solutions Co., Ltd.", Country: "CN", URL: "https://www.quectel.com"},
	"sierra-wireless": {Name: "Sierra Wireless, Inc.", Country: "CA"},
	"dell":            {Name: "Dell Inc.", Country: "US"},
	"qualcomm":        {Name: "Qualcomm Incorporated", Country: "US"},
}

const list1260h = "https://media.defense.gov/2026/Jun/08/2003945537/-1/-1/1/ENTITIES-IDENTIFIED-AS-CHINESE-MILITARY-COMPANIES-OPERATING-IN-THE-UNITED-STATES-IN-ACCORDANCE-WITH-SECTION-1260H.PDF"

func settings(spec hbom.Spec) hbom.Settings {
	return hbom.Settings{Time: made, Name: "fleet of Example Utility", Version: "0.1.0", Spec: spec, Companies: known}
}

func gateway(id string) inventory.Gateway {
	return inventory.Gateway{ID: id, Hostname: id + ".example", Labels: map[string]string{"site": "substation", "rack": "7"}, Agent: "rollcall-agent/0.1.0", OS: "linux", Arch: "arm64"}
}

func quectel(id string) inventory.Module {
	return inventory.Module{
		ID: id, State: inventory.StateIdentified, Confidence: 0.99, Data: "2026-11-20+0badcafe",
		Identity: inventory.Identity{Maker: "quectel", MakerName: "Quectel Wireless Solutions", Model: "EC25-E", Variant: "E",
			Firmware: "EC25EFAR06A08M4G", Hardware: "R1.0", IMEI: "867012040000009", Chipset: "Qualcomm MDM9x07", Technology: "LTE Cat 4"},
		Origin: inventory.Origin{Country: "CN", ParentCountry: "CN"},
		Evidence: []inventory.Evidence{
			{Claim: "maker", Value: "quectel", Source: "at:ATI", Quote: "Quectel", Rule: "quectel/name"},
			{Claim: "maker", Value: "quectel", Source: "usb:id", Quote: "2c7c:0125", Rule: "usb/2c7c"},
			{Claim: "model", Value: "EC25-E", Source: "at:AT+CGMR", Quote: "EC25EFAR06A08M4G", Rule: "quectel/ec25-firmware"},
			{Claim: "firmware", Value: "EC25EFAR06A08M4G", Source: "at:AT+CGMR", Quote: "EC25EFAR06A08M4G", Rule: "quectel/ec25-firmware"},
			{Claim: "imei", Value: "867012040000009", Source: "at:AT+CGSN", Quote: "867012040000009", Rule: "imei"},
		},
		Parts:  []inventory.Part{{Name: "imeisv", Value: "8670120400000001"}, {Name: "bootloader", Value: "B2"}},
		Device: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2", Driver: "option"},
	}
}

func badged(id string) inventory.Module {
	return inventory.Module{
		ID: id, State: inventory.StateHeld, Confidence: 0.7, Reason: "ttyUSB5 is held by ModemManager (pid 812)",
		Identity:  inventory.Identity{Maker: "sierra-wireless", MakerName: "Sierra Wireless", Badge: "dell", Model: "EM7455"},
		Origin:    inventory.Origin{Country: "CA", ParentCountry: "US"},
		Evidence:  []inventory.Evidence{{Claim: "model", Value: "EM7455", Source: "usb:id", Quote: "413c:81b6", Rule: "usb/413c"}},
		Conflicts: []inventory.Conflict{{Claim: "imei", Values: []string{"014582000000007", "014582000000008"}, Why: "AT+CGSN says 014582000000008, the strings another"}},
		Device:    &inventory.Device{Bus: "usb", VID: "413c", PID: "81b6", Path: "1-1.3"},
	}
}

func unknown(id string) inventory.Module {
	return inventory.Module{ID: id, State: inventory.StatePartial, Possible: []string{"fibocom", "rolling-wireless"},
		Device: &inventory.Device{Bus: "pci", VID: "14c3", PID: "4d75", SubVID: "1cf8", SubPID: "3500", Path: "0000:01:00.0"}}
}

func named() []hbom.Finding {
	return []hbom.Finding{
		{Rule: "named-in-list", List: "dod-1260h", Edition: "2026-06-08", Severity: "high", Source: list1260h,
			Text: "Quectel Wireless Solutions is named in the DoD Section 1260H list, edition 2026-06-08", Since: time.Date(2025, 1, 7, 0, 0, 0, 0, time.UTC)},
		{Rule: "origin", Severity: "medium", Text: "origin CN is in the set of origins to report", Excepted: "j.doe@example.org, test bench, until 2027-01-31"},
	}
}

func oneGateway() []hbom.Item {
	return []hbom.Item{
		{Gateway: gateway("gw-0417"), Module: unknown("pci:0000:01:00.0")},
		{Gateway: gateway("gw-0417"), Module: quectel("usb:1-1.2"), Findings: named()},
		{Gateway: gateway("gw-0417"), Module: badged("usb:1-1.3")},
	}
}

func twoGateways() []hbom.Item {
	return append(oneGateway(), hbom.Item{Gateway: gateway("gw-0001"), Module: quectel("usb:1-1"), Findings: named()})
}

func cyclonedx(t testing.TB, items []hbom.Item, s hbom.Settings) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := hbom.CycloneDX(&b, items, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func spdx(t testing.TB, items []hbom.Item, s hbom.Settings) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := hbom.SPDX(&b, items, s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func stream(t testing.TB, items []hbom.Item, s hbom.Settings) []byte {
	t.Helper()
	var b bytes.Buffer
	if err := hbom.StreamCycloneDX(&b, seq(items), s); err != nil {
		t.Fatal(err)
	}
	return b.Bytes()
}

func seq(items []hbom.Item) iter.Seq2[hbom.Item, error] {
	return func(yield func(hbom.Item, error) bool) {
		for _, i := range items {
			if !yield(i, nil) {
				return
			}
		}
	}
}

func TestGolden(t *testing.T) {
	imei := settings(hbom.CycloneDX16)
	imei.IMEI = true
	for name, tt := range map[string]struct {
		schema string
		doc    []byte
	}{
		"module.cdx16.json":  {"bom-1.6", cyclonedx(t, oneGateway()[1:2], settings(hbom.CycloneDX16))},
		"gateway.cdx16.json": {"bom-1.6", cyclonedx(t, oneGateway(), settings(hbom.CycloneDX16))},
		"gateway.cdx17.json": {"bom-1.7", cyclonedx(t, oneGateway(), settings(hbom.CycloneDX17))},
		"imei.cdx16.json":    {"bom-1.6", cyclonedx(t, oneGateway(), imei)},
		"fleet.cdx17.json":   {"bom-1.7", cyclonedx(t, twoGateways(), settings(hbom.CycloneDX17))},
		"stream.cdx16.json":  {"bom-1.6", stream(t, sorted(twoGateways()), settings(hbom.CycloneDX16))},
		"empty.cdx16.json":   {"bom-1.6", cyclonedx(t, nil, settings(hbom.CycloneDX16))},
		"gateway.spdx.json":  {"spdx-3.0.1", spdx(t, oneGateway(), settings(""))},
		"fleet.spdx.json":    {"spdx-3.0.1", spdx(t, twoGateways(), settings(""))},
		"empty.spdx.json":    {"spdx-3.0.1", spdx(t, nil, settings(""))},
	} {
		t.Run(name, func(t *testing.T) {
			if err := hbomtest.Validate(tt.schema, tt.doc); err != nil {
				t.Errorf("%#v", err)
			}
			golden(t, name, tt.doc)
		})
	}
}

func sorted(items []hbom.Item) []hbom.Item {
	slices.SortFunc(items, func(a, b hbom.Item) int {
		if n := strings.Compare(a.Gateway.ID, b.Gateway.ID); n != 0 {
			return n
		}
		return strings.Compare(a.Module.ID, b.Module.ID)
	})
	return items
}

func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", "golden", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), string(got)); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The validation is live: a key that the format does not know is refused, at every depth.
func TestUnknownKeysFail(t *testing.T) {
	for schema, doc := range map[string][]byte{
		"bom-1.6":    cyclonedx(t, oneGateway(), settings(hbom.CycloneDX16)),
		"bom-1.7":    cyclonedx(t, oneGateway(), settings(hbom.CycloneDX17)),
		"spdx-3.0.1": spdx(t, oneGateway(), settings("")),
	} {
		for _, at := range []string{`"specVersion"`, `"type": "device"`, `"spdxId"`, `"software_primaryPurpose"`, `"technique"`} {
			i := bytes.Index(doc, []byte(at))
			if i < 0 {
				continue
			}
			bad := slices.Concat(doc[:i], []byte(`"country_of_production": "CN", `), doc[i:])
			if !json.Valid(bad) {
				t.Fatalf("%s: the test made no JSON", at)
			}
			if hbomtest.Validate(schema, bad) == nil {
				t.Errorf("%s: an unknown key before %s passes", schema, at)
			}
		}
	}
}

func TestSameItemsSameBytes(t *testing.T) {
	a, b := twoGateways(), twoGateways()
	slices.Reverse(b)
	for _, write := range []func(testing.TB, []hbom.Item, hbom.Settings) []byte{cyclonedx, spdx} {
		if !bytes.Equal(write(t, a, settings("")), write(t, b, settings(""))) {
			t.Error("another order of items gives other bytes")
		}
	}
	if a[0].Module.ID != "pci:0000:01:00.0" {
		t.Error("the caller's items were sorted")
	}
}

func TestSerialNumberStandsForTheContent(t *testing.T) {
	serial := func(items []hbom.Item, s hbom.Settings) string {
		var d struct{ SerialNumber string }
		if err := json.Unmarshal(cyclonedx(t, items, s), &d); err != nil {
			t.Fatal(err)
		}
		return d.SerialNumber
	}
	s := settings("")
	first := serial(oneGateway(), s)
	if first != serial(oneGateway(), s) || !strings.HasPrefix(first, "urn:uuid:") || first[23] != '5' {
		t.Errorf("serial number %q", first)
	}
	later := s
	later.Time = made.Add(time.Second)
	other := oneGateway()
	other[1].Module.Identity.Firmware = "EC25EFAR06A10M4G"
	if serial(oneGateway(), later) == first || serial(other, s) == first || serial(oneGateway()[:2], s) == first {
		t.Error("another document has the same serial number")
	}
	// What is left out must not be found out by trying numbers against the serial number.
	hidden := oneGateway()
	hidden[1].Module.Identity.IMEI = "867012040000017"
	if serial(hidden, s) != first {
		t.Error("the serial number depends on an IMEI that the document leaves out")
	}
}

func TestIMEIsAreLeftOut(t *testing.T) {
	items := oneGateway()
	items[1].Module.Evidence[2].Quote = "EC25 IMEI 35-209900-176148-1"
	items[1].Module.Reason = "answered 867012040000009"
	items[1].Findings = append(items[1].Findings, hbom.Finding{Rule: "own", Severity: "low", Text: "module 867012040000009 is spare"})
	items[1].Module.Parts = append(items[1].Module.Parts, inventory.Part{Name: "ICCID", Value: "8949020000012345678"})
	numbers := []string{"867012040000009", "8670120400000001", "014582000000007", "014582000000008", "35-209900-176148-1", "8949020000012345678"}
	with := settings("")
	with.IMEI = true
	for name, docs := range map[string][2][]byte{
		"cyclonedx": {cyclonedx(t, items, settings("")), cyclonedx(t, items, with)},
		"stream":    {stream(t, sorted(items), settings("")), stream(t, sorted(items), with)},
		"spdx":      {spdx(t, items, settings("")), spdx(t, items, with)},
	} {
		for _, n := range numbers {
			if bytes.Contains(docs[0], []byte(n)) {
				t.Errorf("%s: %s is in the document", name, n)
			}
		}
		if !bytes.Contains(docs[1], []byte(`867012040000009`)) || !bytes.Contains(docs[1], []byte("rollcall:imei")) {
			t.Errorf("%s: asked for, and not there", name)
		}
		if !bytes.Contains(docs[0], []byte("EC25EFAR06A08M4G")) || !bytes.Contains(docs[0], []byte("bootloader=B2")) {
			t.Errorf("%s: more was left out than numbers", name)
		}
	}
}

// Modules of which nobody knows where they sit are not put into one gateway.
func TestNoGateway(t *testing.T) {
	items := []hbom.Item{{Module: quectel("")}, {Module: badged("")}, {Module: unknown("usb:1-1")}, {Gateway: gateway("gw-1"), Module: quectel("a")}}
	if alone := cyclonedx(t, items[:3], settings(hbom.CycloneDX16)); bytes.Contains(alone, []byte(`"gateway/`)) {
		t.Error("modules that sit nobody knows where have a gateway")
	}
	docs := map[string][]byte{
		hbomtest.CycloneDX16: cyclonedx(t, items, settings(hbom.CycloneDX16)),
		hbomtest.CycloneDX17: stream(t, sorted(items), settings(hbom.CycloneDX17)),
		hbomtest.SPDX:        spdx(t, items, settings("")),
	}
	for schema, doc := range docs {
		if err := hbomtest.Validate(schema, doc); err != nil {
			t.Errorf("%s: %v", schema, err)
		}
		if bytes.Contains(doc, []byte(`gateway//`)) || bytes.Contains(doc, []byte(`"gateway/"`)) {
			t.Errorf("%s has a gateway without an id", schema)
		}
	}
	for _, schema := range []string{hbomtest.CycloneDX16, hbomtest.CycloneDX17} {
		var doc struct{ Components []struct{ Name string } }
		if err := json.Unmarshal(docs[schema], &doc); err != nil {
			t.Fatal(err)
		}
		if len(doc.Components) != 4 {
			t.Errorf("%s: %d components at the top, want three modules and a gateway", schema, len(doc.Components))
		}
	}
}

func TestStreamWantsOrder(t *testing.T) {
	items := sorted(twoGateways())
	slices.Reverse(items)
	err := hbom.StreamCycloneDX(&bytes.Buffer{}, seq(items), settings(""))
	if !errors.Is(err, hbom.ErrOrder) || !strings.Contains(err.Error(), `gateway "gw-0417"`) {
		t.Errorf("%v", err)
	}
}

func TestStreamPassesErrorsOn(t *testing.T) {
	broken := errors.New("database is gone")
	err := hbom.StreamCycloneDX(&bytes.Buffer{}, func(yield func(hbom.Item, error) bool) {
		_ = yield(oneGateway()[0], nil) && yield(hbom.Item{}, broken)
	}, settings(""))
	if !errors.Is(err, broken) {
		t.Errorf("%v", err)
	}
	for _, n := range []int{0, 10, 500, 5000} {
		if err := hbom.StreamCycloneDX(&full{n}, seq(sorted(twoGateways())), settings("")); !errors.Is(err, errFull) {
			t.Errorf("after %d bytes: %v", n, err)
		}
	}
}

var errFull = errors.New("disk full")

type full struct{ left int }

func (f *full) Write(b []byte) (int, error) {
	if f.left -= len(b); f.left < 0 {
		return 0, errFull
	}
	return len(b), nil
}

// A stream says the same as the whole document, but for where the serial number stands.
func TestStreamSaysTheSame(t *testing.T) {
	var a, b map[string]any
	if json.Unmarshal(cyclonedx(t, twoGateways(), settings("")), &a) != nil ||
		json.Unmarshal(stream(t, sorted(twoGateways()), settings("")), &b) != nil {
		t.Fatal("no JSON")
	}
	if a["serialNumber"] == b["serialNumber"] || b["serialNumber"] == nil {
		t.Errorf("%v, %v", a["serialNumber"], b["serialNumber"])
	}
	delete(a, "serialNumber")
	delete(b, "serialNumber")
	if diff := cmp.Diff(a, b); diff != "" {
		t.Errorf("(-whole +stream):\n%s", diff)
	}
}

func TestSettingsAreChecked(t *testing.T) {
	noTime, badSpec := settings(""), settings("1.5")
	noTime.Time = time.Time{}
	for _, write := range []func(hbom.Settings) error{
		func(s hbom.Settings) error { return hbom.CycloneDX(&bytes.Buffer{}, nil, s) },
		func(s hbom.Settings) error { return hbom.StreamCycloneDX(&bytes.Buffer{}, seq(nil), s) },
		func(s hbom.Settings) error { return hbom.SPDX(&bytes.Buffer{}, nil, s) },
	} {
		if err := write(noTime); !errors.Is(err, hbom.ErrTime) {
			t.Errorf("%v", err)
		}
		if err := write(badSpec); !errors.Is(err, hbom.ErrSpec) {
			t.Errorf("%v", err)
		}
	}
}

func TestSignature(t *testing.T) {
	pub, key, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	other, stranger, err := ed25519.GenerateKey(nil)
	if err != nil {
		t.Fatal(err)
	}
	doc := cyclonedx(t, oneGateway(), settings(""))
	sig := hbom.Sign(doc, key)
	if err := hbom.Verify(doc, sig, other, pub); err != nil {
		t.Error(err)
	}
	changed := bytes.Replace(doc, []byte("quectel"), []byte("telit"), 1)
	short := sig
	short.Value = short.Value[:10]
	alien := sig
	alien.Algorithm = "none"
	for name, err := range map[string]error{
		"changed":      hbom.Verify(changed, sig, pub),
		"no trust":     hbom.Verify(doc, sig),
		"stranger":     hbom.Verify(doc, hbom.Sign(doc, stranger), pub),
		"other's name": hbom.Verify(doc, hbom.Signature{Algorithm: "Ed25519", PublicKey: sig.PublicKey, Value: hbom.Sign(doc, stranger).Value}, pub),
		"short":        hbom.Verify(doc, short, pub),
		"algorithm":    hbom.Verify(doc, alien, pub),
	} {
		if !errors.Is(err, hbom.ErrSignature) {
			t.Errorf("%s: %v", name, err)
		}
	}
}
