package storetest

import (
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Forgetting leaves the newest report of each gateway, the last one before the time, and what
// came after it, with the evidence of these; events go by their age.
func pruneHistory(t *testing.T, s store.Store) {
	var b store.Batch
	var ids []string
	for _, id := range []string{"gw-1", "gw-2"} {
		g := Gateway(id, 0)
		g.Digest = "d4"
		ids, b.Gateways = append(ids, id), append(b.Gateways, g)
		for i := range 5 {
			at := Start.Add(time.Duration(i) * time.Hour)
			if id == "gw-2" {
				at = at.Add(-1000 * time.Hour) // wholly past
			}
			digest := fmt.Sprint("d", i)
			b.Reports = append(b.Reports, store.Report{Gateway: id, ID: fmt.Sprint("r", i), Order: inventory.Order{Boot: 1, Seq: uint64(i)}, Received: at, Digest: digest})
			b.Evidence = append(b.Evidence, store.Evidence{Gateway: id, Digest: digest, Report: "r", Body: []byte(digest), Key: "k"})
			b.Events = append(b.Events, store.Event{Kind: store.FirmwareChanged, Gateway: id, Module: "m", At: at, Report: fmt.Sprint("r", i), Order: inventory.Order{Boot: 1, Seq: uint64(i)}})
		}
	}
	put(t, s, ids, &b)
	before, err := s.HistoryBytes(t.Context())
	if err != nil || before < 10*700 {
		t.Fatalf("%d bytes, %v", before, err)
	}
	cut := store.Forget{Unchanged: Start, History: Start.Add(150 * time.Minute), Rejected: 10}
	if n, err := s.Prune(t.Context(), cut); err != nil || n == 0 {
		t.Fatalf("forgot %d, %v", n, err)
	}
	if n, err := s.Prune(t.Context(), cut); err != nil || n != 0 {
		t.Errorf("forgot %d more, %v", n, err)
	}
	for id, want := range map[string][]string{"gw-1": {"r4", "r3", "r2"}, "gw-2": {"r4"}} {
		l, err := s.Reports(t.Context(), id, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		var got []string
		for _, r := range l.Items {
			got = append(got, r.ID)
			if _, err := s.Evidence(t.Context(), id, r.Digest); err != nil {
				t.Errorf("%s %s: %v", id, r.ID, err)
			}
		}
		same(t, id, got, want)
		if _, err := s.Evidence(t.Context(), id, "d1"); err == nil {
			t.Errorf("%s: evidence of a forgotten report is there", id)
		}
	}
	l, err := s.Events(t.Context(), store.EventFilter{}, store.Page{})
	if err != nil || len(l.Items) != 2 {
		t.Errorf("events left: %+v, %v", l.Items, err)
	}
	if after, err := s.HistoryBytes(t.Context()); err != nil || after >= before/2 {
		t.Errorf("%d bytes of %d are left, %v", after, before, err)
	}
}

// Modules that report one IMEI are found, by it or in the whole fleet, and so are those that
// are marked and alone.
func doubles(t *testing.T, s store.Store) {
	const one, two, three = "867012040000009", "867012040000017", "867012040000025"
	var b store.Batch
	var ids []string
	for i, imei := range []string{one, one, two, three, ""} {
		m := Module(fmt.Sprint("gw-", i), "usb:1-1", "alpha", "CN", "A25", "R1", imei)
		m.Duplicate = imei == three
		ids = append(ids, m.Gateway)
		b.Gateways, b.Modules = append(b.Gateways, Gateway(m.Gateway, 1)), append(b.Modules, m)
	}
	put(t, s, ids, &b)
	pair := []store.Double{{ModuleKey: store.ModuleKey{Gateway: "gw-0", ID: "usb:1-1"}, IMEI: one}, {ModuleKey: store.ModuleKey{Gateway: "gw-1", ID: "usb:1-1"}, IMEI: one}}
	alone := store.Double{ModuleKey: store.ModuleKey{Gateway: "gw-3", ID: "usb:1-1"}, IMEI: three, Marked: true}
	for _, c := range []struct {
		ask  []string
		want []store.Double
	}{{nil, append(pair[:2:2], alone)}, {[]string{one, two}, pair}, {[]string{two}, nil}, {[]string{three}, []store.Double{alone}}} {
		got, err := s.Doubles(t.Context(), c.ask)
		if err != nil {
			t.Fatal(err)
		}
		same(t, fmt.Sprint(c.ask), got, c.want)
	}
}
