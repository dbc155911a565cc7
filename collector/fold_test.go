package collector

import (
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// What each pair of reports is called.
func TestChanges(t *testing.T) {
	const imei1, imei2 = "867012040000009", "867012040000017"
	module := collectortest.Module
	base := module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei1)
	masked := module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", "")
	conflicted := module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei1)
	conflicted.Transcript = append(conflicted.Transcript, inventory.Exchange{Cmd: "AT+CONFLICT", Lines: []string{"beta"}, Final: "OK"})
	otherHeld := collectortest.Held("usb:1-1")
	otherHeld.Device.Manufacturer = "Beta"
	for _, c := range []struct {
		name  string
		from  []inventory.Module
		to    []inventory.Module
		kinds []store.EventKind
	}{
		{"nothing", []inventory.Module{base}, []inventory.Module{base}, nil},
		{"added", nil, []inventory.Module{base}, []store.EventKind{store.ModuleAdded}},
		{"removed", []inventory.Module{base}, nil, []store.EventKind{store.ModuleRemoved}},
		{"firmware", []inventory.Module{base}, []inventory.Module{module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei1)}, []store.EventKind{store.FirmwareChanged}},
		{"swapped for the same model", []inventory.Module{base}, []inventory.Module{module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", imei2)}, []store.EventKind{store.IMEIChanged}},
		{"the same model with another firmware", []inventory.Module{base}, []inventory.Module{module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei2)},
			[]store.EventKind{store.IMEIChanged, store.FirmwareChanged}},
		{"swapped for another", []inventory.Module{base}, []inventory.Module{module("usb:1-1", "Beta", "CN/CN", "B650", "B1", imei2)}, []store.EventKind{store.ModuleSwapped}},
		{"another model, IMEI not told", []inventory.Module{masked}, []inventory.Module{module("usb:1-1", "Alpha", "CN/CN", "A06", "Q1", "")}, []store.EventKind{store.ModelChanged}},
		{"another model, same IMEI", []inventory.Module{base}, []inventory.Module{module("usb:1-1", "Alpha", "CN/CN", "A06", "Q1", imei1)}, []store.EventKind{store.ModelChanged}},
		{"moved", []inventory.Module{base}, []inventory.Module{module("usb:1-4", "Alpha", "CN/CN", "A25", "R1", imei1)}, []store.EventKind{store.ModuleMoved}},
		{"moved and updated", []inventory.Module{base}, []inventory.Module{module("usb:1-4", "Alpha", "CN/CN", "A25", "R2", imei1)}, []store.EventKind{store.ModuleMoved, store.FirmwareChanged}},
		{"two of one IMEI, one goes", []inventory.Module{base, module("usb:1-2", "Alpha", "CN/CN", "A25", "R1", imei1)}, []inventory.Module{base}, []store.EventKind{store.ModuleRemoved}},
		{"another place without an IMEI", []inventory.Module{masked}, []inventory.Module{module("usb:1-4", "Alpha", "CN/CN", "A25", "R1", "")},
			[]store.EventKind{store.ModuleAdded, store.ModuleRemoved}},
		{"held", []inventory.Module{base}, []inventory.Module{collectortest.Held("usb:1-1")}, []store.EventKind{store.StateChanged}},
		{"another maker while held", []inventory.Module{base}, []inventory.Module{otherHeld}, []store.EventKind{store.ModelChanged, store.StateChanged}},
		{"firmware not told", []inventory.Module{base}, []inventory.Module{module("usb:1-1", "Alpha", "CN/CN", "A25", "", imei1)}, nil},
		{"evidence disagrees", []inventory.Module{base}, []inventory.Module{conflicted}, []store.EventKind{store.IdentityClash}},
		{"evidence agrees", []inventory.Module{conflicted}, []inventory.Module{base}, []store.EventKind{store.IdentityAgreed}},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench(t, openStore(t), nil)
			g := collectortest.NewGateway("gw-1")
			b.wantOutcome("reports", b.take(g.Report(t, c.from...), g.Report(t, c.to...)), New, New)
			got := kinds(dump(t, b.s.Store).Events)
			got = slices.DeleteFunc(got, func(k store.EventKind) bool { return k == store.GatewayNew })
			slices.Sort(got)
			want := slices.Sorted(slices.Values(c.kinds))
			if d := cmp.Diff(want, got, cmpopts.EquateEmpty()); d != "" {
				t.Errorf("events (-want +got):\n%s", d)
			}
		})
	}
}

