package fingerprint

import (
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/inventory"
)

// fromText makes an observation of text: each line is a reply, or a command ("AT…"), or comes unasked.
func fromText(text string) (o Observation) {
	for line := range strings.Lines(text) {
		line = strings.TrimRight(line, "\n")
		n := len(o.Transcript)
		switch {
		case strings.HasPrefix(line, "AT") || strings.HasPrefix(line, "at"):
			o.Transcript = append(o.Transcript, inventory.Exchange{Cmd: line})
		case n == 0:
			o.Banner = append(o.Banner, line)
		case line == "OK" || line == "ERROR":
			o.Transcript[n-1].Final = line
		default:
			o.Transcript[n-1].Lines = append(o.Transcript[n-1].Lines, line)
		}
	}
	return o
}

// FuzzIdentify: never a panic; the same verdict for any order of the exchanges; identity fields are
// printable ASCII and bounded; what is no cellular module or not known has no identity; every slug is
// known; a maker has evidence.
func FuzzIdentify(f *testing.F) {
	b := embedded(f)
	for _, c := range readCorpus(f) {
		var text strings.Builder
		for _, line := range c.Banner {
			text.WriteString(line + "\n")
		}
		for _, e := range c.Exchange {
			text.WriteString(e.Cmd + "\n" + strings.Join(e.Lines, "\n") + "\n" + e.Final + "\n")
		}
		vid, pid := "", ""
		if c.USB != nil {
			vid, pid = c.USB.VID, c.USB.PID
		}
		f.Add(text.String(), vid, pid, "", uint64(len(c.ID)))
	}
	f.Fuzz(func(t *testing.T, text, vid, pid, product string, seed uint64) {
		o := fromText(text)
		if vid != "" {
			o.USB = &inventory.Device{Bus: "usb", VID: vid, PID: pid, Product: product}
		}
		v := b.Identify(o)
		checkVerdict(t, b, v)
		b.Plan(o, v)
		rand.New(rand.NewPCG(seed, 1)).Shuffle(len(o.Transcript), func(i, j int) {
			o.Transcript[i], o.Transcript[j] = o.Transcript[j], o.Transcript[i]
		})
		if diff := cmp.Diff(v, b.Identify(o)); diff != "" {
			t.Fatalf("another order, another verdict:\n%s", diff)
		}
	})
}

func checkVerdict(t *testing.T, b *Base, v Verdict) {
	t.Helper()
	id := v.Identity
	for _, s := range []string{id.Model, id.Variant, id.Firmware, id.Hardware, id.IMEI, id.Chipset, id.Technology} {
		if !printable(s) || len(s) > maxLine {
			t.Fatalf("identity holds %q", s)
		}
	}
	if id.IMEI != "" && !inventory.ValidIMEI(id.IMEI) {
		t.Fatalf("imei %q", id.IMEI)
	}
	if (v.State == inventory.StateNotCellular || v.State == inventory.StateUnknown) && id != (inventory.Identity{}) {
		t.Fatalf("%s with identity %+v", v.State, id)
	}
	if len(v.Evidence) > maxEvidence || len(v.Parts) > 24 || v.Confidence < 0 || v.Confidence > 1 {
		t.Fatalf("out of bounds: %d evidence, %d parts, confidence %v", len(v.Evidence), len(v.Parts), v.Confidence)
	}
	for _, slug := range append([]string{id.Maker, id.Badge}, v.Possible...) {
		if _, known := b.Maker(slug); slug != "" && !known {
			t.Fatalf("slug %q is not of the vocabulary", slug)
		}
	}
	named := id.Maker == ""
	for _, e := range v.Evidence {
		named = named || e.Claim == "maker"
	}
	if !named {
		t.Fatalf("%s is named without evidence", id.Maker)
	}
}

// FuzzNoise: bytes that are no text never make an identity.
func FuzzNoise(f *testing.F) {
	b := embedded(f)
	f.Add([]byte{0xff, 0x00, 0x13, 'A', 'T'})
	f.Add([]byte("\x1b[2J\x1b]52;c;Quectel\x07"))
	f.Fuzz(func(t *testing.T, noise []byte) {
		for i := range noise {
			noise[i] |= 0x80 // every byte is outside of the replies' alphabet
		}
		lines := strings.Split(string(noise), "\x8a")
		o := Observation{Banner: lines}
		for _, cmd := range []string{"ATI", "AT+CGMI", "AT+CGMM", "AT+CGMR", "AT+CGSN"} {
			o.Transcript = append(o.Transcript, inventory.Exchange{Cmd: cmd, Lines: lines, Final: "OK"})
		}
		if v := b.Identify(o); v.State != inventory.StateUnknown && v.State != inventory.StateNotCellular {
			t.Fatalf("noise is %s: %+v", v.State, v.Identity)
		}
	})
}

// FuzzOverlay: no file makes loading panic, and an error never comes with a base.
func FuzzOverlay(f *testing.F) {
	base := embedded(f)
	f.Add([]byte(privateBadge))
	f.Add([]byte("kind: plc\nseems: a controller\nrules: []\n"))
	f.Add([]byte("slug: quectel\nfamilies: [{name: XX99Z}]\n"))
	f.Fuzz(func(t *testing.T, data []byte) {
		laid, err := base.with(Overlay{Name: "fuzz.yaml", Data: data})
		if (laid == nil) == (err == nil) {
			t.Fatalf("base %v, error %v", laid != nil, err)
		}
		if laid != nil {
			laid.Identify(typical())
		}
	})
}

// Random words that look like replies never name a maker by chance.
func TestRandomWordsNameNobody(t *testing.T) {
	b := embedded(t)
	r := rand.New(rand.NewPCG(1, 2))
	const letters = "abcdefghijklmnopqrstuvwxyz"
	for range 20000 {
		var words []string
		for range 3 {
			word := make([]byte, 7+r.IntN(6))
			for i := range word {
				word[i] = letters[r.IntN(len(letters))]
			}
			words = append(words, string(word))
		}
		o := asked("ATI = "+strings.Join(words, " | "), "AT+GMR = "+words[0])
		if v := b.Identify(o); v.Identity.Maker != "" || v.State != inventory.StateUnknown {
			t.Fatalf("%v comes out as %s %q: %v", words, v.State, v.Identity.Maker, v.Evidence)
		}
	}
}
