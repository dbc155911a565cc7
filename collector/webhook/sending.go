package webhook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/collector/store"
)

const (
	// atOnce is how many events are read at once.
	atOnce = 100
	// noteTime bounds the note of how far a hook came, and a dead letter.
	noteTime = 5 * time.Second
)

// sending is one hook at work. All of it is its goroutine's own.
type sending struct {
	Hook
	s        Settings
	m        *metrics
	client   *http.Client
	identity string
	// tries counts those of the event that is due, failures those since the last success, which
	// was before since.
	tries, failures int
	since           time.Time
	closed          bool
}

func newSending(h Hook, s Settings, m *metrics) *sending {
	m.failing.WithLabelValues(h.Name).Set(0)
	return &sending{Hook: h, s: s, m: m, client: newClient(&h)}
}

// run sends until ctx ends or the receiver wants no more.
func (h *sending) run(ctx context.Context) {
	defer h.client.CloseIdleConnections()
	for !h.closed {
		select {
		case <-time.After(h.round(ctx)):
		case <-ctx.Done():
			return
		}
	}
}

// round sends what is due and gives the pause before the next one.
func (h *sending) round(ctx context.Context) time.Duration {
	if !h.mayGoOn(ctx) {
		return h.s.Every
	}
	events, err := h.due(ctx)
	if err != nil {
		if ctx.Err() == nil { // else it was told to end
			h.s.Log.Warn("cannot read events for a webhook; trying again", "webhook", h.Name, "error", err)
		}
		return h.s.Every
	}
	passed := int64(0) // up to which nothing was to be sent
	for i := range events {
		e := &events[i]
		if !h.wants(e) {
			passed = e.No
			continue
		}
		if !h.mayGoOn(ctx) {
			break
		}
		if pause, ok := h.deliver(ctx, e, events[i:]); !ok {
			return pause
		}
		passed = 0
	}
	if passed > 0 {
		if err := h.note(ctx, passed); err != nil {
			h.s.Log.Warn("cannot note how far a webhook came", "webhook", h.Name, "error", err)
		}
	}
	if len(events) == atOnce {
		return 0
	}
	return h.s.Every
}

// mayGoOn says whether a try and its note fit into the time for which this program alone sends.
func (h *sending) mayGoOn(ctx context.Context) bool {
	return ctx.Err() == nil && (h.s.Lease == nil || time.Now().Add(h.Timeout+2*noteTime).Before(h.s.Lease.Until()))
}

// due reads the events after those that are done. A hook that is new begins after the newest.
func (h *sending) due(ctx context.Context) ([]store.Event, error) {
	if h.identity == "" {
		var err error
		if h.identity, err = h.s.Store.Identity(ctx); err != nil {
			return nil, err
		}
	}
	n, err := h.s.Store.Mark(ctx, h.mark())
	if err != nil {
		return nil, err
	}
	if n == 0 { // never noted; a note is one more than the number of the event
		newest, err := h.s.Store.Events(ctx, store.EventFilter{}, store.Page{Limit: 1})
		if err != nil {
			return nil, err
		}
		if len(newest.Items) > 0 {
			n = newest.Items[0].No
		}
		return nil, h.note(ctx, n)
	}
	return h.s.Store.EventsAfter(ctx, n-1, atOnce)
}

func (h *sending) mark() string { return "webhook:" + h.Name }

// note keeps that all events up to a number are done, also when the program is to end.
func (h *sending) note(ctx context.Context, no int64) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	return h.s.Store.SetMark(ctx, h.mark(), no+1)
}

