package collector

import (
	"path/filepath"
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/inventory"
)

// reportFirst gives every order of envelopes that begins with a report: of a gateway that is not
// known yet, a heartbeat is a question and no more.
func reportFirst(es []*inventory.Envelope) [][]int {
	return slices.DeleteFunc(permutations(len(es)), func(p []int) bool { return es[p[0]].Kind != inventory.KindReport })
}

// sameHowever takes the envelopes in each of the orders, cut into batches in each of the ways, and
// wants the same table each time.
func sameHowever(t *testing.T, es []*inventory.Envelope, orders [][]int, cuts []int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s := openStoreAt(t, path)
	b := newJudge(t, s)
	var want *table
	for _, p := range orders {
		for _, cut := range cuts {
			b.wipe(path)
			var batch []*inventory.Envelope
			for i, n := range p {
				batch = append(batch, es[n])
				if cut>>i&1 == 1 || i == len(p)-1 {
					b.take(batch...)
					batch = nil
				}
			}
			got := dump(t, s)
			if want == nil {
				if want = &got; len(got.Findings) == 0 {
					t.Fatal("nothing is found: there is too little to compare")
				}
			}
			if d := cmp.Diff(*want, got, cmpopts.EquateEmpty()); d != "" {
				t.Fatalf("order %v, cut %b, gives another table (-first +got):\n%s", p, cut, d)
			}
		}
	}
}

// A gateway's clock and health are those of its last word, report or heartbeat, however they come.
func TestLastWordHowever(t *testing.T) {
	g := collectortest.NewGateway("gw-1")
	warn := func(text string) []inventory.Warning {
		return []inventory.Warning{{Code: "disk-full", Severity: inventory.SeverityWarning, Text: text, Since: collectortest.Start}}
	}
	report := func(health []inventory.Warning, synced bool) *inventory.Envelope {
		r, err := inventory.DecodeReport(g.Report(t, oneModule()).Body)
		must(t, err)
		r.Health, r.ClockSynced = health, synced
		e, err := inventory.SealReport(r, g.Key)
		must(t, err)
		return e
	}
	beat := func(health []inventory.Warning, synced bool) *inventory.Envelope {
		h, err := inventory.DecodeHeartbeat(g.Heartbeat(t, "").Body)
		must(t, err)
		h.Health, h.ClockSynced = health, synced
		e, err := inventory.SealHeartbeat(h, g.Key)
		must(t, err)
		return e
	}
	for name, es := range map[string][]*inventory.Envelope{
		"a heartbeat is the last": {report(nil, true), beat(warn("a"), false), report(warn("b"), true), beat(warn("c"), false)},
		"a report is the last":    {report(nil, false), beat(warn("d"), true), beat(warn("e"), true), report(warn("f"), false)},
	} {
		t.Run(name, func(t *testing.T) { sameHowever(t, es, reportFirst(es), []int{0, 1, 2, 3, 4, 5, 6, 7}) })
	}
	late := []*inventory.Envelope{report(nil, true), beat(warn("g"), false)}
	t.Run("a heartbeat comes before the first report", func(t *testing.T) { sameHowever(t, late, [][]int{{1, 0}}, []int{0, 1}) })
}

// Where only a gateway's labels change, what rules find of its modules by them follows from the
// reports alone too, and since when.
func TestLabelsHowever(t *testing.T) {
	g := collectortest.NewGateway("gw-1")
	var es []*inventory.Envelope
	for _, site := range []string{"north", "south", "north", "north"} {
		g.Labels = map[string]string{"site": site}
		es = append(es, g.Report(t, collectortest.Module("usb:1-2", "Gamma", "IT/US", "G910", "G1", "351712040000002")))
	}
	sameHowever(t, es, reportFirst(es), []int{0, 2, 7})
}
