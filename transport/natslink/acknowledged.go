package natslink

import (
	"context"

	"github.com/nats-io/nats.go/jetstream"
)

// Acknowledged waits until JetStream has acknowledged all that was published, or ctx ends. The
// error is that of the first one that failed.
func Acknowledged(ctx context.Context, published []jetstream.PubAckFuture) error {
	for _, f := range published {
		select {
		case <-f.Ok():
		case err := <-f.Err():
			return err
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}
