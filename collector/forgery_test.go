package collector

import (
	"bytes"
	"crypto/ed25519"
	"encoding/base64"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/judge"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

func oneModule() inventory.Module {
	return collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", "867012040000009")
}

// forgeries are messages that must not be believed, beside the fleet of gw-1 (pinned),
// gw-2 (pinned, then revoked).
func forgeries(t *testing.T, b *bench) map[Reason][]message {
	g1, g2 := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2")
	g1.Order.Seq, g2.Order.Seq = 10, 10
	report := func(g *collectortest.Gateway) message { return b.message(g.Report(t, oneModule())) }
	change := func(m message, f func(*message)) message { f(&m); return m }
	stranger := collectortest.NewGateway("gw-1")
	stranger.Key = collectortest.NewGateway("somebody").Key
	beat := b.message(g1.Heartbeat(t, "digest"))
	raw := func(kind inventory.Kind, body string) message {
		e := &inventory.Envelope{Kind: kind, ID: "x", Gateway: "gw-1", Body: []byte(body), Key: g1.Key.Public().(ed25519.PublicKey)}
		e.Signature = ed25519.Sign(g1.Key, append([]byte("rollcall "+string(kind)+" v1\x00"), body...))
		return b.message(e)
	}
	return map[Reason][]message{
		Unsigned: {
			change(report(g1), func(m *message) { m.header.Del(natslink.HeaderSignature) }),
			change(report(g1), func(m *message) { m.header.Del(natslink.HeaderKey) }),
			change(report(g1), func(m *message) { m.header.Set(natslink.HeaderKey, "AAAA") }),
			change(report(g1), func(m *message) { m.header.Set(natslink.HeaderSignature, "not base64!") }),
			change(report(g1), func(m *message) { m.subject = "rollcall.v1.report" }),
			{subject: "rollcall.v1.report.gw-1", body: []byte("{}")},
		},
		BadSignature: {
			change(report(g1), func(m *message) { m.body = bytes.Replace(m.body, []byte("A25"), []byte("A26"), 1) }),
			change(report(g1), func(m *message) {
				m.header.Set(natslink.HeaderSignature, base64.RawURLEncoding.EncodeToString(make([]byte, 64)))
			}),
			// Signed for another purpose with the right key.
			change(beat, func(m *message) { m.subject = "rollcall.v1.report.gw-1" }),
		},
		UnknownKey:   {report(stranger), b.message(stranger.Heartbeat(t, "digest"))},
		RevokedKey:   {report(g2), b.message(g2.Heartbeat(t, "digest"))},
		WrongSubject: {change(report(g1), func(m *message) { m.subject = "rollcall.v1.report.gw-3" })},
		BadSchema:    {raw("report", `{"schema":"rollcall.report/2","id":"a","gateway":{"id":"gw-1"},"boot":1,"seq":99,"modules":[]}`), raw("report", `{}`)},
		Malformed: {
			raw("report", `{"schema":"rollcall.report/1"`),
			raw("report", `{"schema":"rollcall.report/1","gateway":{"id":"gw-1"},"boot":1,"seq":99,"modules":[]}`),
			raw("report", `{"schema":"rollcall.report/1","id":"a","gateway":{"id":"gw-1"},"boot":1,"modules":[]}`),
			raw("report", `{"schema":"rollcall.report/1","id":"a","gateway":{"id":"gw-1"},"boot":18446744073709551615,"seq":1,"modules":[]}`),
			raw("report", `{"schema":"rollcall.report/1","id":"a","gateway":{"id":"gw-1"},"boot":1,"seq":99,"modules":[{"id":"u"},{"id":"u"}]}`),
			raw("report", `{"schema":"rollcall.report/1","id":"a","gateway":{"id":"gw-1"},"boot":1,"seq":99,"modules":[{"id":""}]}`),
			raw("report", `{"schema":"rollcall.report/1","id":"a","gateway":{"id":"gw-1"},"boot":1,"seq":99,"modules":[{"id":"`+strings.Repeat("u", longestID+1)+`"}]}`),
			raw("report", strings.Repeat("[", 10_000)),
			raw("heartbeat", `{"schema":"rollcall.heartbeat/1","gateway":"gw-1","boot":1,"seq":99}`),
		},
		TooLarge: {raw("report", strings.Repeat(" ", inventory.MaxReportBytes+1))},
	}
}

// What is not signed by the right key for the right subject changes no row, and is kept and
// counted with its reason.
func TestE03Forgery(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	g2 := collectortest.NewGateway("gw-2")
	b.wantOutcome("honest", b.take(collectortest.NewGateway("gw-1").Report(t, oneModule()), g2.Report(t, oneModule())), New, New)
	must(t, s.PutKey(t.Context(), store.Key{Gateway: "gw-2", Key: inventory.EncodeKey(g2.Key.Public().(ed25519.PublicKey)), State: store.KeyRevoked, First: collectortest.Start}))
	want := dump(t, s)
	for reason, ms := range forgeries(t, b) {
		for i, m := range ms {
			before := dump(t, s)
			got := b.takeMessages(m)[0]
			if got.Verdict != Rejected || got.Reason != reason || got.Err == nil {
				t.Errorf("%s %d: %v", reason, i, got)
			}
			it := &item{message: m, outcome: got}
			b.metrics.outcome(it)
			after := dump(t, s)
			if after.Figures.Rejected != before.Figures.Rejected+1 {
				t.Errorf("%s %d: kept %d rejected messages, want one more than %d", reason, i, after.Figures.Rejected, before.Figures.Rejected)
			}
			last, err := s.Rejected(t.Context(), store.Page{Limit: 1})
			must(t, err)
			if r := last.Items[0]; r.Reason != string(reason) || r.Text == "" || r.Size != len(m.body) {
				t.Errorf("%s %d: kept as %+v", reason, i, r)
			}
		}
		if want := fmt.Sprintf("rollcall_rejected_total{reason=%q} %d\n", reason, len(ms)); !strings.Contains(b.scrape(), want) {
			t.Errorf("%s is not counted as %s", reason, want)
		}
	}
	got := dump(t, s)
	// A person is told that a strange key claims gw-1, once; nothing else may differ.
	if len(got.Events) != len(want.Events)+1 {
		t.Errorf("events are %v", kinds(got.Events))
	}
	want.Events, got.Events = nil, nil
	want.Figures.Rejected, got.Figures.Rejected = 0, 0
	if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
		t.Errorf("forgeries changed the table (-before +after):\n%s", d)
	}
}

