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

// encode gives the body for an event, with its texts cut where it would be too long for some.
func encode(e *store.Event, identity string) ([]byte, error) {
	body, err := json.Marshal(cloudEvent(e, e.Key(), identity))
	if err == nil && len(body) > store.MostEventBytes {
		short := e.Short()
		body, err = json.Marshal(cloudEvent(&short, e.Key(), identity))
	}
	return body, err
}

func cloudEvent(e *store.Event, key, identity string) CloudEvent {
	subject := e.Gateway
	if e.Module != "" {
		subject += "/" + e.Module
	}
	return CloudEvent{
		SpecVersion: "1.0", ID: key, Source: "urn:rollcall:collector:" + identity, Type: TypePrefix + string(e.Kind),
		Subject: subject, Time: e.At.UTC(), ContentType: "application/json", Data: Data{Schema: "rollcall.event/1", ID: key, Event: *e},
	}
}

func known(k store.EventKind) bool { return slices.Contains(store.EventKinds(), k) }

// wants says whether a hook is told of an event. What is found of a gateway's first report has no
// events of its own: who wants to hear what is found is told of the gateway.
func (h *Hook) wants(e *store.Event) bool {
	switch {
	case len(h.Kinds) == 0 || slices.Contains(h.Kinds, e.Kind):
		return e.Kind != store.FindingOpened && e.Kind != store.FindingClosed || h.grave(e.Finding)
	case e.Kind == store.GatewayNew && slices.Contains(h.Kinds, store.FindingOpened):
		return e.Finding != nil && h.grave(e.Finding)
	}
	return false
}

// grave says whether a finding is as severe as the hook asks for. One of which that is not known is
// told rather than lost.
func (h *Hook) grave(f *store.FindingBrief) bool {
	if f == nil || h.Severity == 0 {
		return true
	}
	severity, err := policy.ParseSeverity(f.Severity)
	return err != nil || severity >= h.Severity
}
