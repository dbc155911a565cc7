package inventory_test

import (
	"crypto/ed25519"
	"flag"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/inventory"
)

var update = flag.Bool("update", false, "write the golden files anew")

// key signs the golden envelopes: the seed is 32 times 'k'.
func key() ed25519.PrivateKey {
	seed := make([]byte, ed25519.SeedSize)
	for i := range seed {
		seed[i] = 'k'
	}
	return ed25519.NewKeyFromSeed(seed)
}

func goldenReport() *inventory.Report {
	return &inventory.Report{
		ID: "000102030405060708090a0b0c0d0e0f",
		Gateway: inventory.Gateway{ID: "gw-7", Hostname: "crane7", Labels: map[string]string{"site": "hamburg", "line": "b"},
			Agent: "rollcall-agent/0.1.0", OS: "linux", Arch: "arm64"},
		Order: inventory.Order{Boot: 1795340000, Seq: 3},
		Time:  time.Date(2026, 11, 22, 12, 0, 0, 500_000_000, time.UTC), ClockSynced: true,
		Reason:  inventory.ReasonChange,
		Modules: []inventory.Module{goldenModule(), heldModule()},
		Health: []inventory.Warning{{Code: "port-held", Severity: inventory.SeverityWarning,
			Text: "/dev/ttyUSB3 is held by ModemManager", Since: time.Date(2026, 11, 22, 11, 0, 0, 0, time.UTC)}},
	}
}

func goldenModule() inventory.Module {
	return inventory.Module{
		ID: "usb:1-1.2", State: inventory.StateIdentified, Confidence: 0.99, Data: "2026-11-22+00c0ffee",
		Identity: inventory.Identity{Maker: "example-maker", MakerName: "Example Maker <&> Söhne", Model: "EX25-E", Variant: "E",
			Firmware: "EX25EFAR06A08M4G", IMEI: "867012040000009", Technology: "LTE Cat 4"},
		Origin: inventory.Origin{Country: "DE", ParentCountry: "DE"},
		Evidence: []inventory.Evidence{{Claim: "model", Value: "EX25-E", Source: "at:AT+CGMR",
			Quote: "EX25EFAR06A08M4G", Rule: "example/ex25-firmware"}},
		Conflicts: []inventory.Conflict{{Claim: "maker", Values: []string{"a", "b"}, Why: "the port and the descriptor disagree"}},
		Parts:     []inventory.Part{{Name: "bootloader", Value: "1.0"}},
		Ports: []inventory.Port{{Path: "/dev/ttyUSB2", Role: inventory.RoleAT, State: inventory.StateIdentified},
			{Path: "/dev/ttyUSB0", Role: inventory.RoleDiag, Reason: "diagnostic port"}},
		Device: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2", Driver: "option"},
		Transcript: []inventory.Exchange{{Cmd: "AT", Final: "OK", Millis: 3},
			{Cmd: "AT+CGMR", Lines: []string{"EX25EFAR06A08M4G", "\x1b[2J\u202e"}, Final: "OK", Millis: 12, Raw: []byte{0, 0xff, '\r'}}},
		Banner: []string{"RDY"},
	}
}

func heldModule() inventory.Module {
	return inventory.Module{ID: "usb:1-1.3", State: inventory.StateHeld, Reason: "ModemManager (pid 812) holds the port",
		Ports:  []inventory.Port{{Path: "/dev/ttyUSB3", Role: inventory.RoleAT, State: inventory.StateHeld, Holder: "ModemManager (pid 812)"}},
		Device: &inventory.Device{Bus: "usb", VID: "1bc7", PID: "1201", Path: "1-1.3", Driver: "option"}}
}

func goldenHeartbeat() *inventory.Heartbeat {
	return &inventory.Heartbeat{ID: "101112131415161718191a1b1c1d1e1f", Gateway: "gw-7", Order: inventory.Order{Boot: 1795340000, Seq: 4},
		Time: time.Date(2026, 11, 22, 13, 0, 0, 0, time.UTC), ClockSynced: true,
		Digest: "a3f5b1d2a3f5b1d2a3f5b1d2a3f5b1d2a3f5b1d2a3f5b1d2a3f5b1d2a3f5b1d2"}
}

// golden compares got with the file, or writes it with -update.
func golden(t *testing.T, name string, got []byte) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, got, 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(want), string(got)); d != "" {
		t.Errorf("%s: the bytes that gateways sign changed (-want +got):\n%s", name, d)
	}
}

