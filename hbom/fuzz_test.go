package hbom_test

import (
	"bytes"
	"encoding/json"
	"math"
	"math/rand/v2"
	"strings"
	"testing"
	"time"
	"unicode"

	"github.com/rollcall-iot/rollcall/hbom"
	"github.com/rollcall-iot/rollcall/hbom/hbomtest"
	"github.com/rollcall-iot/rollcall/inventory"
)

// hostile are strings that somebody meant for a terminal, a spreadsheet, a log, a page, a
// shell, a path, a subject or a database.
var hostile = []string{
	"", "=HYPERLINK(\"http://x\",\"y\")", "+1+cmd|' /C calc'!A0", "-2+3", "@SUM(1)", "\t=1", "\r=1", "<script>alert(1)</script>", "a.b.>", "../../x",
	"$(reboot)", "';--", "x\nlevel=ERROR msg=forged", "\x1b[2J\x1b]52;c;eA==\a", "\x9b31m", "\u202eexe.fdp", "\u200bzero", "\xff\xfe\x00", "\x00",
	"urn:cdx:x", "${module}", "{{.}}", "\u2028", "\U000e0041", "0123456789012345678901234567890123456789",
	"https://x.example/?\\", "?q=\"<{|}>`^\\ \xff", "http://[::zz]/", "http://[fe80::1%25eth0]/", "https://\xffé/?é#\\", strings.Repeat("é\xf3", 513),
	"https://x.example/?100%", "https://x.example/[a]?[b]#[c]", "https://a[b]/", "http://[abc]/",
}

// filled gives two items with the strings in every field that somebody else can fill.
func filled(a, b, c string) []hbom.Item {
	m := inventory.Module{
		ID: a, State: inventory.State(b), Confidence: 1e300, Seems: c, Reason: a, Data: b, Possible: []string{a, b}, Banner: []string{c},
		Identity: inventory.Identity{Maker: a, MakerName: b, Badge: c, Model: a, Variant: b, Firmware: c, Hardware: a, IMEI: b, Chipset: c + " " + a, Technology: b},
		Origin:   inventory.Origin{Country: a, ParentCountry: b},
		Evidence: []inventory.Evidence{{Claim: "model", Value: a, Source: b, Quote: c, Rule: a}, {Claim: "maker", Source: c, Quote: b},
			{Claim: "firmware", Quote: a, Source: "at:" + b}, {Claim: a, Value: b}},
		Conflicts:  []inventory.Conflict{{Claim: a, Values: []string{b, c}, Why: a}},
		Parts:      []inventory.Part{{Name: a, Value: b}},
		Ports:      []inventory.Port{{Path: a, Role: inventory.Role(b), Holder: c}},
		Device:     &inventory.Device{Bus: a, VID: b, PID: c, SubVID: a, SubPID: b, Path: c, Manufacturer: a, Product: b},
		Transcript: []inventory.Exchange{{Cmd: a, Lines: []string{b}, Final: c}},
	}
	f := []hbom.Finding{{Rule: a, List: b, Edition: c, Severity: a, Text: b, Source: c, Excepted: a}, {Rule: a, List: b, Text: b, Source: "https://x.example/" + a}}
	g := inventory.Gateway{ID: a, Hostname: b, Labels: map[string]string{c: a, b: c}, Agent: a, OS: b, Arch: c}
	other := m
	other.Identity.Badge, other.Confidence = "", math.NaN()
	return []hbom.Item{{Gateway: g, Module: m, Findings: f}, {Gateway: g, Module: other, Findings: f},
		{Gateway: inventory.Gateway{ID: a + "/module/" + a}, Module: inventory.Module{ID: b}}}
}

// foreign knows some slugs, and says of all the same.
type foreign struct{ company hbom.Company }

func (f foreign) Company(slug string) (hbom.Company, bool) { return f.company, len(slug)%2 == 0 }

// checkDocument holds what every document promises.
func checkDocument(t *testing.T, schema string, doc []byte) {
	t.Helper()
	if err := hbomtest.Validate(schema, doc); err != nil {
		t.Errorf("%s: %#v\n%q", schema, err, doc)
	}
	for _, r := range string(doc) {
		if r != '\n' && (r < 0x20 || !unicode.IsGraphic(r)) {
			t.Errorf("%s: rune %U in %q", schema, r, doc)
			break
		}
	}
	var d struct {
		Components []struct {
			Ref        string `json:"bom-ref"`
			Components []struct {
				Ref string `json:"bom-ref"`
			} `json:"components"`
		} `json:"components"`
		Graph []struct{ SpdxID string } `json:"@graph"`
	}
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	seen := map[string]bool{}
	once := func(ref string) {
		if ref != "" && seen[ref] {
			t.Errorf("%s: %q stands twice", schema, ref)
		}
		seen[ref] = true
	}
	for _, c := range d.Components {
		once(c.Ref)
		for _, p := range c.Components {
			once(p.Ref)
		}
	}
	for _, e := range d.Graph {
		once(e.SpdxID)
	}
}

func checkAll(t *testing.T, a, b, c string) {
	t.Helper()
	items := filled(a, b, c)
	s := hbom.Settings{Time: time.Unix(1764000000, 0), Name: a, Version: b, Companies: foreign{hbom.Company{Name: c, Country: a, URL: b}}}
	for _, imei := range []bool{false, true} {
		s.IMEI = imei
		s.Spec = hbom.CycloneDX16
		checkDocument(t, "bom-1.6", cyclonedx(t, items, s))
		checkDocument(t, "bom-1.6", cyclonedx(t, items[:2], s))
		s.Spec = hbom.CycloneDX17
		checkDocument(t, "bom-1.7", stream(t, sorted(items), s))
		checkDocument(t, "spdx-3.0.1", spdx(t, items, s))
	}
}

