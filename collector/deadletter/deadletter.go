package deadletter

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Stream holds dead letters.
const Stream = "ROLLCALL_DEAD"

// Headers of a dead letter.
const (
	HeaderReason   = "Rollcall-Dead-Reason"
	HeaderText     = "Rollcall-Dead-Text"     // the reason in words
	HeaderSubject  = "Rollcall-Dead-Subject"  // where it came from
	HeaderSequence = "Rollcall-Dead-Sequence" // its number in that stream
	HeaderTime     = "Rollcall-Dead-Time"     // when the broker took it there, RFC 3339
	HeaderSize     = "Rollcall-Dead-Size"     // of the whole body, where it is cut
	// HeaderOriginal stands before the names of the message's own headers.
	HeaderOriginal = "Rollcall-Original-"
)

const (
	prefix = "rollcall.v1.dead."
	// maxHeaders and maxValue bound what is kept of a message's headers, maxCut what is kept of
	// a body that does not fit beside them.
	maxHeaders = 32
	maxValue   = 1024
	maxCut     = 64 << 10
)

// Subject is where letters of that reason go. Whatever is no token goes to "other".
func Subject(reason string) string {
	if reason == "" || strings.Trim(reason, "abcdefghijklmnopqrstuvwxyz0123456789-") != "" {
		reason = "other"
	}
	return prefix + reason
}

// Letter is a message that was given up.
type Letter struct {
	// Reason is a token, Text says it in words.
	Reason, Text string
	// ID is the same for the same letter.
	ID string
	// Subject, Header, Body, Time and Sequence are the message's own.
	Subject  string
	Header   nats.Header
	Body     []byte
	Time     time.Time
	Sequence uint64
}

// Box puts letters into the stream. It is safe for concurrent use.
type Box struct {
	js       jetstream.JetStream
	replicas int

	mu    sync.Mutex
	ready bool // the stream was there
}

// New gives a box on a connection. Where it makes the stream, so many servers of a cluster keep
// it; 0 is 1.
func New(js jetstream.JetStream, replicas int) *Box { return &Box{js: js, replicas: max(1, replicas)} }

// StreamConfig is that of a stream which is made here.
func StreamConfig() jetstream.StreamConfig {
	return jetstream.StreamConfig{
		Name: Stream, Description: "Rollcall: what was not believed or not taken, with the reason", Subjects: []string{prefix + ">"},
		Storage: jetstream.FileStorage, Discard: jetstream.DiscardOld, MaxAge: 30 * 24 * time.Hour, MaxBytes: 256 << 20,
		Duplicates: 2 * time.Minute,
	}
}

// Config is that of the stream that this box makes.
func (b *Box) Config() jetstream.StreamConfig {
	c := StreamConfig()
	c.Replicas = b.replicas
	return c
}

// Rights are the subjects that whoever has a box must be allowed to publish on.
func Rights() []string {
	return []string{"$JS.API.STREAM.INFO." + Stream, "$JS.API.STREAM.CREATE." + Stream, prefix + ">"}
}

// Put puts letters into the stream and waits until all are there.
func (b *Box) Put(ctx context.Context, letters ...Letter) error {
	if err := b.assert(ctx); err != nil {
		return err
	}
	err := b.publish(ctx, letters)
	if err != nil { // perhaps the stream is gone
		b.mu.Lock()
		b.ready = false
		b.mu.Unlock()
		return fmt.Errorf("cannot put into stream %s: %w", Stream, err)
	}
	return nil
}

func (b *Box) assert(ctx context.Context) error {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.ready {
		return nil
	}
	_, err := b.js.Stream(ctx, Stream)
	if errors.Is(err, jetstream.ErrStreamNotFound) {
		_, err = b.js.CreateStream(ctx, b.Config())
	}
	if err != nil {
		return fmt.Errorf("cannot assert stream %s: %w", Stream, natslink.Why(b.js.Conn(), err))
	}
	b.ready = true
	return nil
}

func (b *Box) publish(ctx context.Context, letters []Letter) error {
	var waiting []jetstream.PubAckFuture
	for i := range letters {
		f, err := b.send(&letters[i])
		if err != nil {
			return err
		}
		waiting = append(waiting, f)
	}
	return natslink.Acknowledged(ctx, waiting)
}

func (b *Box) send(l *Letter) (jetstream.PubAckFuture, error) {
	m := message(l)
	var opts []jetstream.PublishOpt
	if l.ID != "" {
		opts = append(opts, jetstream.WithMsgID(l.ID))
	}
	f, err := b.js.PublishMsgAsync(m, opts...)
	if errors.Is(err, nats.ErrMaxPayload) { // what is said beside the body makes it too large
		m.Data = m.Data[:min(len(m.Data), maxCut)]
		m.Header.Set(HeaderSize, strconv.Itoa(len(l.Body)))
		f, err = b.js.PublishMsgAsync(m, opts...)
	}
	return f, err
}

func message(l *Letter) *nats.Msg {
	m := nats.NewMsg(Subject(l.Reason))
	m.Data = l.Body
	for _, name := range slices.Sorted(maps.Keys(l.Header)) {
		if len(m.Header) == maxHeaders {
			break
		}
		if strings.Trim(name, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_") == "" && len(name) <= 64 && len(l.Header[name]) > 0 {
			m.Header.Set(HeaderOriginal+name, text(l.Header[name][0]))
		}
	}
	m.Header.Set(HeaderReason, text(l.Reason))
	m.Header.Set(HeaderText, text(l.Text))
	m.Header.Set(HeaderSubject, text(l.Subject))
	if l.Sequence > 0 {
		m.Header.Set(HeaderSequence, strconv.FormatUint(l.Sequence, 10))
	}
	if !l.Time.IsZero() {
		m.Header.Set(HeaderTime, l.Time.UTC().Format(time.RFC3339Nano))
	}
	return m
}

// text is one bounded line.
func text(s string) string { return clean.Line(s[:min(len(s), maxValue)]) }
