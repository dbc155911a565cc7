package collector

import (
	"errors"
	"fmt"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/internal/batchverify"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// A forged message in a batch is found, it alone, and it is told apart from its neighbours
// whatever they are.
func TestForgedAmongMany(t *testing.T) {
	const n = signedAtOnce + 44 // more than are verified at once
	var ms []message
	for i := range n {
		g := collectortest.NewGateway(fmt.Sprintf("gw-%03d", i))
		e := g.Report(t, oneModule())
		if i%7 == 3 {
			e = g.Heartbeat(t, "d")
		}
		m := collectortest.Msg(e)
		ms = append(ms, message{subject: m.Subject, header: m.Header, body: m.Data, sequence: uint64(i)})
	}
	forge := map[int]func(*message){
		5:   func(m *message) { m.body = append(m.body[:len(m.body)-1:len(m.body)-1], ' ', '}') },
		40:  func(m *message) { m.header.Set(natslink.HeaderKey, ms[41].header.Get(natslink.HeaderKey)) },
		41:  func(m *message) { m.header.Set(natslink.HeaderSignature, ms[42].header.Get(natslink.HeaderSignature)) },
		100: func(m *message) { m.header.Del(natslink.HeaderSignature) },
		101: func(m *message) { m.header.Set(natslink.HeaderKey, "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA") },
		102: func(m *message) { m.header.Set(natslink.HeaderKey, "?") },
		299: func(m *message) { m.subject = natslink.Subject(inventory.KindReport, "gw-298") }, // signed, but not by gw-298
	}
	want := map[int]Reason{5: BadSignature, 40: BadSignature, 41: BadSignature, 100: Unsigned, 101: BadSignature, 102: Unsigned, 299: WrongSubject}
	for i, f := range forge {
		f(&ms[i])
	}
	for i, it := range prepareAll(ms, new(batchverify.Keys)) {
		one := prepare(ms[i])
		if it.outcome.Reason != want[i] || one.outcome.Reason != want[i] {
			t.Errorf("message %d: %q among others, %q alone, want %q", i, it.outcome.Reason, one.outcome.Reason, want[i])
		}
		if believed := it.report != nil || it.beat != nil; believed != (want[i] == "") || it.sequence != uint64(i) {
			t.Errorf("message %d: believed: %v, as message %d", i, believed, it.sequence)
		}
		if want[i] == BadSignature && !errors.Is(it.outcome.Err, inventory.ErrSignature) {
			t.Errorf("message %d: %v", i, it.outcome.Err)
		}
	}
}
