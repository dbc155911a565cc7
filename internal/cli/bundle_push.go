package cli

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"
	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/bundle/follow"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// publishTime bounds the publishing of a bundle.
const publishTime = 5 * time.Minute

func bundlePushCommand() *cobra.Command {
	var p follow.Publication
	var n natslink.Settings
	c := &cobra.Command{
		Use:   "push FILE --nats-url URL",
		Short: "Publish a bundle to all collectors",
		Long: `Loads the bundle as a collector would, and puts it into the object store that collectors with
bundles.bucket watch. Each of them verifies it with its own bundles.trust.`,
		Example: "  rollcall bundle push --nats-url nats://127.0.0.1:4222 fleet-7.tar",
		Args:    cobra.ExactArgs(1),
		RunE:    func(c *cobra.Command, args []string) error { return bundlePush(c, args[0], n, p) },
	}
	f := c.Flags()
	f.StringSliceVar(&n.URLs, "nats-url", nil, "`URL`s of NATS servers")
	f.StringVar(&n.CredsFile, "creds", "", "`file` with credentials (JWT and seed)")
	f.StringVar(&n.NKeyFile, "nkey", "", "`file` with an NKey seed")
	f.StringVar(&n.CAFile, "ca", "", "`file` of the authority that the servers' certificates must be of")
	f.StringVar(&p.Bucket, "bucket", follow.Bucket, "`name` of the object store, which is made if it is missing")
	f.IntVar(&p.Replicas, "replicas", 1, "`number` of servers that keep a bucket which is made here")
	f.BoolVar(&p.Replace, "replace", false, "publish it also if the bucket holds one that is as new; collectors take it only with bundles.allow_older")
	if err := c.MarkFlagRequired("nats-url"); err != nil {
		panic(err) // the flag was defined above
	}
	return c
}

func bundlePush(c *cobra.Command, path string, n natslink.Settings, p follow.Publication) error {
	if p.Replicas < 1 || p.Replicas > 5 {
		return exit.Usagef("--replicas takes 1 to 5, not %d", p.Replicas)
	}
	data, err := readBundle(path)
	if err != nil {
		return err
	}
	b, err := bundle.Read(data)
	if err != nil {
		return err
	}
	if err := tryBundle(c, b); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(c.Context(), publishTime)
	defer cancel()
	n.Name = "rollcall-bundle"
	link, err := natslink.Connect(ctx, n)
	if err != nil {
		return err
	}
	defer link.Close()
	js, err := jetstream.New(link.Conn())
	if err != nil {
		return fmt.Errorf("cannot publish the bundle: %w", err)
	}
	if err := follow.Push(ctx, js, b, p); errors.Is(err, nats.ErrReconnectBufExceeded) { // no broker was there
		return fmt.Errorf("cannot publish to bucket %s: %w", p.Bucket, natslink.Why(link.Conn(), err))
	} else if err != nil {
		return err
	}
	_, err = fmt.Fprintf(c.OutOrStdout(), "published in bucket %s\n", p.Bucket)
	return writing(err)
}
