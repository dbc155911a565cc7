package collector

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// compareStream holds a stream that was there already against what was asked for. An error is a
// retention with which reports are lost. What the configuration asks for and the stream does not
// have is a warning, since nothing else tells it; what the stream keeps less of than one that is
// made here is told: somebody may have chosen it.
func (c *collector) compareStream(got, want jetstream.StreamConfig) error {
	if got.Retention != jetstream.LimitsPolicy {
		return &natslink.StreamError{Stream: want.Name, Problems: []string{"it forgets what one consumer acknowledged, which others and a store that is rebuilt still need"}}
	}
	missing, less := unlike(got, want)
	if want.MaxBytes > 0 && got.MaxBytes != want.MaxBytes {
		bound := fmt.Sprintf("its bound is %d bytes and not %d", got.MaxBytes, want.MaxBytes)
		if got.MaxBytes <= 0 {
			bound = fmt.Sprintf("it has no bound, and not %d bytes", want.MaxBytes)
		}
		missing = append(missing, fmt.Sprintf("%s: nats stream edit %s --max-bytes %d", bound, want.Name, want.MaxBytes))
	}
	c.tellStream(want.Name, missing, less)
	return nil
}

// tellStream tells the log once how a stream differs from what was asked for.
func (c *collector) tellStream(name string, missing, less []string) {
	text := strings.Join(append(slices.Clone(missing), less...), "; ")
	c.saidMu.Lock()
	news := text != c.streamTold[name]
	if c.streamTold == nil {
		c.streamTold = map[string]string{}
	}
	c.streamTold[name] = text
	c.saidMu.Unlock()
	if !news {
		return
	}
	if len(missing) > 0 {
		c.s.Log.Warn("a stream is not as configured; what is there already is changed by hand", "stream", name, "differs", strings.Join(missing, "; "))
	}
	if len(less) > 0 {
		c.s.Log.Info("a stream keeps less than one that the collector makes", "stream", name, "differs", strings.Join(less, "; "))
	}
}

// streamsEvery is how often the streams that the collector writes into are looked at.
const streamsEvery = 5 * time.Minute

// keepStreams compares the streams of events and of dead letters, where they are there already, with
// those that the collector makes, until ctx ends.
func (c *collector) keepStreams(ctx context.Context) {
	for {
		for _, want := range []jetstream.StreamConfig{c.outbox.config(), c.dead.box.Config()} {
			c.compareWritten(ctx, want)
		}
		select {
		case <-time.After(streamsEvery):
		case <-ctx.Done():
			return
		}
	}
}

// compareWritten tells how a stream that the collector writes into differs from what was asked for.
// Of one that is not there or not to be seen, whoever writes into it makes it or tells why not.
func (c *collector) compareWritten(ctx context.Context, want jetstream.StreamConfig) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	if stream, err := c.js.Stream(ctx, want.Name); err == nil {
		got := stream.CachedInfo().Config
		missing, less := unlike(got, want)
		c.tellStream(want.Name, append(missing, refuses(got, want)...), append(less, losesSooner(got, want)...))
	}
}

// refuses says why a stream does not take all that is written into it, or lets it go before its time,
// or takes so much that the broker's store has no room for reports.
func refuses(got, want jetstream.StreamConfig) (why []string) {
	edit := ": nats stream edit " + want.Name
	for _, s := range want.Subjects {
		if !slices.Contains(got.Subjects, s) {
			all := strings.Join(append(slices.Clone(got.Subjects), s), ",")
			why = append(why, fmt.Sprintf("it does not listen on %s, so that nothing reaches it%s --subjects '%s'", s, edit, all))
		}
	}
	if got.NoAck {
		why = append(why, "it acknowledges nothing, so that all is sent again and again"+edit+" --ack")
	}
	if got.Discard != jetstream.DiscardOld {
		why = append(why, "it refuses what is new when it is full"+edit+" --discard old")
	}
	if got.MaxBytes <= 0 && want.MaxBytes > 0 {
		why = append(why, fmt.Sprintf("it has no bound in bytes, and may leave no room for reports%s --max-bytes %d", edit, want.MaxBytes))
	}
	for _, is := range []struct {
		so   bool
		what string
	}{
		{got.Retention != jetstream.LimitsPolicy, "it forgets what was acknowledged, or what nobody consumes"},
		{got.Sealed, "it is sealed"},
		{got.Mirror != nil, "it is a mirror"},
		{got.SubjectTransform != nil, "it changes subjects"},
	} {
		if is.so {
			why = append(why, fmt.Sprintf("%s: keep what it holds (nats stream backup %s DIR), take it away (nats stream rm %s), and the collector makes it anew", is.what, want.Name, want.Name))
		}
	}
	return why
}

