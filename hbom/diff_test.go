package hbom_test

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/hbom"
)

func TestDiff(t *testing.T) {
	before, after := oneGateway(), oneGateway()
	m := &after[1].Module
	m.Identity.Firmware, m.Identity.Hardware, m.Origin.ParentCountry = "EC25EFAR06A10M4G", "R1.1", ""
	after[1].Findings = after[1].Findings[1:]
	after[0].Module = badged("usb:9-9") // the unknown one is gone, another one is there
	later := settings(hbom.CycloneDX17)
	later.Time = made.AddDate(0, 1, 0)
	got, err := hbom.Diff(bytes.NewReader(cyclonedx(t, before, settings(""))), bytes.NewReader(cyclonedx(t, after, later)))
	if err != nil {
		t.Fatal(err)
	}
	const g, q = "gateway/gw-0417", "gateway/gw-0417/module/usb:1-1.2"
	want := []hbom.Change{
		{Ref: g + "/module/pci:0000:01:00.0", Name: "cellular module, not identified (pci 14c3:4d75)", Kind: "removed"},
		{Ref: q, Name: "EC25-E", Kind: "changed", Field: "rollcall:finding",
			Before: "named-in-list (high): Quectel Wireless Solutions is named in the DoD Section 1260H list, edition 2026-06-08 | " +
				"origin (medium): origin CN is in the set of origins to report [excepted: j.doe@example.org, test bench, until 2027-01-31]",
			After: "origin (medium): origin CN is in the set of origins to report [excepted: j.doe@example.org, test bench, until 2027-01-31]"},
		{Ref: q, Name: "EC25-E", Kind: "changed", Field: "rollcall:list", Before: "dod-1260h; edition=2026-06-08; since=2025-01-07"},
		{Ref: q, Name: "EC25-E", Kind: "changed", Field: "rollcall:origin:parent-country", Before: "CN"},
		{Ref: q, Name: "EC25-E", Kind: "changed", Field: "version", Before: "R1.0", After: "R1.1"},
		{Ref: q + "/firmware", Name: "EC25-E firmware", Kind: "changed", Field: "version", Before: "EC25EFAR06A08M4G", After: "EC25EFAR06A10M4G"},
		{Ref: g + "/module/usb:9-9", Name: "EM7455", Kind: "added"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

func TestDiffOfTheSame(t *testing.T) {
	doc := cyclonedx(t, twoGateways(), settings(""))
	got, err := hbom.Diff(bytes.NewReader(doc), bytes.NewReader(stream(t, sorted(twoGateways()), settings(hbom.CycloneDX17))))
	if err != nil || len(got) != 0 {
		t.Errorf("%v %v", got, err)
	}
}

// Documents of others need have no references.
func TestDiffOfForeignDocuments(t *testing.T) {
	a := `{"bomFormat":"CycloneDX","specVersion":"1.4","version":1,"components":[{"type":"device","name":"x","version":"1"},{"type":"device","name":"x"}]}`
	b := `{"bomFormat":"CycloneDX","specVersion":"1.4","version":1,"components":[{"type":"device","name":"x","version":"2"}]}`
	got, err := hbom.Diff(strings.NewReader(a), strings.NewReader(b))
	if err != nil || len(got) != 2 || got[0].Field != "version" || got[1].Kind != "removed" {
		t.Errorf("%+v %v", got, err)
	}
}

// Many that nothing tells apart are no more work than others, and none is lost.
func TestDiffOfManyAlike(t *testing.T) {
	doc := func(n int) io.Reader {
		return strings.NewReader(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[` +
			strings.Repeat(`{"type":"library","name":"x"},`, n) + `{"type":"library","name":"y","bom-ref":"/library/x#2"}]}`)
	}
	got, err := hbom.Diff(doc(20_000), doc(20_003))
	if err != nil || len(got) != 3 || got[0].Kind != "added" {
		t.Errorf("%+v %v", got, err)
	}
}

// A property that is called as a field is stands beside it, not for it.
func TestDiffOfPropertiesCalledAsFields(t *testing.T) {
	doc := func(version, property string) io.Reader {
		return strings.NewReader(fmt.Sprintf(`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":[{"type":"device","name":"x","bom-ref":"x","version":%q,`+
			`"properties":[{"name":"version","value":%q}]}]}`, version, property))
	}
	got, err := hbom.Diff(doc("1", "a"), doc("2", "b"))
	want := []hbom.Change{{Ref: "x", Name: "x", Kind: "changed", Field: "property version", Before: "a", After: "b"},
		{Ref: "x", Name: "x", Kind: "changed", Field: "version", Before: "1", After: "2"}}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v (-want +got):\n%s", err, diff)
	}
}

func TestDiffRefuses(t *testing.T) {
	good := string(cyclonedx(t, nil, settings("")))
	for _, bad := range []string{"", "{", "[]", `{"bomFormat":"SPDX","specVersion":"1.6","version":1}`, `{"bomFormat":"CycloneDX","specVersion":"9.9"}`,
		`{"bomFormat":"CycloneDX","specVersion":"1.6","version":1,"components":` + strings.Repeat(`[{"type":"device","name":"x","components":`, 65) + `[]` + strings.Repeat(`}]`, 65) + `}`,
		string(spdx(t, nil, settings("")))} {
		if _, err := hbom.Diff(strings.NewReader(good), strings.NewReader(bad)); !errors.Is(err, hbom.ErrRead) || !strings.Contains(err.Error(), "the second") {
			t.Errorf("%.20q: %v", bad, err)
		}
	}
}
