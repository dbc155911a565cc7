package hbom_test

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/hbom"
)

// A naming that one gateway's owner has accepted is stated apart from the same naming elsewhere.
func TestExceptionsAreStated(t *testing.T) {
	open := named()[:1]
	covered := slices.Clone(open)
	covered[0].Excepted = "j.doe@example.org: test bench, until 2027-01-31"
	items := []hbom.Item{
		{Gateway: gateway("gw-1"), Module: unknown("pci:1"), Findings: open},
		{Gateway: gateway("gw-2"), Module: unknown("pci:2"), Findings: covered},
	}
	var b bytes.Buffer
	if err := hbom.CycloneDX(&b, items, settings("")); err != nil {
		t.Fatal(err)
	}
	var doc struct {
		Annotations []struct {
			Subjects []string
			Text     string
		}
	}
	if err := json.Unmarshal(b.Bytes(), &doc); err != nil {
		t.Fatal(err)
	}
	if len(doc.Annotations) != 2 {
		t.Fatalf("%+v", doc.Annotations)
	}
	for i, want := range []string{list1260h + ")", "; an exception covers this: j.doe@example.org: test bench, until 2027-01-31"} {
		if a := doc.Annotations[i]; !strings.HasSuffix(a.Text, want) || len(a.Subjects) != 1 {
			t.Errorf("annotation %d: %+v", i, a)
		}
	}
}
