package collector

import (
	"context"
	"errors"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// health is what the collector knows of its own state.
type health struct {
	mu    sync.Mutex
	since time.Time // of the session; zero: there is none
	cons  jetstream.Consumer
	// sweptAt and sweptNow are when gateways were last looked at in this session, see swept.
	sweptAt, sweptNow time.Time
	broker            error
	storing           error
	pinging           string // why the store did not answer, as the log was told
}

func (h *health) session(since time.Time, cons jetstream.Consumer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since, h.cons, h.sweptAt = since, cons, time.Time{}
	if cons != nil {
		h.broker = nil
	}
}

func (h *health) lost(err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.broker = err
}

func (h *health) stored(_ time.Time, err error) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.storing = err
}

func (h *health) listening() (time.Time, jetstream.Consumer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.since, h.cons
}

// swept notes when gateways were looked at, by the broker's clock and by this program's, and says
// whether the first went another way since the last time than the second, which only counts what
// passes: a machine slept, or a clock was set. Then all look as if they had been silent for as long,
// so that listening begins anew.
func (h *health) swept(at, now time.Time) (slept bool) {
	h.mu.Lock()
	defer h.mu.Unlock()
	at = at.Round(0) // what the clock says, not what passes
	if slept = !h.sweptAt.IsZero() && (at.Sub(h.sweptAt)-now.Sub(h.sweptNow)).Abs() > clockStep; slept && h.cons != nil {
		h.since = now
	}
	h.sweptAt, h.sweptNow = at, now
	return slept
}

// unready is why the collector does not work, in words that anybody may read: whoever reaches
// the listener may ask, and a database's errors name its host and its user.
type unready struct {
	text string
	err  error
}

func (u *unready) Error() string { return u.text + "; the log says why" }
func (u *unready) Unwrap() error { return u.err }

// pinged tells the log once why the store does not answer.
func (c *collector) pinged(err error) {
	text := ""
	if err != nil {
		text = err.Error()
	}
	c.health.mu.Lock()
	news := text != c.health.pinging
	c.health.pinging = text
	c.health.mu.Unlock()
	if news && err != nil {
		c.s.Log.Warn("the store does not answer", "error", err)
	}
}

// ready says what keeps the collector from its work, or nil.
func (c *collector) ready(ctx context.Context) error {
	c.health.mu.Lock()
	cons, broker, storing := c.health.cons, c.health.broker, c.health.storing
	c.health.mu.Unlock()
	var errs []error
	switch {
	case !c.s.Conn.IsConnected():
		errs = append(errs, errors.New("not connected to NATS"))
	case cons == nil && broker != nil:
		errs = append(errs, &unready{"not consuming", broker})
	case cons == nil:
		errs = append(errs, errors.New("not consuming yet"))
	}
	if storing != nil {
		errs = append(errs, &unready{"the last batch could not be stored", storing})
	}
	err := c.s.Store.Ping(ctx)
	if c.pinged(err); err != nil {
		errs = append(errs, &unready{"the store does not answer", err})
	}
	return errors.Join(errs...)
}