// With keys known only, nobody becomes a gateway by being the first to say so.
func TestE03KnownKeysOnly(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	known, enrolled, stranger := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2"), collectortest.NewGateway("gw-3")
	b.keys.policy = KeyPolicy{KnownOnly: true, Known: map[string][]ed25519.PublicKey{"gw-1": {known.Key.Public().(ed25519.PublicKey)}}}
	must(t, s.PutKey(t.Context(), store.Key{Gateway: "gw-2", Key: inventory.EncodeKey(enrolled.Key.Public().(ed25519.PublicKey)), State: store.KeyEnrolled, First: collectortest.Start}))
	got := b.take(known.Report(t, oneModule()), enrolled.Report(t, oneModule()), stranger.Report(t, oneModule()), stranger.Heartbeat(t, "d"))
	b.wantOutcome("known, enrolled, stranger", got, New, New, Rejected, Rejected)
	if f := dump(t, s).Figures; f.Gateways != 2 {
		t.Errorf("%d gateways, want 2", f.Gateways)
	}
}

// A replay of all that was ever sent changes nothing.
func TestE04Replay(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	es := six(t)
	for _, e := range es {
		b.take(e)
	}
	want := dump(t, s)
	for _, e := range es {
		b.wantOutcome("replay", b.take(e), Same)
	}
	all := b.take(es...)
	b.wantOutcome("replay at once", all, Same, Same, Same, Same, Same, Same)
	if d := cmp.Diff(want, dump(t, s), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("a replay changed the table:\n%s", d)
	}
}

// An old heartbeat does not make a dead gateway look alive.
func TestE04ReplayedHeartbeat(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	g := collectortest.NewGateway("gw-1")
	r := g.Report(t, oneModule())
	d := collectortest.Digest(t, r)
	h1, h2 := g.Heartbeat(t, d), g.Heartbeat(t, d)
	b.wantOutcome("in order", b.take(r, h1, h2), New, New, New)
	want := dump(t, s)
	replay := b.message(h1)
	replay.received = replay.received.AddDate(0, 0, 1)
	again := b.message(h2)
	again.received = replay.received
	b.wantOutcome("replayed", b.takeMessages(replay, again), Older, Same)
	if d := cmp.Diff(want, dump(t, s), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("replayed heartbeats changed the table:\n%s", d)
	}
}

