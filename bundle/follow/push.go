package follow

import (
	"bytes"
	"context"
	"errors"
	"fmt"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/bundle"
)

// Publication says where and how a bundle is published.
type Publication struct {
	// Bucket is made if it is missing. "" is [Bucket].
	Bucket string
	// Replicas of a bucket that is made here. 0 is 1.
	Replicas int
	// Replace lets a bundle be published that is not newer than the one in the bucket.
	// Collectors take it only if they allow older ones.
	Replace bool
}

// Push publishes a bundle to all collectors that watch the bucket.
func Push(ctx context.Context, js jetstream.JetStream, b *bundle.Bundle, p Publication) error {
	if p.Bucket == "" {
		p.Bucket = Bucket
	}
	bucket, err := js.ObjectStore(ctx, p.Bucket)
	if errors.Is(err, jetstream.ErrBucketNotFound) {
		bucket, err = js.CreateObjectStore(ctx, jetstream.ObjectStoreConfig{
			Bucket: p.Bucket, Description: "Rollcall: knowledge for collectors, signed",
			Storage: jetstream.FileStorage, MaxBytes: 8 * bundle.MaxBytes, Replicas: max(1, p.Replicas),
		})
	}
	if err != nil {
		return fmt.Errorf("cannot publish to bucket %s: %w", p.Bucket, err)
	}
	if err := newer(ctx, bucket, b); err != nil && !p.Replace {
		return fmt.Errorf("cannot publish to bucket %s: %w", p.Bucket, err)
	}
	if _, err := bucket.Put(ctx, jetstream.ObjectMeta{Name: Object, Description: b.String()}, bytes.NewReader(b.Bytes())); err != nil {
		return fmt.Errorf("cannot publish to bucket %s: %w", p.Bucket, err)
	}
	return nil
}

// newer says whether b may follow what the bucket holds. What is no bundle may be replaced.
func newer(ctx context.Context, bucket jetstream.ObjectStore, b *bundle.Bundle) error {
	info, err := describe(ctx, bucket)
	var data []byte
	if err == nil {
		_, data, err = fetch(ctx, bucket, info)
	}
	var unfit *unfitError
	switch {
	case errors.Is(err, jetstream.ErrObjectNotFound), errors.As(err, &unfit):
		return nil
	case err != nil:
		return err
	}
	there, err := bundle.Read(data)
	if err != nil || there.Digest() == b.Digest() || there.Version < b.Version {
		return nil
	}
	return fmt.Errorf("bundle %s is %w there: %s", b, ErrOlder, there)
}
