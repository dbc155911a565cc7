package collector

import (
	"encoding/json"
	"log/slog"
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// What one gateway says, however long, keeps no event of others from going out.
func TestLongWordsHoldNoEventUp(t *testing.T) {
	t.Parallel()
	s := openStore(t)
	b := newBench(t, s, nil)
	long := func(letter string) inventory.Module { // claimed, with nothing to judge it by; three bytes each become six
		m := inventory.Module{ID: "usb:1-1", State: inventory.StateIdentified}
		m.Identity.Maker, m.Identity.Firmware, m.Identity.Model = "alpha", strings.Repeat("\u200b", 50_000)+letter, strings.Repeat("\u200b", 50_000)
		return m
	}
	wide := inventory.Module{ID: strings.Repeat("\u200b", 150_000), State: inventory.StateIdentified}
	evil, good := collectortest.NewGateway("evil"), collectortest.NewGateway("good")
	b.take(evil.Report(t, long("a")), evil.Report(t, long("b")), evil.Report(t, wide), good.Report(t, oneModule()))
	js := natslinktest.Start(t, natslinktest.Settings{}).JetStream(natslinktest.User{})
	must(t, newOutbox(js, s, slog.New(slog.DiscardHandler)).flush(t.Context()))
	stored, err := s.EventsAfter(t.Context(), 0, 1000)
	must(t, err)
	stream, err := js.Stream(t.Context(), EventStream)
	must(t, err)
	if got := stream.CachedInfo().State.Msgs; got != uint64(len(stored)) {
		t.Fatalf("%d of %d events went out", got, len(stored))
	}
	for i := range stored {
		raw, err := stream.GetMsg(t.Context(), uint64(i+1))
		must(t, err)
		var m EventMessage
		must(t, json.Unmarshal(raw.Data, &m))
		want := store.Event{Kind: stored[i].Kind, Gateway: stored[i].Gateway, Order: stored[i].Order, Report: stored[i].Report}
		if m.Kind != want.Kind || m.Gateway != want.Gateway || m.Order != want.Order || m.Report != want.Report || m.ID != stored[i].Key() {
			t.Errorf("event %d is %.300s", i, raw.Data)
		}
	}
}
