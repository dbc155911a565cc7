package collector

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/micro"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
)

// scanTime is how long a gateway may take to say that it will look.
const scanTime = 10 * time.Second

// scanner asks gateways, over NATS, to look at their modules now.
type scanner struct{ conn *nats.Conn }

var _ fleet.Scanner = scanner{}

// Scan implements [fleet.Scanner].
func (s scanner) Scan(ctx context.Context, gateway string) error {
	if err := inventory.CheckGatewayID(gateway); err != nil { // it becomes a part of a subject
		return fmt.Errorf("cannot ask gateway %q: %w", gateway, err)
	}
	ctx, cancel := context.WithTimeout(ctx, scanTime)
	defer cancel()
	m, err := s.conn.RequestWithContext(ctx, natslink.ScanSubject(gateway), nil)
	switch {
	case errors.Is(err, nats.ErrNoResponders), errors.Is(err, context.DeadlineExceeded):
		return fmt.Errorf("cannot ask gateway %q: %w", gateway, fleet.ErrAway)
	case err != nil:
		return fmt.Errorf("cannot ask gateway %q: %w", gateway, err)
	}
	return refused(gateway, m.Header)
}

// refused reads what a micro service says in headers.
func refused(gateway string, h nats.Header) error {
	code := h.Get(micro.ErrorCodeHeader)
	if code == "" {
		return nil
	}
	if code == "429" {
		wait, err := strconv.Atoi(h.Get("Retry-After"))
		if err != nil || wait < 1 || wait > 3600 {
			wait = 60
		}
		return fmt.Errorf("cannot ask gateway %q: %w", gateway, &fleet.BusyError{Wait: time.Duration(wait) * time.Second})
	}
	return fmt.Errorf("gateway %q answers %q (%q): %w", gateway, h.Get(micro.ErrorHeader), code, fleet.ErrAway)
}