// losesSooner says what of what is written a stream keeps less of.
func losesSooner(got, want jetstream.StreamConfig) (less []string) {
	if got.MaxBytes > 0 && got.MaxBytes < want.MaxBytes {
		less = append(less, fmt.Sprintf("%d bytes instead of %d", got.MaxBytes, want.MaxBytes))
	}
	if got.MaxMsgsPerSubject > 0 && want.MaxMsgsPerSubject <= 0 {
		less = append(less, fmt.Sprintf("%d messages of each subject", got.MaxMsgsPerSubject))
	}
	if got.MaxMsgSize > 0 {
		less = append(less, fmt.Sprintf("no message over %d bytes", got.MaxMsgSize))
	}
	if got.Storage != jetstream.FileStorage {
		less = append(less, "in memory, so nothing once its servers have ended")
	}
	return less
}

// What the broker answers where a stream cannot be made as asked for (JSStreamReplicasNotSupportedErr,
// JSClusterNoPeersErrF, JSStorageResourcesExceededErr and JSAccountResourcesExceededErr of nats-server).
const (
	notClustered jetstream.ErrorCode = 10074
	noPeers      jetstream.ErrorCode = 10005
	noStorage    jetstream.ErrorCode = 10047
	noAllowance  jetstream.ErrorCode = 10002
)

// advise says which option asks for what the broker does not give.
func advise(err error, want jetstream.StreamConfig) error {
	var api *jetstream.APIError
	if !errors.As(err, &api) {
		return err
	}
	switch api.ErrorCode {
	case notClustered, noPeers:
		return fmt.Errorf("%w; stream_replicas asks for %d servers of a cluster that have room: set it to what there is, at most", err, want.Replicas)
	case noStorage, noAllowance:
		return fmt.Errorf("%w; the stream may have %d bytes (stream_max_bytes; 0 or less is no bound): stay below max_file_store of the broker and the limits of its account", err, want.MaxBytes)
	}
	return err
}

// unlike says what was configured and is not so, and what else there is less of.
func unlike(got, want jetstream.StreamConfig) (missing, less []string) {
	if got.Replicas < want.Replicas {
		missing = append(missing, fmt.Sprintf("it is kept by %d of %d servers: nats stream edit %s --replicas %d", got.Replicas, want.Replicas, want.Name, want.Replicas))
	}
	if got.MaxMsgsPerSubject > 0 && got.MaxMsgsPerSubject < want.MaxMsgsPerSubject {
		less = append(less, fmt.Sprintf("%d messages of each gateway and kind instead of %d", got.MaxMsgsPerSubject, want.MaxMsgsPerSubject))
	}
	if got.MaxMsgs > 0 {
		less = append(less, fmt.Sprintf("%d messages in all", got.MaxMsgs))
	}
	if got.MaxAge > 0 && got.MaxAge < want.MaxAge {
		less = append(less, fmt.Sprintf("%s instead of %s", got.MaxAge, want.MaxAge))
	}
	if got.Duplicates < want.Duplicates {
		less = append(less, fmt.Sprintf("ids for %s instead of %s, so more comes twice", got.Duplicates.Round(time.Millisecond), want.Duplicates))
	}
	return missing, less
}
