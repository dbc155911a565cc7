package store

import (
	"bytes"
	"compress/flate"
	"crypto/sha256"
	"encoding/binary"
	"encoding/hex"
	"math/rand/v2"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// texts are of all lengths and distances that the format knows.
func texts() map[string][]byte {
	random := make([]byte, 40_000)
	g := rand.New(rand.NewPCG(1, 2))
	for i := range random {
		random[i] = byte(g.Uint32())
	}
	var lengths bytes.Buffer // every length of a match, and many distances
	for n := 4; n <= 258; n++ {
		lengths.Write(random[n : n+n])
		lengths.WriteByte(byte(n))
	}
	far := append(append(bytes.Clone(random[:2000]), make([]byte, small-4000)...), random[:2000]...)
	return map[string][]byte{
		"nothing": nil, "one byte": {0xff}, "all bytes": random[:small], "one byte often": bytes.Repeat([]byte{'x'}, small), "lengths": lengths.Bytes()[:small],
		"from afar": far, "the words": words, "their end": words[len(words)-5:], "more than is packed with them": random, "large": []byte(strings.Repeat(string(words), 100)),
	}
}

func TestPackedComesBack(t *testing.T) {
	p := NewPacker()
	for name, want := range texts() {
		packed := p.Pack(want)
		for by, unpack := range map[string]func([]byte) ([]byte, error){"Unpack": Unpack, "a Packer": p.Unpack} {
			if got, err := unpack(packed); err != nil || !bytes.Equal(got, want) {
				t.Errorf("%s by %s: %d bytes of %d, %v", name, by, len(got), len(want), err)
			}
		}
	}
}

// What earlier versions packed, and what is packed today, can be read for good.
func TestOldEvidenceIsRead(t *testing.T) {
	var buf bytes.Buffer
	w, err := flate.NewWriter(&buf, flate.BestSpeed)
	if err != nil {
		t.Fatal(err)
	}
	_, _ = w.Write(words)
	_ = w.Close()
	if got, err := Unpack(buf.Bytes()); err != nil || !bytes.Equal(got, words) {
		t.Errorf("of 0.1: %v", err)
	}
	const sum = "41a7348bade8ef573129d18bb350e044a972fa27d3c6a567f51e843950dedd80"
	if got := sha256.Sum256(words); hex.EncodeToString(got[:]) != sum {
		t.Errorf("pack.dict is another one, %x: what was packed with it is lost", got)
	}
	b, _ := hex.DecodeString("07ab26a226c94d4c49d5cd07153db500")
	if got, err := Unpack(b); err != nil || string(got) != `{"schema":"rollcall.report/1","id":"made-once"}` {
		t.Errorf("%q, %v", got, err)
	}
	b, _ = hex.DecodeString("062f007b8a4a06286d6164652d6f6e6365227d")
	if got, err := Unpack(b); err != nil || string(got) != `{"schema":"rollcall.report/1","id":"made-once"}` {
		t.Errorf("by S2: %q, %v", got, err)
	}
}

func TestHostileEvidence(t *testing.T) {
	p := NewPacker()
	bomb := p.Pack(make([]byte, inventory.MaxReportBytes+1))
	claim := append([]byte{withWords}, binary.AppendUvarint(nil, 1<<31)...) // of two gigabytes
	for name, b := range map[string][]byte{"cut": p.Pack([]byte(strings.Repeat("far from it ", 9) + string(words)))[:24], "a mark alone": {withWords}, "nothing": nil, "noise": {withWords, 0xff, 0xff}, "a bomb": bomb,
		"a claim": claim, "a deflated mark alone": {deflated}, "deflated noise": {deflated, 0xff, 0xff}} {
		if got, err := p.Unpack(b); err == nil {
			t.Errorf("%s: %d bytes", name, len(got))
		}
	}
	if _, err := p.Unpack(p.Pack(words)); err != nil {
		t.Errorf("after that: %v", err)
	}
}

// FuzzPack: whatever was packed comes back.
func FuzzPack(f *testing.F) {
	for _, b := range texts() {
		f.Add(b[:min(len(b), 5000)])
	}
	p := NewPacker()
	f.Fuzz(func(t *testing.T, b []byte) {
		if len(b) > inventory.MaxReportBytes {
			return
		}
		if got, err := p.Unpack(p.Pack(b)); err != nil || !bytes.Equal(got, b) {
			t.Errorf("%q came back as %q, %v", b, got, err)
		}
		_, _ = p.Unpack(b)
	})
}

func BenchmarkPack(b *testing.B) {
	r := &inventory.Report{ID: "0123456789abcdef0123456789abcdef", Gateway: inventory.Gateway{ID: "gw-0000017", Hostname: "crane-17"}, Modules: []inventory.Module{{ID: "usb:1-1.2",
		State: inventory.StateIdentified, Device: &inventory.Device{Bus: "usb", VID: "1234", PID: "5678", Path: "1-1.2"},
		Transcript: []inventory.Exchange{{Cmd: "ATI", Lines: []string{"Example", "EX25", "Revision: EX25EFAR06A08M4G"}, Final: "OK", Millis: 14}, {Cmd: "AT+CGSN", Lines: []string{"867012040000178"}, Final: "OK", Millis: 9}}}}}
	body, err := r.Encode()
	if err != nil {
		b.Fatal(err)
	}
	p := NewPacker()
	packed := p.Pack(body)
	b.Run("Pack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			p.Pack(body)
		}
		b.ReportMetric(float64(len(packed))/float64(len(body)), "of-size")
	})
	b.Run("Unpack", func(b *testing.B) {
		b.ReportAllocs()
		for b.Loop() {
			if _, err := p.Unpack(packed); err != nil {
				b.Fatal(err)
			}
		}
	})
}
