package webhook

import (
	"encoding/json"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/policy"
)

// TypePrefix stands before the kind of an event in the type of a CloudEvent.
const TypePrefix = "rollcall."

// CloudEvent is an event as it is sent: CloudEvents 1.0, structured mode, JSON format.
type CloudEvent struct {
	SpecVersion string    `json:"specversion"`
	ID          string    `json:"id"`
	Source      string    `json:"source"`
	Type        string    `json:"type"`
	Subject     string    `json:"subject"`
	Time        time.Time `json:"time"`
	ContentType string    `json:"datacontenttype"`
	Data        Data      `json:"data"`
}

// Data is the event, the same as on NATS.
type Data struct {
	Schema string `json:"schema"`
	ID     string `json:"id"`
	store.Event
}

func encode(e *store.Event, identity string) ([]byte, error) {
	subject := e.Gateway
	if e.Module != "" {
		subject += "/" + e.Module
	}
	return json.Marshal(CloudEvent{
		SpecVersion: "1.0", ID: e.Key(), Source: "urn:rollcall:collector:" + identity, Type: TypePrefix + string(e.Kind),
		Subject: subject, Time: e.At.UTC(), ContentType: "application/json", Data: Data{Schema: "rollcall.event/1", ID: e.Key(), Event: *e},
	})
}

func known(k store.EventKind) bool { return slices.Contains(store.EventKinds(), k) }

// wants says whether a hook is told of an event.
func (h *Hook) wants(e *store.Event) bool {
	if len(h.Kinds) > 0 && !slices.Contains(h.Kinds, e.Kind) {
		return false
	}
	if e.Finding == nil || h.Severity == 0 || e.Kind != store.FindingOpened && e.Kind != store.FindingClosed {
		return true
	}
	severity, err := policy.ParseSeverity(e.Finding.Severity)
	return err != nil || severity >= h.Severity // told of rather than lost
}
