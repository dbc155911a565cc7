package webhook

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// LeaseBucket is the key-value bucket of leases.
const LeaseBucket = "ROLLCALL_LEASES"

// Lease lets one of many programs do something. It stands in a key-value bucket: who holds it
// writes to it again and again, and whoever has seen nothing new in it for its whole length may
// take it. No clock is compared with another one: each measures with its own how long it waits.
type Lease struct {
	s  LeaseSettings
	id string

	kv       jetstream.KeyValue
	revision uint64 // of what is held, or was seen last
	held     bool
	seen     time.Time // when that revision was seen first
	lost     bool      // the bucket did not answer
	reopened time.Time // when it did again

	mu    sync.Mutex
	until time.Time
}

// LeaseSettings name a lease. JetStream and Key are needed.
type LeaseSettings struct {
	JetStream jetstream.JetStream
	// Key names it in the bucket.
	Key string
	// Length is how long nobody else takes it. 0 is 1 min.
	Length time.Duration
	// Replicas of the bucket, where it is made here. 0 is 1.
	Replicas int
	// Log gets what an operator wants to know. Nil: nothing.
	Log *slog.Logger
}

// NewLease makes a lease that nobody holds yet.
func NewLease(s LeaseSettings) *Lease {
	s.Length, s.Replicas = cmp.Or(s.Length, time.Minute), max(1, s.Replicas)
	if s.Log == nil {
		s.Log = slog.New(slog.DiscardHandler)
	}
	var id [16]byte
	_, _ = rand.Read(id[:]) // never fails
	return &Lease{s: s, id: hex.EncodeToString(id[:])}
}

// Until is when it ends, if nothing else happens; in the past if another one has it. A tenth
// is left for clocks that do not go alike.
func (l *Lease) Until() time.Time {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.until
}

func (l *Lease) set(until time.Time) {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.until = until
}

// run takes and keeps it until ctx ends, and gives it back.
func (l *Lease) run(ctx context.Context) {
	told := ""
	for {
		err := l.round(ctx)
		if err != nil && ctx.Err() == nil && told != err.Error() {
			told = err.Error()
			l.s.Log.Warn("cannot say which collector sends webhooks; trying again", "error", err)
		}
		select {
		case <-time.After(l.s.Length / 4):
		case <-ctx.Done():
			l.release(ctx)
			return
		}
	}
}

// round does what is due once.
func (l *Lease) round(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, l.s.Length/4)
	defer cancel()
	if err := l.open(ctx); err != nil {
		return err
	}
	return l.look(ctx)
}

// look takes the lease, or keeps it, where that may be.
func (l *Lease) look(ctx context.Context) error {
	if l.held {
		return l.take(ctx, func() (uint64, error) { return l.kv.Update(ctx, l.s.Key, []byte(l.id), l.revision) })
	}
	e, err := l.kv.Get(ctx, l.s.Key)
	switch {
	case errors.Is(err, jetstream.ErrKeyNotFound) && time.Since(l.reopened) < l.s.Length:
		return nil // if the bucket was lost, who held it may go by that for as long
	case errors.Is(err, jetstream.ErrKeyNotFound):
		return l.take(ctx, func() (uint64, error) { return l.kv.Create(ctx, l.s.Key, []byte(l.id)) })
	case err != nil: // a broker that came back with an empty store has no bucket; numbers of another one mean other writes
		l.kv, l.revision, l.lost = nil, 0, true
		return fmt.Errorf("cannot read the lease: %w", err)
	case string(e.Value()) == l.id: // an answer was lost
		l.held, l.revision = true, e.Revision()
		return l.take(ctx, func() (uint64, error) { return l.kv.Update(ctx, l.s.Key, []byte(l.id), l.revision) })
	case e.Revision() != l.revision:
		l.revision, l.seen = e.Revision(), time.Now()
	case time.Since(l.seen) >= l.s.Length:
		return l.take(ctx, func() (uint64, error) { return l.kv.Update(ctx, l.s.Key, []byte(l.id), l.revision) })
	}
	return nil
}

func (l *Lease) open(ctx context.Context) (err error) {
	if l.kv != nil {
		return nil
	}
	kv, err := l.s.JetStream.KeyValue(ctx, LeaseBucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		kv, err = l.s.JetStream.CreateKeyValue(ctx, jetstream.KeyValueConfig{Bucket: LeaseBucket, Description: "Rollcall: which of many collectors does what only one may do",
			History: 1, MaxBytes: 1 << 20, Storage: jetstream.FileStorage, Replicas: l.s.Replicas})
	}
	if err != nil {
		return fmt.Errorf("cannot open bucket %s: %w", LeaseBucket, err)
	}
	if l.kv = kv; l.lost {
		l.lost, l.reopened = false, time.Now()
	}
	return nil
}

// take writes to the lease. Nobody else takes it for its whole length from before that.
func (l *Lease) take(ctx context.Context, write func() (uint64, error)) error {
	start := time.Now()
	revision, err := write()
	if err == nil {
		if !l.held {
			l.s.Log.Info("this collector sends the webhooks")
		}
		l.held, l.revision = true, revision
		l.set(start.Add(l.s.Length * 9 / 10))
		return nil
	}
	if l.held && ctx.Err() == nil { // somebody else wrote, or an answer was lost: look again
		l.held, l.revision = false, 0
		l.set(time.Time{})
	}
	return fmt.Errorf("cannot take the lease: %w", err)
}

// release lets the next one take it at once.
func (l *Lease) release(ctx context.Context) {
	if !l.held {
		return
	}
	l.set(time.Time{})
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	if err := l.kv.Delete(ctx, l.s.Key, jetstream.LastRevision(l.revision)); err != nil {
		l.s.Log.Info("the lease on webhooks was not given back; it ends by itself", "error", err)
	}
	l.held, l.revision = false, 0
}
