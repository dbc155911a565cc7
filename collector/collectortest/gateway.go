package collectortest

import (
	"crypto/ed25519"
	"crypto/sha256"
	"fmt"
	"testing"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Start is the time of a made gateway's first report; each later one is a minute later, each
// start of it an hour.
var Start = time.Date(2026, 11, 20, 8, 0, 0, 0, time.UTC)

// Gateway makes signed reports and heartbeats, like an agent. Everything about them follows
// from its fields, so that the same calls make the same bytes.
type Gateway struct {
	inventory.Gateway
	Key   ed25519.PrivateKey
	Order inventory.Order
}

// NewGateway makes a gateway with a key of its own, derived from its id.
func NewGateway(id string) *Gateway {
	seed := sha256.Sum256([]byte("key of " + id))
	return &Gateway{
		Gateway: inventory.Gateway{ID: id, Hostname: id + ".example", Labels: map[string]string{"site": "north"}, Agent: "rollcall-agent/0.1.0", OS: "linux", Arch: "arm64"},
		Key:     ed25519.NewKeyFromSeed(seed[:]), Order: inventory.Order{Boot: 1},
	}
}

// Module makes a module as an agent reports it, with the answers that [Base] reads.
func Module(id, maker, country, model, firmware, imei string) inventory.Module {
	ask := func(cmd, line string) inventory.Exchange {
		return inventory.Exchange{Cmd: cmd, Lines: []string{line}, Final: "OK", Millis: 12}
	}
	m := inventory.Module{
		ID: id, State: inventory.StateIdentified,
		Ports: []inventory.Port{
			{Path: "/dev/ttyUSB2", Role: inventory.RoleAT, State: inventory.StateIdentified},
			{Path: "/dev/ttyUSB0", Role: inventory.RoleDiag, Reason: "diagnostic port: not asked"},
		},
		Device:     &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2", Driver: "option", Manufacturer: "Alpha"},
		Transcript: []inventory.Exchange{{Cmd: "AT", Final: "OK", Millis: 3}, ask("AT+CGMI", maker), ask("AT+CGMM", model), ask("AT+COUNTRY", country)},
		Data:       "gateway-data",
	}
	if firmware != "" {
		m.Transcript = append(m.Transcript, ask("AT+CGMR", firmware))
	}
	if imei != "" {
		m.Transcript = append(m.Transcript, ask("AT+CGSN", imei))
	}
	return m
}

// Held makes a module whose port another program holds.
func Held(id string) inventory.Module {
	return inventory.Module{
		ID: id, State: inventory.StateHeld, Reason: "held by ModemManager (pid 812): stop it, or ask it",
		Ports:  []inventory.Port{{Path: "/dev/ttyUSB2", Role: inventory.RoleAT, State: inventory.StateHeld, Holder: "ModemManager (pid 812)"}},
		Device: &inventory.Device{Bus: "usb", VID: "2c7c", PID: "0125", Path: "1-1.2", Driver: "option", Manufacturer: "Alpha"},
	}
}

// Report makes the next report.
func (g *Gateway) Report(t testing.TB, modules ...inventory.Module) *inventory.Envelope {
	t.Helper()
	g.Order.Seq++
	r := &inventory.Report{ID: g.id("report"), Gateway: g.Gateway, Order: g.Order, Time: g.time(),
		ClockSynced: true, Reason: inventory.ReasonChange, Modules: modules}
	e, err := inventory.SealReport(r, g.Key)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

// Heartbeat makes the next heartbeat, for findings of that digest.
func (g *Gateway) Heartbeat(t testing.TB, digest string) *inventory.Envelope {
	t.Helper()
	g.Order.Seq++
	h := &inventory.Heartbeat{ID: g.id("heartbeat"), Gateway: g.ID, Order: g.Order, Time: g.time(),
		ClockSynced: true, Digest: digest}
	e, err := inventory.SealHeartbeat(h, g.Key)
	if err != nil {
		t.Fatal(err)
	}
	return e
}

func (g *Gateway) time() time.Time {
	return Start.Add(time.Duration(g.Order.Boot-1)*time.Hour + time.Duration(g.Order.Seq-1)*time.Minute)
}

func (g *Gateway) id(kind string) string {
	sum := sha256.Sum256(fmt.Appendf(nil, "%s %s %d.%d", kind, g.ID, g.Order.Boot, g.Order.Seq))
	return fmt.Sprintf("%x", sum[:16])
}

// Digest gives that of a report in an envelope.
func Digest(t testing.TB, e *inventory.Envelope) string {
	t.Helper()
	r, err := inventory.DecodeReport(e.Body)
	if err != nil {
		t.Fatal(err)
	}
	d, err := r.Digest()
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// Msg is the message that carries e.
func Msg(e *inventory.Envelope) *nats.Msg { return natslink.ToMsg(e) }
