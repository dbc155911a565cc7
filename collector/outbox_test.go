package collector

import (
	"bytes"
	"context"
	"log/slog"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// ownPublisher is a broker that is storing the first message for another collector.
type ownPublisher struct {
	jetstream.JetStream
	published atomic.Int32
}

func (p *ownPublisher) Stream(context.Context, string) (jetstream.Stream, error) { return nil, nil }

func (p *ownPublisher) PublishMsgAsync(*nats.Msg, ...jetstream.PublishOpt) (jetstream.PubAckFuture, error) {
	if p.published.Add(1) == 1 {
		return answered(nil, &jetstream.APIError{Code: 409, ErrorCode: inProcess, Description: "duplicate message id is in process"}), nil
	}
	return answered(&jetstream.PubAck{Duplicate: true}, nil), nil
}

type futureAck struct {
	jetstream.PubAckFuture
	ok   chan *jetstream.PubAck
	fail chan error
}

func answered(ack *jetstream.PubAck, err error) futureAck {
	f := futureAck{ok: make(chan *jetstream.PubAck, 1), fail: make(chan error, 1)}
	if err != nil {
		f.fail <- err
	} else {
		f.ok <- ack
	}
	return f
}

func (f futureAck) Ok() <-chan *jetstream.PubAck { return f.ok }
func (f futureAck) Err() <-chan error            { return f.fail }

// oneEvent is a store with one event that has to go out.
type oneEvent struct {
	store.Keeper
	mark chan int64
}

func (s *oneEvent) Mark(context.Context, string) (int64, error) { return 0, nil }
func (s *oneEvent) SetMark(_ context.Context, _ string, n int64) error {
	s.mark <- n
	return nil
}

func (s *oneEvent) EventsAfter(_ context.Context, no int64, _ int) ([]store.Event, error) {
	if no > 0 {
		return nil, nil
	}
	return []store.Event{{No: 1, Kind: store.GatewayNew, Gateway: "g"}}, nil
}

// Of several collectors, all publish what is stored: that another is just doing so is no fault.
func TestOutboxBesideAnother(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	var log bytes.Buffer
	js, kept := &ownPublisher{}, &oneEvent{mark: make(chan int64, 1)}
	o := newOutbox(js, kept, slog.New(slog.NewTextHandler(&log, nil)))
	done := make(chan struct{})
	go func() { defer close(done); o.run(ctx) }()
	o.wake()
	select {
	case n := <-kept.mark:
		if n != 1 {
			t.Errorf("the mark stands at %d, want 1", n)
		}
	case <-time.After(time.Minute):
		t.Error("the event was never published")
	}
	cancel()
	<-done
	if log.Len() > 0 {
		t.Errorf("the log says %s", log.String())
	}
}
