package collector

import (
	"context"
	"errors"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// Take stores envelopes that came another way than through the stream: from a file that a
// technician brought, say. They are believed, ordered and compared like all others, and it
// gives what became of each. Of s, Store and Base are needed, and Keys and Now are used.
func Take(ctx context.Context, s Settings, es ...*inventory.Envelope) ([]Outcome, error) {
	s = s.withDefaults()
	if s.Store == nil || s.Knowledge == nil {
		return nil, errors.New("cannot take envelopes: Store and Base are needed")
	}
	c := &collector{s: s, know: s.Knowledge, twins: newTwins(), keys: newKeyring(s.Keys), digests: newDigests(), packer: store.NewPacker()}
	c.asker, c.outbox = newAsker(nil, s.Log, s.Now), newOutbox(nil, s.Store, s.Log)
	var items []*item
	for i, e := range es {
		m := natslink.ToMsg(e)
		at := s.Now().UTC().Truncate(time.Microsecond)
		it := prepare(message{subject: m.Subject, header: m.Header, body: m.Data, received: at, sequence: uint64(at.UnixMicro()) + uint64(i), tries: 1})
		c.judgeNews(it)
		items = append(items, it)
	}
	if err := c.storeBatch(ctx, items); err != nil {
		return nil, err
	}
	out := make([]Outcome, len(items))
	for i, it := range items {
		out[i] = it.outcome
	}
	return out, nil
}