func TestHostileStrings(t *testing.T) {
	for i, a := range hostile {
		checkAll(t, a, hostile[(i+7)%len(hostile)], hostile[(i+13)%len(hostile)])
		checkAll(t, a, a, a)
	}
}

// The values survive: what is escaped for a reader's sake is the same after parsing.
func TestEscapesKeepTheValue(t *testing.T) {
	items := oneGateway()
	items[1].Module.Identity.Model = "\u202eEC25\x9b\U000e0041ä"
	doc := cyclonedx(t, items, settings(""))
	if bytes.Contains(doc, []byte("\u202e")) {
		t.Error("a bidirectional mark stands in the document")
	}
	var d struct{ Components []struct{ Name string } }
	if err := json.Unmarshal(doc, &d); err != nil {
		t.Fatal(err)
	}
	if d.Components[1].Name != "\u202eEC25\ufffd\U000e0041ä" { // 0x9b alone is no UTF-8
		t.Errorf("%q", d.Components[1].Name)
	}
}

// FuzzCycloneDX and FuzzSPDX: whatever stands in every field, the document validates, holds no
// rune that a terminal acts on, and no reference twice.
func FuzzCycloneDX(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		items, s := mixed(data)
		schema := hbomtest.CycloneDX16
		if s.Spec = hbom.CycloneDX16; len(data)%2 == 0 {
			s.Spec, schema = hbom.CycloneDX17, hbomtest.CycloneDX17
		}
		checkDocument(t, schema, cyclonedx(t, items, s))
	})
}

func FuzzSPDX(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, data []byte) {
		items, s := mixed(data)
		checkDocument(t, hbomtest.SPDX, spdx(t, items, s))
	})
}

// seeds are enough that a rule which some field breaks is found by the tests as they are.
func seeds(f *testing.F) {
	r := rand.New(rand.NewPCG(1, 2))
	for n := range 24 {
		data := make([]byte, 512-n%2)
		for i := range data {
			data[i] = byte(r.Uint32())
		}
		f.Add(data)
	}
}

// mixed gives items, each field of which the bytes choose by itself.
func mixed(data []byte) ([]hbom.Item, hbom.Settings) {
	m := &mixer{data: data}
	var items []hbom.Item
	for range 1 + m.byte()%3 {
		it := filled(m.text(), m.text(), m.text())[0]
		it.Gateway.ID, it.Module.ID = m.text(), m.text()
		i := &it.Module.Identity
		i.Maker, i.Badge, i.Model, i.Firmware, i.Hardware, i.Chipset = m.text(), m.text(), m.text(), m.text(), m.text(), m.text()
		it.Findings[0].Source, it.Findings[1].Source = m.text(), "https://"+m.text()
		again := it
		again.Module.ID += m.text()
		items = append(items, it, again)
	}
	s := settings("")
	s.Name, s.Version, s.IMEI = m.text(), m.text(), m.byte()%2 == 0
	s.Companies = foreign{hbom.Company{Name: m.text(), Country: m.text(), URL: "http://" + m.text()}}
	return items, s
}

// mixer makes texts of fragments that are somewhere special, one after another, over and over.
type mixer struct{ data []byte }

func (m *mixer) byte() int {
	if len(m.data) == 0 {
		return 0
	}
	b := m.data[0]
	m.data = m.data[1:]
	return int(b)
}

func (m *mixer) text() string {
	fragments := append([]string{"https://", "http://", "[", "]", "%", "%2", "#", "?", "/", "@", ":", "::1", "a", "é", "\xf3", "/module/", "/chipset", "/firmware", "#2",
		"_:", " ", "1", "861230", "Qualcomm ", "x.example"}, hostile...)
	var b strings.Builder
	for range m.byte() % 4 {
		fragment, times := fragments[m.byte()%len(fragments)], 1
		if m.byte()%16 == 0 { // longer than the longest field may be
			times += 2 * 1024 / (1 + len(fragment))
		}
		b.WriteString(strings.Repeat(fragment, times))
	}
	return b.String()
}

// Only web addresses become links, whoever wrote the list.
func TestOnlyWebAddressesAreLinks(t *testing.T) {
	items := oneGateway()[1:2]
	for _, source := range []string{"javascript://x/%0aalert(1)", "file:///etc/passwd", "data:text/html,x", "//x/y", "https://", "http://[::zz]/", "https://x\"y/", "https://x.example/a"} {
		items[0].Findings = append(items[0].Findings, hbom.Finding{Rule: "own", List: "own", Text: source, Source: source})
	}
	var d struct {
		Components []struct{ ExternalReferences []struct{ URL string } }
		Graph      []struct {
			ExternalRef []struct{ Locator []string }
		} `json:"@graph"`
	}
	if json.Unmarshal(cyclonedx(t, items, settings("")), &d) != nil || json.Unmarshal(spdx(t, items, settings("")), &d) != nil {
		t.Fatal("no JSON")
	}
	n := 0
	check := func(u string) {
		if n++; u != list1260h && u != "https://x.example/a" && u != "https://www.quectel.com" {
			t.Errorf("%q is a link", u)
		}
	}
	for _, r := range d.Components[0].ExternalReferences {
		check(r.URL)
	}
	for _, e := range d.Graph {
		for _, r := range e.ExternalRef {
			check(r.Locator[0])
		}
	}
	if n != 5 {
		t.Errorf("%d links", n)
	}
}