// A change that happened while a port was held is found when it is free again, and what was
// known meanwhile is still shown.
func TestChangeBehindHeldPort(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	g := collectortest.NewGateway("gw-1")
	b.take(g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R1", "867012040000009")))
	b.take(g.Report(t, collectortest.Held("usb:1-1")))
	m := dump(t, s).Modules[0]
	if m.State != inventory.StateHeld || m.Identity.Model != "" || m.Last == nil || m.Last.Identity.Firmware != "R1" {
		t.Fatalf("while held: %+v, last %+v", m, m.Last)
	}
	since := m.Last.Until
	other := collectortest.Held("usb:1-1")
	other.Ports[0].Holder = "gpsd (pid 7)"
	b.take(g.Report(t, other))
	if m = dump(t, s).Modules[0]; m.Last == nil || !m.Last.Until.Equal(since) {
		t.Errorf("held for longer, it shows %+v, want until %v", m.Last, since)
	}
	b.take(g.Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", "867012040000009")))
	d := dump(t, s)
	if d.Modules[0].Last != nil {
		t.Errorf("free again, it still shows what it last told: %+v", d.Modules[0].Last)
	}
	for _, e := range d.Events {
		if e.Kind == store.FirmwareChanged && e.From.Firmware == "R1" && e.To.Firmware == "R2" {
			return
		}
	}
	t.Errorf("the change of firmware is not told: %v", kinds(d.Events))
}

func TestSilentAndBack(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	now := collectortest.Start
	b.s.Now = func() time.Time { return now }
	g, other := collectortest.NewGateway("gw-1"), collectortest.NewGateway("gw-2")
	r := g.Report(t, oneModule())
	b.take(r, other.Report(t, oneModule()))
	now = now.Add(2 * time.Hour)
	late := b.message(other.Heartbeat(t, "x"))
	late.received = now
	b.wantOutcome("a heartbeat", b.takeMessages(late), New)
	quiet, err := s.Quiet(t.Context(), now.Add(-b.s.Silence), 10)
	must(t, err)
	must(t, b.silence(t.Context(), append(quiet, "gw-2", "gw-none"), now))
	if got := dump(t, s); got.Figures.Silent != 1 || !got.Gateways[0].Silent || got.Gateways[1].Silent {
		t.Fatalf("silent: %+v", got.Figures)
	}
	back := b.message(g.Heartbeat(t, collectortest.Digest(t, r)))
	back.received = now.Add(time.Minute)
	b.takeMessages(back)
	got := dump(t, s)
	if got.Figures.Silent != 0 {
		t.Error("still silent after a heartbeat")
	}
	if ks := kinds(got.Events); !slices.Contains(ks, store.GatewaySilent) || !slices.Contains(ks, store.GatewayBack) {
		t.Errorf("events are %v", ks)
	}
}

// Newer knowledge is told apart from changes in the field, and needs no gateway.
func TestJudgedAnew(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	gs, reports := madeFleet(t, 30)
	b.take(reports...)
	newer := newBench(t, s, &collectortest.Base{Data: "test-2", Rename: map[string]string{"alpha": "Alpha Wireless"}})
	// One gateway reports before its turn comes.
	newer.take(gs[4].Report(t, collectortest.Module("usb:1-1", "Alpha", "CN/CN", "A25", "R2", imei(4))))
	must(t, newer.judgeAnew(t.Context()))
	d := dump(t, s)
	for _, m := range d.Modules {
		if m.Identity.MakerName != "Alpha Wireless" {
			t.Fatalf("%s is still made by %q", m.Gateway, m.Identity.MakerName)
		}
	}
	count := map[store.EventKind]int{}
	for _, k := range kinds(d.Events) {
		count[k]++
	}
	if want := map[store.EventKind]int{store.GatewayNew: 30, store.JudgedAnew: 30, store.FirmwareChanged: 1}; !cmp.Equal(want, count) {
		t.Errorf("events are %v, want %v", count, want)
	}
	must(t, newer.judgeAnew(t.Context())) // nothing is left to do
	if n := len(dump(t, s).Events); n != len(d.Events) {
		t.Errorf("judging again made %d more events", n-len(d.Events))
	}
}

// A gateway that was never heard of and sends a heartbeat is asked for its findings, and
// not made up.
func TestHeartbeatOfUnknownGateway(t *testing.T) {
	s := openStore(t)
	b := newBench(t, s, nil)
	b.wantOutcome("heartbeat", b.take(collectortest.NewGateway("gw-1").Heartbeat(t, "x")), New)
	if d := dump(t, s); len(d.Gateways) != 0 {
		t.Errorf("gateways: %+v", d.Gateways)
	}
	select {
	case w := <-b.asker.queue:
		if w.gateway != "gw-1" || w.digest != "x" {
			t.Errorf("asks for %+v", w)
		}
	default:
		t.Error("nobody is asked")
	}
}

// Asking is bounded: not twice for the same, not in a storm, not for ever.
func TestAskerIsPatient(t *testing.T) {
	now := collectortest.Start
	a := newAsker(nil, nil, func() time.Time { return now })
	w := want{gateway: "gw-1", digest: "d1"}
	if !a.due(w) || a.due(w) {
		t.Fatal("asks twice at once, or not at all")
	}
	now = now.Add(askAgain + time.Second)
	if !a.due(w) {
		t.Fatal("does not ask again a gateway that did not answer")
	}
	a.answered(w)
	now = now.Add(time.Hour)
	if a.due(w) {
		t.Fatal("asks on for findings that the gateway counts otherwise")
	}
	if !a.due(want{gateway: "gw-1", digest: "d2"}) {
		t.Fatal("does not ask for other findings")
	}
}

func TestG04Schemas(t *testing.T) {
	for _, c := range []struct {
		name, body string
		want       Verdict
	}{
		{"newer, with fields and lists that are not known", `{"schema":"rollcall.report/1.7","id":"a1","gateway":{"id":"gw-1","hostname":"h","colour":"red"},"boot":1,"seq":1,"time":"2026-11-20T08:00:00Z","modules":[
			{"id":"usb:1","state":"dreaming","identity":{"model":"X","mood":"good"},"shape":{"a":[1,2,{"b":null}]}}],"weather":"fine"}`, New},
		{"as little as there may be", `{"schema":"rollcall.report/1","id":"a2","gateway":{"id":"gw-1"},"boot":1,"seq":1}`, New},
		{"of a later kind", `{"schema":"rollcall.report/2","id":"a3","gateway":{"id":"gw-1"},"boot":1,"seq":1}`, Rejected},
		{"without an order", `{"schema":"rollcall.report/1","id":"a4","gateway":{"id":"gw-1"},"modules":[]}`, Rejected},
		{"without an id", `{"schema":"rollcall.report/1","gateway":{"id":"gw-1"},"boot":1,"seq":1,"modules":[]}`, Rejected},
		{"with null for everything", `{"schema":"rollcall.report/1","id":"a5","gateway":{"id":"gw-1","labels":null},"boot":1,"seq":1,"modules":[{"id":"u","identity":null,"ports":null,"device":null,"transcript":[{"cmd":null,"lines":null}]}]}`, New},
	} {
		t.Run(c.name, func(t *testing.T) {
			s := openStore(t)
			b := newBench(t, s, nil)
			b.wantOutcome("", b.takeMessages(b.signed("gw-1", c.body)), c.want)
			if d := dump(t, s); (len(d.Gateways) == 1) != (c.want == New) {
				t.Errorf("gateways: %+v", d.Gateways)
			}
		})
	}
}

// The report that version 1 is held to, as published with the schema, is understood whole.
func TestG04GoldenReport(t *testing.T) {
	body, err := os.ReadFile("../inventory/testdata/report.json")
	must(t, err)
	s := openStore(t)
	b := newBench(t, s, nil)
	b.wantOutcome("golden", b.takeMessages(b.signed("gw-7", strings.TrimSpace(string(body)))), New)
	d := dump(t, s)
	if len(d.Gateways) != 1 || d.Gateways[0].Hostname != "crane7" || len(d.Modules) != 2 || len(d.Gateways[0].Health) != 1 {
		t.Fatalf("stored %+v", d)
	}
	if m := d.Modules[1]; m.State != inventory.StateHeld {
		t.Errorf("the second module is %+v", m)
	}
}
