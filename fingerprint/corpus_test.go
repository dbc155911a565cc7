package fingerprint

import (
	"bufio"
	"encoding/json"
	"fmt"
	"hash/fnv"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// labelled captures: testdata/corpus/*.jsonl, one real device a line, with what a careful engineer
// reads out of it. Each names its source. testdata/corpus/README.md describes the keys.
type capture struct {
	ID       string               `json:"id"`
	Source   string               `json:"source"`
	Exchange []inventory.Exchange `json:"exchange"`
	Banner   []string             `json:"banner"`
	USB      *inventory.Device    `json:"usb"`
	PCI      *inventory.Device    `json:"pci"`
	Expect   struct {
		Cellular      bool     `json:"cellular"`
		Vendor        string   `json:"vendor"`
		MakerOptional bool     `json:"maker_optional"`
		Model         []string `json:"model_any"`
		Firmware      []string `json:"firmware_any"`
		IMEI          string   `json:"imei"`
	} `json:"expect"`

	file string
}

func (c *capture) observation() Observation {
	return Observation{Transcript: c.Exchange, Banner: c.Banner, USB: c.USB, PCI: c.PCI}
}

// heldBack: a fourth of the first collection was not looked at while the rules were written, nor
// was the file of that name.
func (c *capture) heldBack() bool {
	if c.file != "captures.jsonl" {
		return c.file == "found-held.jsonl"
	}
	h := fnv.New32a()
	h.Write([]byte(c.ID))
	return h.Sum32()%4 == 0
}

func readCorpus(t testing.TB) (all []capture) {
	t.Helper()
	files, err := filepath.Glob("testdata/corpus/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no captures in testdata/corpus: %v", err)
	}
	for _, name := range files {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		lines := bufio.NewScanner(f)
		lines.Buffer(nil, 1<<20)
		for n := 1; lines.Scan(); n++ {
			c := capture{file: filepath.Base(name)}
			if err := json.Unmarshal(lines.Bytes(), &c); err != nil {
				t.Fatalf("%s:%d: %v", name, n, err)
			}
			if c.ID == "" || c.Source == "" {
				t.Fatalf("%s:%d: id or source is missing", name, n)
			}
			all = append(all, c)
		}
	}
	return all
}

// sameCompany joins the slugs under which labels and knowledge may know one company: names of the
// same lineage, and other slugs that the knowledge lists.
func sameCompany(b *Base, x, y string) bool {
	lineage := func(slug string) string {
		for _, m := range b.pack.Makers {
			if m.Slug == slug {
				return m.Group
			}
		}
		return slug
	}
	return x == y || lineage(x) == lineage(y)
}

// mistakes says in what a verdict differs from the labels.
func (c *capture) mistakes(b *Base, v Verdict) (out []string) {
	id := v.Identity
	if !c.Expect.Cellular {
		if v.State != inventory.StateNotCellular && v.State != inventory.StateUnknown || id.Maker != "" {
			out = append(out, fmt.Sprintf("non-modem: is %s %q", v.State, id.Maker))
		}
		return out
	}
	switch {
	case id.Maker == "" && (c.Expect.Vendor == "" || c.Expect.MakerOptional):
	case !sameCompany(b, id.Maker, c.Expect.Vendor):
		out = append(out, fmt.Sprintf("maker: %q, not %q", id.Maker, c.Expect.Vendor))
	}
	if c.Expect.Vendor != "" && len(c.Expect.Model) > 0 && !slices.ContainsFunc(c.Expect.Model, func(m string) bool { return plain(m) == plain(id.Model) }) {
		out = append(out, fmt.Sprintf("model: %q, not %q", id.Model, c.Expect.Model))
	}
	if len(c.Expect.Firmware) > 0 && !slices.Contains(c.Expect.Firmware, id.Firmware) {
		out = append(out, fmt.Sprintf("firmware: %q, not %q", id.Firmware, c.Expect.Firmware))
	}
	if c.Expect.IMEI != "" && inventory.ValidIMEI(c.Expect.IMEI) && id.IMEI != c.Expect.IMEI {
		out = append(out, fmt.Sprintf("imei: %q, not %q", id.IMEI, c.Expect.IMEI))
	}
	return out
}

func plain(s string) string { return strings.ToLower(strings.Join(strings.Fields(s), " ")) }

