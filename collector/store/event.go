package store

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// EventKind says what happened. Each is also a token of the subject that it goes out on.
type EventKind string

// The kinds of events.
const (
	GatewayNew      EventKind = "gateway-new"
	GatewaySilent   EventKind = "gateway-silent"
	GatewayBack     EventKind = "gateway-back"
	GatewayConflict EventKind = "gateway-conflict" // two reports claim one place, or one key speaks for two
	KeyConflict     EventKind = "key-conflict"     // another key than the recorded one claims the gateway
	ModuleAdded     EventKind = "module-added"
	ModuleRemoved   EventKind = "module-removed"
	ModuleMoved     EventKind = "module-moved"
	ModuleSwapped   EventKind = "module-swapped"
	FirmwareChanged EventKind = "firmware-changed"
	ModelChanged    EventKind = "model-changed" // maker or model, in the same place, with no other IMEI to show a swap
	IMEIChanged     EventKind = "imei-changed"
	StateChanged    EventKind = "state-changed"
	IdentityClash   EventKind = "identity-conflict" // evidence began to disagree
	IdentityAgreed  EventKind = "identity-agreed"   // evidence no longer disagrees
	JudgedAnew      EventKind = "judged-anew"       // newer knowledge, not the field, changed the verdict
	FindingOpened   EventKind = "finding-opened"
	FindingClosed   EventKind = "finding-closed"
	IMEIDuplicate   EventKind = "imei-duplicate"   // another module of the fleet reports the same IMEI
	ConflictCleared EventKind = "conflict-cleared" // a person looked at a gateway-conflict
)

// EventKinds lists all kinds, for filters and documents.
func EventKinds() []EventKind {
	return []EventKind{GatewayNew, GatewaySilent, GatewayBack, GatewayConflict, KeyConflict,
		ModuleAdded, ModuleRemoved, ModuleMoved, ModuleSwapped, FirmwareChanged, ModelChanged,
		IMEIChanged, StateChanged, IdentityClash, IdentityAgreed, JudgedAnew,
		FindingOpened, FindingClosed, IMEIDuplicate, ConflictCleared}
}

// Event is one change and the report that proves it.
type Event struct {
	// No grows with every event stored.
	No      int64     `json:"no"`
	Kind    EventKind `json:"kind"`
	Gateway string    `json:"gateway"`
	Module  string    `json:"module,omitempty"`
	At      time.Time `json:"at"`
	// Order and Report name the report that shows the change; empty where none does: what time,
	// newer knowledge or another policy changed, and what a person decided.
	inventory.Order
	Report string `json:"report,omitempty"`
	// From and To are the module before and after.
	From *Brief `json:"from,omitempty"`
	To   *Brief `json:"to,omitempty"`
	// Finding is the one that opened or closed. With gateway-new it is the worst of those that
	// the first report opened, of which that event tells as it tells of its modules.
	Finding *FindingBrief `json:"finding,omitempty"`
	// Text says the rest in one sentence, where From and To do not say all.
	Text string `json:"text,omitempty"`
}

// Brief is a module in few words, as events keep it.
type Brief struct {
	ID        string          `json:"id"`
	State     inventory.State `json:"state"`
	Maker     string          `json:"maker,omitempty"`
	MakerName string          `json:"maker_name,omitempty"`
	Model     string          `json:"model,omitempty"`
	Firmware  string          `json:"firmware,omitempty"`
	IMEI      string          `json:"imei,omitempty"`
	Country   string          `json:"country,omitempty"`
}

// Brief gives m in few words.
func (m *Module) Brief() *Brief {
	return &Brief{ID: m.ID, State: m.State, Maker: m.Identity.Maker, MakerName: m.Identity.MakerName,
		Model: m.Identity.Model, Firmware: m.Identity.Firmware, IMEI: m.Identity.IMEI, Country: m.Origin.Country}
}

const (
	// MostEventBytes is how long an event may be, as JSON, where others are told of it: what comes
	// between has to let a CloudEvent of that size through. Of a longer one Short is told.
	MostEventBytes = 64 << 10
	// mostEventText bounds each text of a short one.
	mostEventText = 1000
)

// Short is e with its texts cut. A gateway may call a module what it likes, at any length, and an
// event that nobody takes would hold all others up.
func (e Event) Short() Event {
	for _, s := range []*string{&e.Module, &e.Text} {
		*s = cutEventText(*s)
	}
	e.From, e.To = e.From.short(), e.To.short()
	if e.Finding != nil {
		f := *e.Finding
		f.Key, f.Text = cutEventText(f.Key), cutEventText(f.Text)
		e.Finding = &f
	}
	return e
}

func (b *Brief) short() *Brief {
	if b == nil {
		return nil
	}
	c := *b
	for _, s := range []*string{&c.ID, (*string)(&c.State), &c.Maker, &c.MakerName, &c.Model, &c.Firmware, &c.IMEI, &c.Country} {
		*s = cutEventText(*s)
	}
	return &c
}

func cutEventText(s string) string {
	if len(s) <= mostEventText {
		return s
	}
	return strings.ToValidUTF8(s[:mostEventText], "") + "…"
}

// Key names the event for good: the same reports give the same keys, in whatever order
// they came.
func (e *Event) Key() string {
	at := ""
	if e.Report == "" { // caused by the clock, not by a report
		at = e.At.UTC().Format(time.RFC3339Nano)
	}
	name := fmt.Appendf(nil, "%s\x00%s\x00%s\x00%d\x00%d\x00%s\x00%s", e.Kind, e.Gateway, e.Module, e.Boot, e.Seq, e.Report, at)
	if (e.Kind == FindingOpened || e.Kind == FindingClosed) && e.Finding != nil { // there may be several of one module
		name = fmt.Appendf(name, "\x00%s", e.Finding.Key)
	}
	sum := sha256.Sum256(name)
	return hex.EncodeToString(sum[:16])
}
