package agent

import (
	"context"
	"errors"
	"fmt"
	"path/filepath"
	"sync"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// DaemonSettings of a Daemon. Outbox is the Daemon's own and stays empty.
type DaemonSettings struct {
	Settings
	Link  natslink.Settings
	Spool spool.Limits
}

// Daemon is an agent with its spool and its link.
type Daemon struct {
	*Agent
	spool  *spool.Spool
	link   *natslink.Link
	sender *natslink.Sender
}

// NewDaemon opens the spool, prepares the link and the agent. A broker that is away is no
// error; another process on the same state directory is one.
func NewDaemon(ctx context.Context, s DaemonSettings) (*Daemon, error) {
	s.Link.Gateway = s.Gateway.ID
	d := &Daemon{}
	var err error
	if d.spool, err = spool.Open(filepath.Join(s.StateDir, "spool"), s.Spool); err != nil {
		return nil, err
	}
	s.Outbox = outbox{d}
	if d.Agent, err = New(s.Settings); err != nil {
		return nil, errors.Join(err, d.spool.Close())
	}
	if d.link, err = natslink.Connect(ctx, s.Link); err != nil {
		return nil, errors.Join(err, d.spool.Close())
	}
	d.sender = natslink.NewSender(natslink.SenderSettings{
		Store: d.spool, Link: d.link, Up: d.link.Up(), Boot: d.order.Boot, Shrink: d.shrink,
	})
	return d, nil
}

// Run looks and sends until ctx ends.
func (d *Daemon) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { d.sender.Run(ctx) })
	err := d.Agent.Run(ctx)
	wg.Wait()
	return err
}

// Once makes one round and sends it and all that waited before it.
func (d *Daemon) Once(ctx context.Context) (*inventory.Report, error) {
	r, err := d.Agent.Once(ctx)
	if err != nil {
		return r, err
	}
	if err := d.sender.Drain(ctx); err != nil {
		return r, fmt.Errorf("the report is kept in %s and goes out with the next start: %w", d.settings.StateDir, err)
	}
	return r, nil
}

// Close ends the link and the spool. What was not sent stays in the spool.
func (d *Daemon) Close() error {
	d.link.Close()
	return d.spool.Close()
}

// shrink replaces a report that the server finds too large by one without transcripts.
func (d *Daemon) shrink(e *inventory.Envelope) bool {
	if e.Kind != inventory.KindReport {
		return false
	}
	r, err := inventory.DecodeReport(e.Body)
	if err != nil || r.Truncated {
		return false
	}
	shorten(r)
	r.ID = inventory.NewID()
	small, err := inventory.SealReport(r, d.key)
	return err == nil && d.kept(small, d.spool.Put(small)) == nil
}

// outbox is the spool, which wakes the sender, and the health of all that sends.
type outbox struct{ d *Daemon }

func (o outbox) Put(e *inventory.Envelope) error {
	defer o.d.sender.Wake()
	return o.d.spool.Put(e)
}

func (o outbox) Hold(e *inventory.Envelope) error {
	defer o.d.sender.Wake()
	return o.d.spool.Hold(e)
}

func (o outbox) Health() []inventory.Warning {
	return append(append(o.d.spool.Health(), o.d.link.Health()...), o.d.sender.Health()...)
}