// knownMisses are captures that come out wrong, with the reason. A miss that has become right must
// be taken out.
func knownMisses(t testing.TB) map[string]string {
	t.Helper()
	data, err := os.ReadFile("testdata/corpus/known-misses.tsv")
	if err != nil {
		t.Fatal(err)
	}
	out := map[string]string{}
	for line := range strings.Lines(string(data)) {
		if id, why, ok := strings.Cut(strings.TrimSpace(line), "\t"); ok && !strings.HasPrefix(line, "#") {
			out[id] = why
		}
	}
	return out
}

func TestCorpus(t *testing.T) {
	b := embedded(t)
	misses := knownMisses(t)
	seen := map[string]bool{}
	for _, c := range readCorpus(t) {
		if seen[c.ID] {
			t.Errorf("%s: id %s stands twice", c.file, c.ID)
		}
		seen[c.ID] = true
		wrong := c.mistakes(b, b.Identify(c.observation()))
		switch why := misses[c.ID]; {
		case len(wrong) > 0 && why == "":
			t.Errorf("%s %s: %s", c.file, c.ID, strings.Join(wrong, "; "))
		case len(wrong) == 0 && why != "":
			t.Errorf("%s comes out right now: take it out of known-misses.tsv (%s)", c.ID, why)
		}
	}
	for id := range misses {
		if !seen[id] {
			t.Errorf("known-misses.tsv names %s, which is no capture", id)
		}
	}
}

// score counts right answers of one field.
type score struct{ right, all int }

func (s *score) count(right bool) {
	s.all++
	if right {
		s.right++
	}
}

func (s score) String() string {
	return fmt.Sprintf("%6.2f %% (%d of %d)", s.rate(), s.right, s.all)
}

func (s score) rate() float64 {
	if s.all == 0 {
		return 100
	}
	return 100 * float64(s.right) / float64(s.all)
}

type accuracy struct{ maker, model, firmware, imei, negatives score }

func (a *accuracy) take(b *Base, c *capture) {
	v := b.Identify(c.observation())
	wrong := strings.Join(c.mistakes(b, v), "; ")
	if !c.Expect.Cellular {
		a.negatives.count(wrong == "")
		return
	}
	if c.Expect.Vendor != "" && (!c.Expect.MakerOptional || v.Identity.Maker != "") {
		a.maker.count(!strings.Contains(wrong, "maker:"))
	}
	if c.Expect.Vendor != "" && len(c.Expect.Model) > 0 {
		a.model.count(!strings.Contains(wrong, "model:"))
	}
	if len(c.Expect.Firmware) > 0 {
		a.firmware.count(!strings.Contains(wrong, "firmware:"))
	}
	if c.Expect.IMEI != "" {
		a.imei.count(!strings.Contains(wrong, "imei:"))
	}
}

// TestAccuracy prints the figures of docs/accuracy.md (go test -run Accuracy -v ./fingerprint).
func TestAccuracy(t *testing.T) {
	b := embedded(t)
	var all, held accuracy
	byFile := map[string]*accuracy{}
	for _, c := range readCorpus(t) {
		all.take(b, &c)
		if byFile[c.file] == nil {
			byFile[c.file] = &accuracy{}
		}
		byFile[c.file].take(b, &c)
		if c.heldBack() {
			held.take(b, &c)
		}
	}
	show := func(name string, a *accuracy) {
		t.Logf("%-22s maker %v  model %v  firmware %v  imei %v  non-modems %v", name, a.maker, a.model, a.firmware, a.imei, a.negatives)
	}
	for name, a := range byFile {
		show(name, a)
	}
	show("held back", &held)
	show("all", &all)
	if all.maker.rate() < 99.5 || all.model.rate() < 98 || all.firmware.rate() < 99 || all.negatives.rate() < 100 {
		t.Error("below the product's targets: maker 99.5, model 98, firmware 99, non-modems 100")
	}
}

// Naming a maker of another country than the true one is the worst mistake there is.
func TestNothingIsWronglyCleared(t *testing.T) {
	b := embedded(t)
	for _, c := range readCorpus(t) {
		truth, known := b.Maker(c.Expect.Vendor)
		v := b.Identify(c.observation())
		if !known || v.Identity.Maker == "" || sameCompany(b, v.Identity.Maker, c.Expect.Vendor) {
			continue
		}
		if v.Origin.Country != truth.Country {
			t.Errorf("%s: built by %s (%s), named %s (%s)", c.ID, c.Expect.Vendor, truth.Country, v.Identity.Maker, v.Origin.Country)
		}
	}
}
