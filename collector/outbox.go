package collector

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Names of events on NATS.
const (
	// EventStream holds events for others.
	EventStream = "ROLLCALL_EVENTS"
	// EventSchema is that of their bodies.
	EventSchema = "rollcall.event/1"
	eventPrefix = "rollcall.v1.event."
	markEvents  = "events-published"
	// inProcess is the broker's answer to a message while another with its id is being stored
	// (JSStreamDuplicateMessageConflict of nats-server).
	inProcess jetstream.ErrorCode = 10158
)

// EventSubject is where an event goes out: rollcall.v1.event.<kind>.<gateway>.
func EventSubject(kind store.EventKind, gateway string) string {
	return eventPrefix + string(kind) + "." + gateway
}

// EventMessage is the body of an event on NATS. ID is the same for the same event,
// however often it is published.
type EventMessage struct {
	Schema string `json:"schema"`
	ID     string `json:"id"`
	store.Event
}

// outbox publishes stored events. How far it came is kept in the store, so that each event
// goes out at least once, whatever ends.
type outbox struct {
	js    jetstream.JetStream
	store store.Keeper
	log   *slog.Logger
	woken chan struct{}
	// replicas is how many servers keep the stream, where it is made here.
	replicas int
}

func newOutbox(js jetstream.JetStream, s store.Keeper, log *slog.Logger) *outbox {
	return &outbox{js: js, store: s, log: log, woken: make(chan struct{}, 1)}
}

func (o *outbox) wake() {
	select {
	case o.woken <- struct{}{}:
	default:
	}
}

// run publishes until ctx ends.
func (o *outbox) run(ctx context.Context) {
	pause := time.Second
	for {
		err := o.flush(ctx)
		switch {
		case ctx.Err() != nil:
			return
		case beingPublished(err):
			err = nil // looked at again soon, when the broker knows the message
		case err != nil:
			o.log.Warn("cannot publish events; trying again", "error", err)
			pause = min(2*pause, time.Minute)
		default:
			pause = time.Second
		}
		wake := o.woken
		if err != nil {
			wake = nil // no sooner than after the pause
		}
		select {
		case <-wake:
		case <-time.After(max(pause, 5*time.Second)): // another collector may have stored some
		case <-ctx.Done():
			return
		}
	}
}

// beingPublished says that another collector is publishing the same event at this moment.
func beingPublished(err error) bool {
	var api *jetstream.APIError
	return errors.As(err, &api) && api.ErrorCode == inProcess
}

// config is the stream that is made here.
func (o *outbox) config() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: EventStream, Description: "Rollcall: what changed in the fleet", Subjects: []string{eventPrefix + ">"},
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardOld, MaxAge: 30 * 24 * time.Hour, MaxBytes: 1 << 30, Replicas: max(1, o.replicas),
		Duplicates: 2 * time.Minute, DenyDelete: true, DenyPurge: true,
	}
}

func (o *outbox) stream(ctx context.Context) error {
	_, err := o.js.Stream(ctx, EventStream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = o.js.CreateStream(ctx, o.config())
	}
	if err != nil {
		return fmt.Errorf("cannot assert stream %s: %w", EventStream, natslink.Why(o.js.Conn(), err))
	}
	return nil
}

// flush publishes all that is due.
func (o *outbox) flush(ctx context.Context) error {
	const some = 256
	at, err := o.store.Mark(ctx, markEvents)
	if err != nil {
		return err
	}
	ready := false
	for {
		events, err := o.store.EventsAfter(ctx, at, some)
		if err != nil || len(events) == 0 {
			return err
		}
		if !ready {
			if err := o.stream(ctx); err != nil {
				return err
			}
			ready = true
		}
		if err := o.publish(ctx, events); err != nil {
			return err
		}
		at = events[len(events)-1].No
		if err := o.store.SetMark(ctx, markEvents, at); err != nil {
			return err
		}
	}
}

// publish sends some events and waits for every acknowledgement.
func (o *outbox) publish(ctx context.Context, events []store.Event) error {
	ctx, cancel := context.WithTimeout(ctx, 30*time.Second)
	defer cancel()
	futures := make([]jetstream.PubAckFuture, len(events))
	for i, e := range events {
		body, err := eventBody(e)
		if err != nil {
			return err
		}
		m := nats.NewMsg(EventSubject(e.Kind, e.Gateway))
		m.Data = body
		if futures[i], err = o.js.PublishMsgAsync(m, jetstream.WithMsgID(e.Key())); err != nil {
			return err
		}
	}
	return natslink.Acknowledged(ctx, futures)
}

func eventBody(e store.Event) ([]byte, error) {
	m := EventMessage{Schema: EventSchema, ID: e.Key(), Event: e}
	body, err := json.Marshal(m)
	if err == nil && len(body) > store.MostEventBytes {
		m.Event = e.Short()
		body, err = json.Marshal(m)
	}
	return body, err
}
