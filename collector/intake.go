package collector

import (
	"context"
	"errors"
	"fmt"
	"runtime"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// ConsumerName is the durable consumer of a store, which all collectors that share the
// store share too. Another store, also one that replaces a lost one, reads the stream from
// its beginning with a consumer of its own.
func ConsumerName(identity string) string { return "collector-" + identity }

const (
	// inFlight bounds the bytes that were taken from the broker and are not stored yet.
	inFlight = 16 << 20
	// poisonTries is how often a message that cannot be stored is tried.
	poisonTries = 3
)

// handle acknowledges one message. jetstream.Msg is one.
type handle interface {
	Ack() error
	NakWithDelay(time.Duration) error
	TermWithReason(string) error
}

// consume runs one session with the broker: until ctx ends (nil) or the session is of no
// more use.
func (c *collector) consume(ctx context.Context) error {
	cons, err := c.consumer(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	in := make(chan *item, 4*c.s.Batch)
	out := make(chan *item, 4*c.s.Batch)
	room := newRoom(inFlight)
	defer context.AfterFunc(ctx, room.close)()
	cc, err := cons.Consume(func(m jetstream.Msg) {
		if room.take(len(m.Data())) {
			in <- &item{message: message{body: m.Data()}, handle: m}
		}
	}, jetstream.PullMaxMessages(2*c.s.Batch), jetstream.ConsumeErrHandler(func(_ jetstream.ConsumeContext, err error) {
		if fatal(err) {
			cancel(err)
		}
	}))
	if err != nil {
		return fmt.Errorf("cannot consume from stream %s: %w", natslink.Stream, err)
	}
	c.health.session(c.s.Now(), cons)
	c.begun.Do(func() {
		if c.s.Ready != nil {
			c.s.Ready()
		}
	})
	defer c.health.session(time.Time{}, nil)
	var workers, writer sync.WaitGroup
	for range c.workers() {
		workers.Go(func() { c.work(in, out) })
	}
	for range c.s.Store.Writers() {
		writer.Go(func() { c.write(ctx, out, room) })
	}
	<-ctx.Done()
	cc.Stop()
	<-cc.Closed() // no callback runs any more
	close(in)
	workers.Wait()
	close(out)
	writer.Wait()
	if err := context.Cause(ctx); !errors.Is(err, context.Canceled) {
		return err
	}
	return nil
}

func (c *collector) workers() int {
	if c.s.Workers > 0 {
		return c.s.Workers
	}
	return max(1, runtime.GOMAXPROCS(0)/2)
}

// fatal says whether a consume session has to be begun anew: its consumer or stream is gone,
// or no longer what it was. What the client mends by itself is not.
func fatal(err error) bool {
	return errors.Is(err, jetstream.ErrConsumerDeleted) || errors.Is(err, jetstream.ErrConsumerNotFound) ||
		errors.Is(err, jetstream.ErrNoHeartbeat) || errors.Is(err, jetstream.ErrBadRequest) ||
		errors.Is(err, jetstream.ErrConnectionClosed) || errors.Is(err, jetstream.ErrServerShutdown)
}

// consumer asserts the stream and the consumer.
func (c *collector) consumer(ctx context.Context) (jetstream.Consumer, error) {
	ctx, cancel := context.WithTimeout(ctx, 10*time.Second)
	defer cancel()
	identity, err := c.s.Store.Identity(ctx)
	if err != nil {
		return nil, err
	}
	config := natslink.StreamConfig()
	config.Replicas = max(1, c.s.Replicas)
	if c.s.StreamBytes > 0 {
		config.MaxBytes = c.s.StreamBytes
	}
	stream, err := natslink.AssertStream(ctx, c.js, config)
	if err != nil {
		return nil, advise(err, config)
	}
	if err := c.compareStream(stream.CachedInfo().Config, config); err != nil {
		return nil, err
	}
	cons, err := stream.CreateOrUpdateConsumer(ctx, jetstream.ConsumerConfig{
		Durable:     ConsumerName(identity),
		Description: "Rollcall collectors of one store share it; a message is acknowledged when it is stored",
		FilterSubjects: []string{
			natslink.Subject(inventory.KindReport, "*"), natslink.Subject(inventory.KindHeartbeat, "*"),
		},
		DeliverPolicy: jetstream.DeliverAllPolicy,
		AckPolicy:     jetstream.AckExplicitPolicy,
		AckWait:       c.ackWait,
		MaxDeliver:    -1, // a full disk may last; poison is counted here
		MaxAckPending: 20 * c.s.Batch,
		// As long as the stream keeps messages: then nothing is lost with it.
		InactiveThreshold: natslink.StreamConfig().MaxAge,
	})
	if err != nil {
		return nil, fmt.Errorf("cannot assert consumer %s of stream %s: %w", ConsumerName(identity), natslink.Stream, err)
	}
	return cons, nil
}

// work verifies, decodes and, where it is news, identifies: all that needs no store. It takes
// together what is there already and waits for nothing more.
func (c *collector) work(in <-chan *item, out chan<- *item) {
	for first := range in {
		batch := gather(first, in, signedAtOnce)
		ms := make([]message, len(batch))
		for i, it := range batch {
			ms[i] = delivered(it.handle.(jetstream.Msg))
		}
		for i, ready := range prepareAll(ms, &c.decoded) {
			ready.handle = batch[i].handle
			c.judgeNews(ready)
			out <- ready
		}
	}
}

func delivered(m jetstream.Msg) message {
	d := message{subject: m.Subject(), header: m.Headers(), body: m.Data()}
	if meta, err := m.Metadata(); err == nil {
		d.received, d.sequence, d.tries = meta.Timestamp, meta.Sequence.Stream, meta.NumDelivered
	}
	return d
}

// gather gives first and what more can be had at once, most at most.
func gather(first *item, from <-chan *item, most int) []*item {
	batch := []*item{first}
	for len(batch) < most {
		select {
		case it, ok := <-from:
			if !ok {
				return batch
			}
			batch = append(batch, it)
		default:
			return batch
		}
	}
	return batch
}

// judgeNews identifies and packs ahead of the transaction what will be needed in it.
func (c *collector) judgeNews(it *item) {
	if it.report == nil || c.digests.has(it.gateway, it.report.digest) {
		return
	}
	defer func() {
		if p := recover(); p != nil {
			it.report, it.outcome = nil, reject(Poison, "identifying ended in a panic: %v", p)
		}
	}()
	c.likes(c.know.Now()).judge(it.report)
	it.report.packed = c.packer.Pack(it.report.signed.Body)
}

// write stores batches until out is closed and empty.
func (c *collector) write(ctx context.Context, out <-chan *item, room *room) {
	last, cancel := context.WithCancel(context.WithoutCancel(ctx))
	defer cancel()
	defer context.AfterFunc(ctx, func() { time.AfterFunc(c.drainTime, cancel) })()
	for it := range out {
		batch := gather(it, out, c.s.Batch)
		bytes := 0
		for _, it := range batch {
			bytes += len(it.body)
		}
		c.finish(last, batch)
		room.give(bytes)
	}
}

// finish stores a batch and acknowledges it, or sees to it that it comes again.
func (c *collector) finish(ctx context.Context, batch []*item) {
	failed := false
	for pause := 100 * time.Millisecond; ; pause = min(2*pause, 30*time.Second) {
		start := time.Now()
		err := c.storeBatch(ctx, batch)
		if err == nil {
			if failed {
				c.s.Log.Info("storing again", "messages", len(batch))
			}
			c.health.stored(c.s.Now(), nil)
			c.metrics.batch(len(batch), time.Since(start))
			c.acknowledge(batch)
			return
		}
		if ctx.Err() != nil {
			return // not acknowledged: the broker delivers it again
		}
		c.health.stored(c.s.Now(), err)
		c.metrics.failures.Inc()
		if !errors.Is(err, store.ErrFull) && c.s.Store.Ping(ctx) == nil {
			c.isolate(ctx, batch, err)
			return
		}
		failed = true
		c.s.Log.Error("cannot store; trying again", "error", err, "messages", len(batch), "pause", pause)
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// isolate finds the message for whose sake a batch cannot be stored: halves, and their halves.
func (c *collector) isolate(ctx context.Context, batch []*item, err error) {
	if len(batch) > 1 {
		c.finish(ctx, batch[:len(batch)/2])
		c.finish(ctx, batch[len(batch)/2:])
		return
	}
	it := batch[0]
	if it.tries < poisonTries || it.outcome.Verdict == Rejected {
		c.s.Log.Warn("cannot store a message; it will come again", "subject", it.subject, "sequence", it.sequence, "try", it.tries, "error", err)
		_ = it.handle.NakWithDelay(c.nakWait) // if this is lost, ackWait does the same
		return
	}
	it.report, it.beat = nil, nil
	it.outcome = Outcome{Rejected, Poison, err}
	c.finish(ctx, batch)
}

func (c *collector) acknowledge(batch []*item) {
	c.dead.bury(batch)
	for _, it := range batch {
		c.metrics.outcome(it)
		switch {
		case it.outcome.Verdict == Rejected:
			c.s.Log.Warn("rejected a message", "subject", it.subject, "reason", it.outcome.Reason, "error", it.outcome.Err)
			_ = it.handle.TermWithReason(string(it.outcome.Reason))
		default:
			_ = it.handle.Ack() // lost: it comes again, and is the same
		}
		if it.report != nil && it.outcome.Verdict == New {
			c.digests.put(it.gateway, it.report.digest)
		}
	}
}

// storeBatch settles and stores in one transaction.
func (c *collector) storeBatch(ctx context.Context, batch []*item) error {
	var gateways []string
	reports := false
	for _, it := range batch {
		if it.outcome.Verdict != Rejected {
			gateways = append(gateways, it.gateway)
			reports = reports || it.report != nil
		}
	}
	var s *settler
	settle := func(tx store.Tx, known map[string]*store.Gateway) error {
		s = c.settler(tx, known)
		b, err := s.settle(batch)
		if err != nil {
			return err
		}
		return tx.Put(b)
	}
	err := errSilent
	if !reports {
		err = c.s.Store.UpdateBriefly(ctx, gateways, noneSilent(settle))
	}
	if errors.Is(err, errSilent) {
		err = c.s.Store.Update(ctx, gateways, settle)
	}
	if err != nil {
		return err
	}
	c.keys.tell(s.claimed)
	c.tell(s.out.Events, s.dropped)
	c.twins.note(s.imeis)
	for _, w := range s.ask {
		c.asker.want(w)
	}
	return nil
}

// errSilent: a gateway is heard again, and has to be judged, for which it is loaded whole.
var errSilent = errors.New("a gateway was silent")

// noneSilent runs settle where all gateways are known to be heard of.
func noneSilent(settle func(store.Tx, map[string]*store.Gateway) error) func(store.Tx, map[string]*store.Gateway) error {
	return func(tx store.Tx, known map[string]*store.Gateway) error {
		for _, g := range known {
			if g.Silent {
				return errSilent
			}
		}
		return settle(tx, known)
	}
}

// tell has events go out that were stored just now, some of them in the place of dropped ones.
func (c *collector) tell(stored []store.Event, dropped map[store.EventKind]int) {
	if len(stored) == 0 {
		return
	}
	c.metrics.happened(stored, dropped)
	c.outbox.wake()
}

// rejected is the row of a message that was not believed.
func rejected(it *item, most int) store.Rejected {
	text := ""
	if it.outcome.Err != nil {
		text = it.outcome.Err.Error()
	}
	return store.Rejected{Received: it.received.UTC(), Sequence: it.sequence, Subject: printable(it.subject, 200), Gateway: it.gateway, Key: it.key,
		Reason: string(it.outcome.Reason), Text: printable(text, 1000), Size: len(it.body), Body: it.body[:min(len(it.body), most)]}
}
