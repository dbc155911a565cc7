package collector

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// A gateway that signs with one wrong key after the other is told of a few times, and what others
// claim is told of all the same.
func TestManyWrongKeysOfOneGateway(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	one, two := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2")
	b.take(one.Report(t, oneModule()), two.Report(t, oneModule()))
	wrong := func(g *collectortest.Gateway, n int) *inventory.Envelope {
		seed := sha256.Sum256(fmt.Appendf(nil, "wrong %s %d", g.ID, n))
		g.Key = ed25519.NewKeyFromSeed(seed[:])
		return g.Report(t, oneModule())
	}
	var flood []*inventory.Envelope
	for n := range maxTold + 10 {
		flood = append(flood, wrong(one, n))
		if len(flood) == 100 || n == maxTold+9 {
			b.take(flood...)
			flood = nil
		}
	}
	b.take(wrong(two, 0))
	count := map[string]int{}
	l, err := s.Events(t.Context(), store.EventFilter{Kind: []store.EventKind{store.KeyConflict}}, store.Page{Limit: 1000})
	must(t, err)
	for _, e := range l.Items {
		count[e.Gateway]++
	}
	if count["gw-1"] != toldOfOne || count["gw-2"] != 1 {
		t.Errorf("events of wrong keys: %v, want %d of gw-1 and one of gw-2", count, toldOfOne)
	}
}
