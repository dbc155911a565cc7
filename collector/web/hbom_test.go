package web_test

import (
	"archive/zip"
	"bytes"
	"encoding/json"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// document is as much of a CycloneDX document as these tests look at.
type document struct {
	SpecVersion string
	Components  []component
}

type component struct {
	Type, Name, Version string
	Manufacturer        struct{ Name string }
	Properties          []struct{ Name, Value string }
	Components          []component
}

// devices gives the modules, wherever they stand.
func devices(cs []component) (out []component) {
	for _, c := range cs {
		for _, p := range c.Properties {
			if p.Name == "rollcall:state" {
				out = append(out, c)
			}
		}
		out = append(out, devices(c.Components)...)
	}
	return out
}

func (c component) property(name string) (values []string) {
	for _, p := range c.Properties {
		if p.Name == name {
			values = append(values, p.Value)
		}
	}
	return values
}

// A bill of materials holds what is shown, with evidence and findings, whatever a module says.
func TestHBOM(t *testing.T) {
	s := filled(t)
	srv := serve(t, s)
	all, err := s.Modules(t.Context(), store.ModuleFilter{}, store.Page{})
	must(t, err)
	for _, x := range []struct {
		query, name string
		modules     int
	}{
		{"", "fleet", all.Total}, {"?gateway=gw-00", "gw-00", 2}, {"?gateway=gw-00&module=tty:/dev/ttyS1", "gw-00", 1},
		{"?maker=gamma", "selection maker=gamma", 10}, {"?gateway=evil", "evil", len(hostile)}, {"?maker=gamma&sort=-model&limit=3&cursor=x", "selection maker=gamma", 10},
	} {
		for _, version := range []string{"1.6", "1.7"} {
			r, body := get(t, srv.URL+"/hbom/cyclonedx-"+version+x.query)
			var d document
			if err := json.Unmarshal([]byte(body), &d); err != nil || r.StatusCode != http.StatusOK {
				t.Errorf("%s: %d: %v", x.query, r.StatusCode, err)
				continue
			}
			if ms := devices(d.Components); len(ms) != x.modules || d.SpecVersion != version || !strings.Contains(body, x.name) {
				t.Errorf("%s: version %s has %d modules, want %d of %q", x.query, d.SpecVersion, len(ms), x.modules, x.name)
			}
			if got := r.Header.Get("Content-Disposition"); !strings.Contains(got, `attachment; filename="rollcall-hbom-2026-11-20.cdx.json"`) {
				t.Errorf("%s: %s", x.query, got)
			}
		}
	}
}

// What is found, what proves it, and who makes it, stand in the document.
func TestHBOMHolds(t *testing.T) {
	srv := serve(t, filled(t))
	_, body := get(t, srv.URL+"/hbom/cyclonedx-1.7?gateway=gw-01")
	var d document
	must(t, json.Unmarshal([]byte(body), &d))
	ms := devices(d.Components)
	if len(ms) != 1 {
		t.Fatalf("%d modules", len(ms))
	}
	m := ms[0]
	if m.Name != "A25" || m.Manufacturer.Name != "alpha Ltd." || len(m.property("rollcall:evidence:maker")) == 0 {
		t.Errorf("the module is %+v", m)
	}
	found := strings.Join(m.property("rollcall:finding"), "\n")
	if !strings.Contains(found, "named (high): Alpha is named in the List of") || !strings.Contains(found, "excepted: Jane") || !strings.Contains(found, "until 2026-11-25") {
		t.Errorf("its findings are %q", found)
	}
}

func TestOtherForms(t *testing.T) {
	srv := serve(t, filled(t))
	r, body := get(t, srv.URL+"/hbom/spdx?gateway=evil")
	var doc struct {
		Graph []json.RawMessage `json:"@graph"`
	}
	if err := json.Unmarshal([]byte(body), &doc); err != nil || len(doc.Graph) < len(hostile) || r.Header.Get("Content-Type") != "application/spdx+json" {
		t.Errorf("SPDX: %v, %d elements", err, len(doc.Graph))
	}
	_, body = get(t, srv.URL+"/hbom/xlsx?maker=alpha")
	z, err := zip.NewReader(bytes.NewReader([]byte(body)), int64(len(body)))
	must(t, err)
	if !slices.ContainsFunc(z.File, func(f *zip.File) bool { return f.Name == "xl/workbook.xml" }) {
		t.Error("the workbook has no workbook.xml")
	}
}

// What cannot be given is said, as a page.
func TestHBOMRefuses(t *testing.T) {
	srv := serve(t, filled(t))
	for path, want := range map[string]int{
		"/hbom/pdf": 404, "/hbom/spdx?maker=nobody": 404, "/hbom/spdx?gateway=gw-00&module=nothing": 404, "/hbom/spdx?module=usb:1-1": 400, "/hbom/spdx?price=1": 400,
	} {
		r, body := get(t, srv.URL+path)
		if r.StatusCode != want || !strings.HasPrefix(r.Header.Get("Content-Type"), "text/html") || r.Header.Get("Content-Disposition") != "" || !strings.Contains(body, "<h1>") {
			t.Errorf("%s: %d %s", path, r.StatusCode, r.Header.Get("Content-Type"))
		}
	}
}

// A format that is held in memory takes no fleet; one that is written as it comes does.
func TestHBOMBounds(t *testing.T) {
	s := wide(t, 5001, 1, 1, 1)
	srv := serve(t, s)
	r, body := get(t, srv.URL+"/hbom/spdx")
	if r.StatusCode != http.StatusBadRequest || !strings.Contains(body, "5,000 modules at most, and this is 5,001") {
		t.Errorf("SPDX of all: %d", r.StatusCode)
	}
	if r, _ := get(t, srv.URL+"/hbom/spdx?gateway=gw-000001"); r.StatusCode != http.StatusOK {
		t.Errorf("SPDX of one: %d", r.StatusCode)
	}
	_, body = get(t, srv.URL+"/hbom/cyclonedx-1.7")
	var d document
	must(t, json.Unmarshal([]byte(body), &d))
	if n := len(devices(d.Components)); n != 5001 {
		t.Errorf("CycloneDX of all holds %d", n)
	}
}
