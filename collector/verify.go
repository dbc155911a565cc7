package collector

import (
	"errors"
	"iter"

	"github.com/rollcall-iot/rollcall/internal/batchverify"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// signedAtOnce bounds the messages whose signatures are verified together. More gain little,
// and the bytes in hand would be many.
const signedAtOnce = 1024

// prepareAll does all that needs no store: it checks the signatures, all together, and decodes, one
// message at a time, since what is decoded is large. A panic over hostile bytes is a rejection, not
// an end. keys remembers those that signed.
func prepareAll(ms []message, keys *batchverify.Keys) iter.Seq2[int, *item] {
	items := make([]*item, len(ms))
	for i := range ms {
		items[i] = &item{message: ms[i]}
		items[i].guarded(items[i].read)
	}
	verify(items, keys)
	return func(yield func(int, *item) bool) {
		for i, it := range items {
			items[i] = nil // what was handed on is another's
			if it.outcome.Verdict != Rejected {
				it.guarded(it.open)
			}
			if !yield(i, it) {
				return
			}
		}
	}
}

func prepare(m message) *item {
	for _, it := range prepareAll([]message{m}, new(batchverify.Keys)) {
		return it
	}
	return nil
}

// guarded sets the outcome to what step gives.
func (it *item) guarded(step func() Outcome) {
	defer func() {
		if p := recover(); p != nil {
			it.report, it.beat = nil, nil
			it.outcome = reject(Poison, "decoding it ended in a panic: %v", p)
		}
	}()
	it.outcome = step()
}

// read takes what is signed, by whom and for whom, from the message.
func (it *item) read() Outcome {
	e, err := natslink.FromMsg(it.subject, it.header, it.body)
	if err != nil {
		if errors.Is(err, inventory.ErrTooLarge) {
			return Outcome{Rejected, TooLarge, err}
		}
		return Outcome{Rejected, Unsigned, err}
	}
	it.gateway, it.key = e.Gateway, inventory.EncodeKey(e.Key)
	if len(e.Signature) == 0 {
		return reject(Unsigned, "%s of gateway %q has no signature", e.Kind, e.Gateway)
	}
	it.signed = e
	return Outcome{}
}

// verify rejects what its key did not sign. Nothing hostile can make it panic: it only does
// arithmetic on bytes of known length.
func verify(items []*item, keys *batchverify.Keys) {
	claims := make([]batchverify.Claim, 0, len(items))
	var claimed []*item
	for _, it := range items {
		if e := it.signed; e != nil {
			claims = append(claims, batchverify.Claim{Key: e.Key, Prefix: e.Kind.Purpose(), Message: e.Body, Signature: e.Signature})
			claimed = append(claimed, it)
		}
	}
	for i, good := range keys.Verify(claims) {
		if it := claimed[i]; !good {
			it.outcome = reject(BadSignature, "%s %q of gateway %q: %w", it.signed.Kind, it.signed.ID, it.gateway, inventory.ErrSignature)
		}
	}
}
