package natslink

import (
	"encoding/base64"
	"fmt"
	"strings"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/inventory"
)

const subjectPrefix = "rollcall.v1."

// ToMsg is the message that carries e.
func ToMsg(e *inventory.Envelope) *nats.Msg {
	m := nats.NewMsg(Subject(e.Kind, e.Gateway))
	m.Header.Set(nats.MsgIdHdr, e.ID)
	m.Header.Set(HeaderSignature, base64.RawURLEncoding.EncodeToString(e.Signature))
	m.Header.Set(HeaderKey, inventory.EncodeKey(e.Key))
	m.Data = e.Body
	return m
}

// FromMsg gives the envelope that a message carries. Kind and Gateway are what the
// subject claims and ID is what the header claims; Order is not set. All three are
// unproven: after Verify, what the body says counts.
func FromMsg(subject string, h nats.Header, body []byte) (*inventory.Envelope, error) {
	kind, gateway, ok := strings.Cut(strings.TrimPrefix(subject, subjectPrefix), ".")
	e := &inventory.Envelope{Kind: inventory.Kind(kind), Gateway: gateway, ID: h.Get(nats.MsgIdHdr), Body: body}
	if !ok || !strings.HasPrefix(subject, subjectPrefix) || e.Kind != inventory.KindReport && e.Kind != inventory.KindHeartbeat {
		return nil, fmt.Errorf("cannot take message on subject %q: want %s<gateway>", subject, Subject(inventory.KindReport, ""))
	}
	if err := inventory.CheckGatewayID(gateway); err != nil {
		return nil, fmt.Errorf("cannot take message on subject %q: %w", subject, err)
	}
	if len(body) > inventory.MaxReportBytes {
		return nil, fmt.Errorf("cannot take message of %d bytes: %w", len(body), inventory.ErrTooLarge)
	}
	var err error
	if e.Key, err = inventory.DecodeKey(h.Get(HeaderKey)); err != nil {
		return nil, fmt.Errorf("cannot take message on subject %q: %w", subject, err)
	}
	if e.Signature, err = base64.RawURLEncoding.DecodeString(h.Get(HeaderSignature)); err != nil {
		return nil, fmt.Errorf("cannot take message on subject %q: cannot read its signature: %w", subject, err)
	}
	return e, nil
}
