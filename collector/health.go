package collector

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/nats-io/nats.go/jetstream"
)

// health is what the collector knows of its own state.
type health struct {
	mu      sync.Mutex
	since   time.Time // of the session; zero: there is none
	cons    jetstream.Consumer
	broker  error
	storing error
}

func (h *health) session(since time.Time, cons jetstream.Consumer) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.since, h.cons = since, cons
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
		errs = append(errs, broker)
	case cons == nil:
		errs = append(errs, errors.New("not consuming yet"))
	}
	if storing != nil {
		errs = append(errs, fmt.Errorf("the last batch could not be stored: %w", storing))
	}
	if err := c.s.Store.Ping(ctx); err != nil {
		errs = append(errs, err)
	}
	return errors.Join(errs...)
}