// A counter that went back (a restored backup, a cloned disk) is shown to a person, and both
// reports are kept.
func TestE05CounterGoesBack(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	g := collectortest.NewGateway("gw-1")
	b.take(g.Report(t, oneModule()))
	clone := *g
	b.take(g.Report(t, oneModule()), g.Report(t, oneModule()))
	other := collectortest.Module("usb:1-1", "Beta", "CN/CN", "B650", "B1", "862104050000002")
	twin := clone.Report(t, other)
	twin = reseal(t, &clone, twin, "another-id")
	b.wantOutcome("the twin", b.take(twin), Conflict)
	got := dump(t, s)
	if len(got.Reports) != 4 {
		t.Errorf("%d reports kept, want 4", len(got.Reports))
	}
	if got.Gateways[0].Conflict == "" || got.Figures.Conflicts != 1 {
		t.Errorf("the gateway does not show the conflict: %+v", got.Gateways[0])
	}
	told := 0
	for _, e := range got.Events {
		if e.Kind == store.GatewayConflict {
			told++
		}
	}
	if told != 1 {
		t.Errorf("events are %v, want one conflict", kinds(got.Events))
	}
	if m := got.Modules[0]; m.Identity.Model != "A25" || len(got.Modules) != 1 {
		t.Errorf("the newest report does not count alone: %+v", got.Modules)
	}
	if _, err := s.Evidence(t.Context(), "gw-1", collectortest.Digest(t, twin)); err != nil {
		t.Errorf("what the twin said is not kept: %v", err)
	}
	b.wantOutcome("the twin again", b.take(twin), Same)
	if d := cmp.Diff(got, dump(t, s), cmpopts.EquateEmpty()); d != "" {
		t.Errorf("the twin again changed the table:\n%s", d)
	}
}

// reseal gives a report another id.
func reseal(t *testing.T, g *collectortest.Gateway, e *inventory.Envelope, id string) *inventory.Envelope {
	t.Helper()
	r, err := inventory.DecodeReport(e.Body)
	must(t, err)
	r.ID = id
	e, err = inventory.SealReport(r, g.Key)
	must(t, err)
	return e
}

// Two gateways with one key are two gateways, and a person is told.
func TestF10OneKeyTwoGateways(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	g, clone := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2")
	clone.Key = g.Key
	b.wantOutcome("both", append(b.take(g.Report(t, oneModule())), b.take(clone.Report(t, oneModule()))...), New, New)
	got := dump(t, s)
	if len(got.Gateways) != 2 || got.Gateways[0].Conflict != "" || !strings.Contains(got.Gateways[1].Conflict, "gw-1") {
		t.Errorf("conflicts are %q and %q", got.Gateways[0].Conflict, got.Gateways[1].Conflict)
	}
}

// FuzzPrepare: whatever arrives is either believed as it was signed, or rejected with a
// reason; it never ends the collector.
func FuzzPrepare(f *testing.F) {
	g := collectortest.NewGateway("gw-1")
	for _, e := range []*inventory.Envelope{g.Report(f, oneModule()), g.Heartbeat(f, "d")} {
		m := collectortest.Msg(e)
		f.Add(m.Subject, m.Header.Get(natslink.HeaderKey), m.Header.Get(natslink.HeaderSignature), m.Data, false)
		f.Add(m.Subject, "", "", m.Data, true)
	}
	f.Add("rollcall.v1.report.gw-1", "", "", []byte(`{"schema":"rollcall.report/1","id":"a","gateway":{"id":"gw-1"},"boot":1,"seq":1,"modules":[{"id":"\u0000"}]}`), true)
	f.Fuzz(func(t *testing.T, subject, key, signature string, body []byte, sign bool) {
		e := &inventory.Envelope{Kind: inventory.KindReport, Gateway: "gw-1", Body: body, Key: g.Key.Public().(ed25519.PublicKey)}
		m := message{subject: subject, body: body, header: map[string][]string{natslink.HeaderKey: {key}, natslink.HeaderSignature: {signature}}}
		if sign { // past the signature, to where bytes are decoded
			e.Signature = ed25519.Sign(g.Key, append([]byte("rollcall report v1\x00"), body...))
			msg := collectortest.Msg(e)
			m.subject, m.header = msg.Subject, msg.Header
		}
		it := prepare(m)
		switch {
		case it.outcome.Verdict == Rejected:
			if it.outcome.Reason == "" || it.outcome.Err == nil || it.report != nil || it.beat != nil {
				t.Fatalf("rejected as %+v", it)
			}
			if it.outcome.Reason == Poison {
				t.Fatal(it.outcome)
			}
		case it.report == nil && it.beat == nil:
			t.Fatal("neither believed nor rejected")
		case it.report != nil:
			it.report.judge(judge.NewKnown(&collectortest.Base{Data: "fuzz"}, nil))
			_, _ = first(it.report)
			_ = it.report.gateway("fuzz")
		}
	})
}
