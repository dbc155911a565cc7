package natslink

import (
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
)

var (
	errDenied       = errors.New("the server does not permit it")
	errDisconnected = errors.New("the connection was lost before the answer came")
	errNoServer     = errors.New("not connected")
	errNoStream     = errors.New("no stream listens there: a collector makes it, on a server with JetStream")
)

// Publish hands e to JetStream and waits for its acknowledgement. A nil error means that
// the stream holds a message of this id; whether it is this one, see Receipt.Duplicate.
// Errors are of type *PublishError.
func (l *Link) Publish(ctx context.Context, e *inventory.Envelope) (Receipt, error) {
	m := ToMsg(e)
	if !l.Connected() {
		return Receipt{}, &PublishError{Kind: Retry, Subject: m.Subject, Err: errNoServer}
	}
	ctx, cancel := context.WithTimeout(ctx, l.settings.Timeout)
	defer cancel()
	ctx, done := l.watch(ctx, m.Subject)
	defer done()
	ack, err := l.js.PublishMsg(ctx, m, jetstream.WithExpectStream(Stream), jetstream.WithRetryAttempts(0))
	if cause := context.Cause(ctx); err != nil && cause != nil {
		err = cause
	}
	if err != nil {
		p := classify(err)
		p.Subject = m.Subject
		if p.Kind == Denied {
			l.raise(codeDenied, inventory.SeverityError, fmt.Sprintf(
				"the NATS server does not let this gateway publish on %s: enrol it, or correct its permissions", m.Subject))
		}
		return Receipt{}, p
	}
	l.clear(codeDenied)
	if ack.Stream != Stream {
		return Receipt{}, &PublishError{Kind: Retry, Subject: m.Subject,
			Err: fmt.Errorf("stream %q answered, want %s: another stream listens on the subject", ack.Stream, Stream)}
	}
	return Receipt{Stream: ack.Stream, Sequence: ack.Sequence, Duplicate: ack.Duplicate}, nil
}

// classify says what an error means for the envelope.
func classify(err error) *PublishError {
	var api *jetstream.APIError
	p := &PublishError{Kind: Retry, Err: err}
	switch {
	case errors.Is(err, errDenied):
		p.Kind = Denied
	case errors.Is(err, nats.ErrMaxPayload), errors.As(err, &api) && api.ErrorCode == jetstream.JSErrCodeStreamMessageExceedsMaximum:
		p.Kind = TooLarge
	case errors.Is(err, nats.ErrBadSubject), errors.Is(err, nats.ErrInvalidMsg), errors.Is(err, nats.ErrHeadersNotSupported):
		p.Kind = Permanent
	case errors.Is(err, jetstream.ErrNoStreamResponse):
		p.Err = fmt.Errorf("%w (%w)", errNoStream, err)
	case errors.As(err, &api),
		errors.Is(err, nats.ErrReconnectBufExceeded), errors.Is(err, nats.ErrConnectionReconnecting):
		// The server answered, or never got it.
	default:
		p.Unsure = true
	}
	return p
}

// watch lets the handlers end this publish early.
func (l *Link) watch(ctx context.Context, subject string) (context.Context, func()) {
	ctx, fail := context.WithCancelCause(ctx)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.next++
	id := l.next
	l.waiting[id] = &attempt{subject: subject, fail: fail}
	return ctx, func() {
		l.mu.Lock()
		defer l.mu.Unlock()
		delete(l.waiting, id)
		fail(nil)
	}
}

func (l *Link) failAll(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.waiting {
		a.fail(cause)
	}
}

func (l *Link) failSubject(subject string, cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for _, a := range l.waiting {
		if a.subject == subject {
			a.fail(cause)
		}
	}
}