func TestGoldenBytes(t *testing.T) {
	r, err := goldenReport().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "report.json", r)
	h, err := goldenHeartbeat().Encode()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "heartbeat.json", h)
	digest, err := goldenReport().Digest()
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "digest.txt", []byte(digest))
}

func TestGoldenSignature(t *testing.T) {
	e, err := inventory.SealReport(goldenReport(), key())
	if err != nil {
		t.Fatal(err)
	}
	golden(t, "signature.txt", []byte(inventory.EncodeKey(e.Key)+"\n"+inventory.EncodeKey(e.Signature)+"\n"))
}

func TestDecodeGivesBackWhatWasEncoded(t *testing.T) {
	b, err := goldenReport().Encode()
	if err != nil {
		t.Fatal(err)
	}
	r, err := inventory.DecodeReport(b)
	if err != nil {
		t.Fatal(err)
	}
	again, err := r.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(string(b), string(again)); d != "" {
		t.Errorf("decoding and encoding changed the bytes (-first +again):\n%s", d)
	}
}

func TestEncodeLeavesTheValueAlone(t *testing.T) {
	r := goldenReport()
	if _, err := r.Encode(); err != nil {
		t.Fatal(err)
	}
	if _, err := r.Digest(); err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(goldenReport(), r); d != "" {
		t.Errorf("Encode or Digest changed its argument:\n%s", d)
	}
}

func TestNilAndEmptyEncodeTheSame(t *testing.T) {
	a, b := goldenReport(), goldenReport()
	a.Modules[1].Evidence, b.Modules[1].Evidence = nil, []inventory.Evidence{}
	a.Gateway.Labels, b.Gateway.Labels = nil, map[string]string{}
	x, err := a.Encode()
	if err != nil {
		t.Fatal(err)
	}
	y, err := b.Encode()
	if err != nil {
		t.Fatal(err)
	}
	if string(x) != string(y) {
		t.Errorf("nil and empty lists encode differently:\n%s\n%s", x, y)
	}
}

func TestDigest(t *testing.T) {
	base, err := goldenReport().Digest()
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		change func(*inventory.Report)
		same   bool
	}{
		"time":           {func(r *inventory.Report) { r.Time = r.Time.Add(time.Hour) }, true},
		"order":          {func(r *inventory.Report) { r.Boot, r.Seq = 9, 9 }, true},
		"id":             {func(r *inventory.Report) { r.ID = inventory.NewID() }, true},
		"reason":         {func(r *inventory.Report) { r.Reason = inventory.ReasonInterval }, true},
		"answer time":    {func(r *inventory.Report) { r.Modules[0].Transcript[1].Millis = 99 }, true},
		"banner":         {func(r *inventory.Report) { r.Modules[0].Banner = []string{"+CREG: 1"} }, true},
		"firmware":       {func(r *inventory.Report) { r.Modules[0].Identity.Firmware = "EX25EFAR06A09M4G" }, false},
		"an answer":      {func(r *inventory.Report) { r.Modules[0].Transcript[1].Lines[0] = "other" }, false},
		"a module less":  {func(r *inventory.Report) { r.Modules = r.Modules[:1] }, false},
		"a port's state": {func(r *inventory.Report) { r.Modules[1].Ports[0].State = inventory.StateDenied }, false},
		"a label":        {func(r *inventory.Report) { r.Gateway.Labels["site"] = "bremen" }, false},
	} {
		t.Run(name, func(t *testing.T) {
			r := goldenReport()
			c.change(r)
			got, err := r.Digest()
			if err != nil {
				t.Fatal(err)
			}
			if (got == base) != c.same {
				t.Errorf("digest is the same: %v, want %v", got == base, c.same)
			}
		})
	}
}

func TestOrder(t *testing.T) {
	o := func(boot, seq uint64) inventory.Order { return inventory.Order{Boot: boot, Seq: seq} }
	for _, c := range []struct {
		a, b inventory.Order
		want bool
	}{{o(1, 1), o(1, 2), true}, {o(1, 9), o(2, 1), true}, {o(2, 1), o(1, 9), false}, {o(1, 1), o(1, 1), false}} {
		if got := c.a.Before(c.b); got != c.want {
			t.Errorf("%v before %v: %v", c.a, c.b, got)
		}
	}
}

func TestWarningsAreNoFindings(t *testing.T) {
	r := goldenReport()
	base, _ := r.Digest()
	r.Health = nil
	got, _ := r.Digest()
	if got != base {
		t.Error("a health warning changed the digest of the findings")
	}
}
