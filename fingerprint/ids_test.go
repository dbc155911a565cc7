package fingerprint

import (
	"bufio"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/fingerprint/knowledge"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Every USB id resolves to its maker, or to the set of makers that the row names; the id of a
// chipset's maker never names one alone.
func TestEveryUSBIDResolves(t *testing.T) {
	b := embedded(t)
	for _, row := range b.pack.USB {
		if row.AnyPID {
			continue
		}
		v := b.Identify(Observation{USB: &inventory.Device{Bus: "usb", VID: fmt.Sprintf("%04x", row.VID), PID: fmt.Sprintf("%04x", row.PID)}})
		name := fmt.Sprintf("%04x:%04x", row.VID, row.PID)
		if row.Kind == knowledge.KindOther {
			if v.State != inventory.StateNotCellular || v.Seems == "" {
				t.Errorf("%s: %s %q", name, v.State, v.Seems)
			}
			continue
		}
		checkRefs(t, b, name, v, row.Makers, row.Badge, row.Kind != knowledge.KindChipset)
	}
}

func TestEveryPCIIDResolves(t *testing.T) {
	b := embedded(t)
	for _, row := range b.pack.PCI {
		d := &inventory.Device{Bus: "pci"}
		for i, into := range []*string{&d.VID, &d.PID, &d.SubVID, &d.SubPID} {
			if row.Any&(1<<i) == 0 {
				*into = fmt.Sprintf("%04x", row.IDs[i])
			}
		}
		checkRefs(t, b, fmt.Sprintf("%s:%s %s:%s", d.VID, d.PID, d.SubVID, d.SubPID), b.Identify(Observation{PCI: d}), row.Makers, row.Badge, true)
	}
}

// checkRefs: one sure maker is named; of several each is possible and none is named.
func checkRefs(t *testing.T, b *Base, name string, v Verdict, refs []knowledge.MakerRef, badge uint16, sure bool) {
	t.Helper()
	if v.State != inventory.StateIdentified && v.State != inventory.StatePartial {
		t.Errorf("%s: %s", name, v.State)
	}
	if len(refs) == 1 && sure && !refs[0].Unconfirmed && b.pack.Makers[refs[0].Maker].Role == knowledge.RoleMaker {
		if want := b.pack.Makers[refs[0].Maker].Slug; v.Identity.Maker != want {
			t.Errorf("%s: maker %q, not %q", name, v.Identity.Maker, want)
		}
		return
	}
	for _, ref := range refs {
		if slug := b.pack.Makers[ref.Maker].Slug; v.Identity.Maker != slug && !slices.Contains(v.Possible, slug) {
			t.Errorf("%s: %s is neither named nor possible (%q, %v)", name, slug, v.Identity.Maker, v.Possible)
		}
	}
	if len(refs) > 1 && v.Identity.Maker != "" {
		t.Errorf("%s: %s is named though the id is shared", name, v.Identity.Maker)
	}
	if badge != knowledge.None && v.Identity.Badge == "" && v.Identity.Maker != b.pack.Makers[badge].Slug {
		t.Errorf("%s: the badge %s is not shown", name, b.pack.Makers[badge].Slug)
	}
}

// What a device says counts more than an id that is shared.
func TestAnswersDecideSharedIDs(t *testing.T) {
	b := embedded(t)
	for maker, o := range map[string]Observation{
		"u-blox":  asked("AT+CGMI = u-blox", "AT+CGMM = SARA-R410M-02B"),
		"fibocom": asked("ATI = Manufacturer: Fibocom Wireless Inc. | Model: MA510-GL"),
	} {
		o.USB = &inventory.Device{Bus: "usb", VID: "05c6", PID: "90b2"}
		if v := b.Identify(o); v.Identity.Maker != maker || len(v.Conflicts) > 0 {
			t.Errorf("%s: %q, conflicts %v", maker, v.Identity.Maker, v.Conflicts)
		}
	}
}

// testdata/usb-strings.tsv holds descriptor texts seen in kernel mails. The texts and the id together
// never name another maker than the true one.
func TestDescriptorTexts(t *testing.T) {
	b := embedded(t)
	f, err := os.Open("testdata/usb-strings.tsv")
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	named, all := 0, 0
	for lines := bufio.NewScanner(f); lines.Scan(); {
		c := strings.Split(lines.Text(), "\t")
		if len(c) < 5 || c[0] == "vid" || strings.HasPrefix(c[0], "#") {
			continue
		}
		all++
		v := b.Identify(Observation{USB: &inventory.Device{Bus: "usb", VID: c[0], PID: c[1], Manufacturer: c[2], Product: c[3]}})
		if v.Identity.Maker == "" {
			continue
		}
		named++
		if truth, known := b.find(c[4]); known && !sameCompany(b, v.Identity.Maker, truth) {
			t.Errorf("%s:%s %q %q: %s, not %s", c[0], c[1], c[2], c[3], v.Identity.Maker, truth)
		}
	}
	if all == 0 || named*10 < all*8 {
		t.Errorf("%d of %d descriptors name their maker", named, all)
	}
}

// find gives the slug under which a company is known here, for one of its other slugs.
func (b *Base) find(slug string) (string, bool) {
	for _, m := range b.pack.Makers {
		if m.Slug == slug {
			return slug, true
		}
	}
	other := map[string]string{"fii": "foxconn", "novatel": "novatel-wireless", "luat": "openluat", "wistron-neweb": "wnc"}
	s, ok := other[slug]
	return s, ok
}
