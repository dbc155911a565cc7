package follow

import (
	"context"
	"crypto/sha256"
	"errors"
	"fmt"
	"io"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/bundle"
)

const (
	// Bucket is the usual name of the object store.
	Bucket = "ROLLCALL_KNOWLEDGE"
	// Object is the bundle in it.
	Object = "bundle.tar"
	// askTime bounds a question.
	askTime = 5 * time.Second
	// The reading of a bundle is given shortFetch, and the double at each further attempt, up to
	// longFetch: the library waits in vain until the end of that time for a bundle that another
	// replaced after its description was read, and a slow link needs long.
	shortFetch = 2 * time.Second
	longFetch  = 32 * time.Second
	// bucketPause is the longest pause before a bucket that is missing or broken is looked for again.
	bucketPause = 10 * time.Second
)

func digest(data []byte) string {
	sum := sha256.Sum256(data)
	return string(sum[:])
}

// sessions watches the bucket, and begins anew what breaks.
func (f *Follower) sessions(ctx context.Context) {
	source := "bucket " + f.s.Bucket
	for ctx.Err() == nil {
		err := f.watch(ctx, source)
		if ctx.Err() != nil {
			return
		}
		if !errors.Is(err, jetstream.ErrBucketNotFound) { // nothing was published yet
			f.s.Log.Warn("cannot watch for bundles; trying again", "bucket", f.s.Bucket, "error", err)
		}
		select {
		case <-time.After(min(f.s.Every, bucketPause)):
		case <-ctx.Done():
		}
	}
}

// watch fetches at every sign of news, until something breaks.
func (f *Follower) watch(ctx context.Context, source string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	begin := time.AfterFunc(2*askTime, cancel) // a lost answer would be waited for without end
	bucket, err := f.s.JetStream.ObjectStore(ctx, f.s.Bucket)
	if err != nil {
		return err
	}
	w, err := bucket.Watch(ctx)
	if err != nil {
		return err
	}
	begin.Stop()
	defer func() { _ = w.Stop() }()
	tick := time.NewTicker(f.s.Every)
	defer tick.Stop()
	for {
		if err := f.fetch(ctx, bucket, source); err != nil {
			return err
		}
		select {
		case _, ok := <-w.Updates():
			if !ok {
				return errors.New("the watch ended")
			}
		case <-tick.C: // what a broken connection swallowed
		case <-f.bucket:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
}

// fetch offers what is in the bucket, unless it was offered before. An error is one of the
// connection: it may pass.
func (f *Follower) fetch(ctx context.Context, bucket jetstream.ObjectStore, source string) error {
	info, err := describe(ctx, bucket)
	if errors.Is(err, jetstream.ErrObjectNotFound) || err == nil && f.isSettled(info.NUID) {
		return nil
	}
	if err != nil {
		return err
	}
	info, data, err := fetch(ctx, bucket, info)
	var unfit *unfitError
	switch {
	case errors.As(err, &unfit):
		f.fail(source, err)
		f.settle(info.NUID)
	case err != nil:
		return err
	default:
		f.settle(info.NUID) // before, so that Again holds whenever it comes
		if !f.offer(source, data) {
			f.settle("")
		}
	}
	return nil
}

func (f *Follower) isSettled(object string) bool {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.settled == object
}

func (f *Follower) settle(object string) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.settled = object
}

// describe asks what is in the bucket. A question that a broken connection swallowed ends soon.
func describe(ctx context.Context, bucket jetstream.ObjectStore) (*jetstream.ObjectInfo, error) {
	ctx, cancel := context.WithTimeout(ctx, askTime)
	defer cancel()
	return bucket.GetInfo(ctx, Object)
}

// unfitError says that an object is none that a bundle would be.
type unfitError struct{ why string }

func (e *unfitError) Error() string { return "cannot read the bundle in the bucket: " + e.why }

// fetch reads what info describes, or what replaced it in the meantime, and says which it was.
func fetch(ctx context.Context, bucket jetstream.ObjectStore, info *jetstream.ObjectInfo) (*jetstream.ObjectInfo, []byte, error) {
	for patience := shortFetch; ; {
		data, err := read(ctx, bucket, info, patience)
		if err == nil || ctx.Err() != nil {
			return info, data, err
		}
		now, gone := describe(ctx, bucket)
		if gone != nil {
			return info, nil, gone
		}
		if now.NUID == info.NUID {
			// Nobody replaced it: what is wrong with it stays, or the link is slow.
			if patience *= 2; patience > longFetch || !late(err) {
				return info, nil, err
			}
		}
		info = now
	}
}

// late says that the time given was not enough: the library has two names for it.
func late(err error) bool {
	return errors.Is(err, nats.ErrTimeout) || errors.Is(err, context.DeadlineExceeded)
}

// read reads what info describes within the time given.
func read(ctx context.Context, bucket jetstream.ObjectStore, info *jetstream.ObjectInfo, patience time.Duration) ([]byte, error) {
	switch {
	case info.Opts != nil && info.Opts.Link != nil:
		return nil, &unfitError{"it is a link to somewhere else"}
	case info.Size > bundle.MaxBytes:
		return nil, &unfitError{fmt.Sprintf("it has %d bytes, at most %d", info.Size, bundle.MaxBytes)}
	}
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	r, err := bucket.Get(ctx, Object)
	if err != nil {
		return nil, err
	}
	defer r.Close()
	data, err := io.ReadAll(io.LimitReader(r, bundle.MaxBytes+1))
	if errors.Is(err, jetstream.ErrDigestMismatch) {
		return nil, &unfitError{err.Error()}
	}
	return data, err
}
