package collector

import (
	"bytes"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// D16: bits of the broker's store are flipped, or its end is missing, while it is not there. No row is ever wrong, and
// what is missing is there with the next full picture.
func TestD16(t *testing.T) {
	const fleet = 40
	srv := natslinktest.Start(t, natslinktest.Settings{StoreDir: t.TempDir()})
	whole := t.TempDir()
	natslinktest.MakeStream(t, srv.JetStream(natslinktest.User{}), 0)
	gs, reports := madeFleet(t, fleet)
	publish(t, srv.JetStream(natslinktest.User{}), reports...)
	want := openStore(t)
	direct(t, want, srv, nil)
	truth := fitted(t, want)
	dir := srv.StoreDir()
	srv.Stop()
	must(t, os.CopyFS(whole, os.DirFS(dir)))
	dice := rand.New(rand.NewPCG(16, 16))
	missing := 0
	for round := range 6 {
		broken := t.TempDir()
		must(t, os.CopyFS(broken, os.DirFS(whole)))
		damage(t, broken, dice, round == 0)
		srv.UseStore(broken)
		js := srv.JetStream(natslinktest.User{})
		s := openStore(t)
		r := start(t, srv, s)
		natslinktest.Eventually(t, "the collector is ready", func() bool { return r.ready(t.Context()) == nil })
		idle(t, srv, s)
		got := fitted(t, s)
		missing += fleet - len(got)
		for key, is := range got {
			if d := cmp.Diff(truth[key], is); d != "" {
				t.Errorf("round %d: %v is wrong (-true +shown):\n%s", round, key, d)
			}
		}
		for i, g := range gs { // as agents do of which a heartbeat names findings that are not known
			publish(t, js, g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei(i))))
		}
		wantGateways(t, s, fleet)
		idle(t, srv, s)
		if d := cmp.Diff(truth, fitted(t, s)); d != "" {
			t.Errorf("round %d is not healed (-true +shown):\n%s", round, d)
		}
		must(t, r.stop())
		srv.Stop()
	}
	t.Logf("%d of %d reports were lost to the damage", missing, 6*fleet)
	if missing == 0 {
		t.Error("no report was damaged: this test tests nothing")
	}
}

// D16, where the broker itself does not notice.
func TestD16Unnoticed(t *testing.T) {
	b := newBench(t, openStore(t), nil)
	e := collectortest.NewGateway("gw-1").Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei(1)))
	good := bytes.Clone(e.Body)
	for bit := 0; bit < 8*len(good); bit += 37 {
		e.Body = bytes.Clone(good)
		e.Body[bit/8] ^= 1 << (bit % 8)
		if got := b.take(e); got[0].Verdict == New {
			t.Fatalf("with bit %d flipped it was taken", bit)
		}
	}
	if n := len(dump(t, b.s.Store).Modules); n != 0 {
		t.Errorf("%d rows came of damaged reports", n)
	}
}

// fitted is what the table says of each module.
func fitted(t testing.TB, s store.Store) map[store.ModuleKey]inventory.Identity {
	t.Helper()
	all := map[store.ModuleKey]inventory.Identity{}
	for _, m := range dump(t, s).Modules {
		all[m.ModuleKey] = m.Identity
	}
	return all
}

// damage flips bits in the blocks of the stream, or cuts the last one off.
func damage(t testing.TB, dir string, dice *rand.Rand, cut bool) {
	t.Helper()
	blocks, err := filepath.Glob(filepath.Join(dir, "jetstream", "*", "streams", natslink.Stream, "msgs", "*.blk"))
	if err != nil || len(blocks) == 0 {
		t.Fatalf("found no block of the stream: %v", err)
	}
	for _, name := range blocks {
		b, err := os.ReadFile(name)
		must(t, err)
		if cut {
			b = b[:len(b)*2/3]
		} else {
			for range 3 {
				b[dice.IntN(len(b))] ^= 1 << dice.IntN(8)
			}
		}
		must(t, os.WriteFile(name, b, 0o600))
	}
}