// deliver tries an event once. Where it is not done, it gives the pause before the next try.
func (h *sending) deliver(ctx context.Context, e *store.Event, due []store.Event) (time.Duration, bool) {
	body, err := encode(e, h.identity)
	if err != nil {
		return h.put(ctx, e, body, err)
	}
	r := h.post(context.WithoutCancel(ctx), e.Key(), body) // bounded by Timeout
	switch {
	case r.verdict == taken:
		h.m.count(h.Name, "sent")
		return h.done(ctx, e)
	case r.verdict == gone:
		h.closed = true
		h.m.failing.WithLabelValues(h.Name).Set(1)
		h.s.Log.Error("the receiver of a webhook is gone (410) and gets nothing more until the next start; events wait", "webhook", h.Name)
		return 0, false
	}
	h.fail(r.err)
	if r.verdict == refused && h.tries >= h.Tries {
		return h.put(ctx, e, body, r.err)
	}
	if h.outlived() {
		if err := h.giveUp(ctx, due, r.err); err != nil {
			h.s.Log.Warn("cannot put events into the dead letters; they are kept", "webhook", h.Name, "error", err)
		}
	}
	return max(h.pause(), r.after), false
}

// done notes that an event is sent or buried.
func (h *sending) done(ctx context.Context, e *store.Event) (time.Duration, bool) {
	if h.failures > 0 {
		h.s.Log.Info("a webhook works again", "webhook", h.Name, "failures", h.failures)
	}
	h.tries, h.failures = 0, 0
	h.m.failing.WithLabelValues(h.Name).Set(0)
	if err := h.note(ctx, e.No); err != nil {
		h.s.Log.Warn("cannot note how far a webhook came; the event will be sent again", "webhook", h.Name, "error", err)
		return h.pause(), false
	}
	return 0, true
}

func (h *sending) fail(err error) {
	if h.failures == 0 {
		h.since = time.Now()
	}
	h.tries++
	h.failures++
	h.m.count(h.Name, "failed")
	h.m.failing.WithLabelValues(h.Name).Set(1)
	h.s.Log.Warn("a webhook failed; trying again", "webhook", h.Name, "error", err, "failures", h.failures)
}

// outlived says whether the hook has failed for so long that the past is given up.
func (h *sending) outlived() bool { return h.failures > 0 && time.Since(h.since) >= h.GiveUp }

// giveUp buries all due events that are as old as is waited for.
func (h *sending) giveUp(ctx context.Context, due []store.Event, why error) error {
	for i := range due {
		e := &due[i]
		if time.Since(e.At) < h.GiveUp {
			return nil
		}
		if h.wants(e) {
			body, err := encode(e, h.identity)
			if err != nil {
				return err
			}
			if err := h.bury(ctx, e, body, why); err != nil {
				return err
			}
			h.tries = 0
		}
		if err := h.note(ctx, e.No); err != nil {
			return err
		}
	}
	return nil
}

// put buries one event and goes on.
func (h *sending) put(ctx context.Context, e *store.Event, body []byte, why error) (time.Duration, bool) {
	if err := h.bury(ctx, e, body, why); err != nil {
		h.s.Log.Warn("cannot put an event into the dead letters; it is kept", "webhook", h.Name, "error", err)
		return h.pause(), false
	}
	h.tries = 0
	if err := h.note(ctx, e.No); err != nil {
		return h.pause(), false
	}
	return 0, true
}

func (h *sending) bury(ctx context.Context, e *store.Event, body []byte, why error) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), noteTime)
	defer cancel()
	err := h.s.Dead.Put(ctx, deadletter.Letter{
		Reason: "webhook", Text: fmt.Sprintf("%s, %d tries: %v", h.Name, h.tries, why), ID: h.Name + "." + e.Key(),
		Subject: "webhook " + h.Name, Header: nats.Header{"Webhook-Id": {e.Key()}}, Body: body, Time: e.At,
	})
	if err == nil {
		h.m.count(h.Name, "dead")
		h.s.Log.Error("an event was given up and is in the dead letters", "webhook", h.Name, "event", e.Key(), "kind", e.Kind, "gateway", e.Gateway, "error", why)
	}
	return err
}

// pause grows with failures, and half of it is chance, so that hooks of one receiver that
// came back do not come at once.
func (h *sending) pause() time.Duration {
	longest := h.s.MostPause
	if shift := max(h.failures-1, 0); shift < 20 {
		longest = min(h.s.FirstPause<<shift, h.s.MostPause)
	}
	return longest/2 + rand.N(longest/2+1)
}
