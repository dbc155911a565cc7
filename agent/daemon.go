package agent

import (
	"context"
	"errors"
	"fmt"
	"net"
	"path/filepath"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// DaemonSettings of a Daemon. Outbox is the Daemon's own and stays empty.
type DaemonSettings struct {
	Settings
	Link  natslink.Settings
	Spool spool.Limits
	// StatusFile is kept current with Status. It belongs on a tmpfs. Empty: none.
	StatusFile string
	// MetricsListen is an address on loopback where Prometheus may ask. Empty: nowhere.
	MetricsListen string
}

// Daemon is an agent with its spool and its link.
type Daemon struct {
	*Agent
	spool      *spool.Spool
	link       *natslink.Link
	sender     *natslink.Sender
	statusFile string
	metrics    net.Listener // or nil
	writing    sync.Mutex   // held while the status file is written
	// The last sequence that the server gave us. One that is lower tells that its store
	// is another one, or an older one.
	sequence uint64
}

// NewDaemon opens the spool, prepares the link and the agent. A broker that is away is no
// error; another process on the same state directory is one.
func NewDaemon(ctx context.Context, s DaemonSettings) (*Daemon, error) {
	s.Link.Gateway, s.Link.Background = s.Gateway.ID, true // the first look does not wait for a server
	d := &Daemon{statusFile: s.StatusFile}
	var err error
	if d.spool, err = spool.Open(filepath.Join(s.StateDir, "spool"), s.Spool); err != nil {
		return nil, err
	}
	s.Outbox = outbox{d}
	if d.Agent, err = New(s.Settings); err != nil {
		return nil, errors.Join(err, d.spool.Close())
	}
	if s.MetricsListen != "" {
		if d.metrics, err = listenMetrics(ctx, s.MetricsListen); err != nil {
			return nil, errors.Join(err, d.spool.Close())
		}
	}
	// In the background it takes no time, and an end that comes now is for Run to take.
	if d.link, err = natslink.Connect(context.WithoutCancel(ctx), s.Link); err != nil {
		return nil, errors.Join(err, d.stopMetrics(), d.spool.Close())
	}
	d.sender = natslink.NewSender(natslink.SenderSettings{
		Store: d.spool, Link: d.link, Up: d.link.Up(), Boot: d.order.Boot, Shrink: d.shrink, Delivered: d.delivered,
	})
	d.told = d.writeStatus
	return d, nil
}

// Run looks, sends and answers requests until ctx ends. It ends the link.
func (d *Daemon) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	wg.Go(func() { d.sender.Run(ctx) })
	wg.Go(func() { d.flush(ctx) })
	wg.Go(func() { d.tellHealth(ctx) })
	wg.Go(func() {
		// A server that is slow to greet holds this up, and nothing else.
		if err := d.serve(); err != nil && ctx.Err() == nil {
			d.health.set("no-service", inventory.SeverityWarning, err)
		}
	})
	if d.metrics != nil {
		wg.Go(func() { d.serveMetrics(ctx, d.metrics) })
	}
	err := d.Agent.Run(ctx)
	err = errors.Join(err, d.stopMetrics())
	d.link.Close()
	wg.Wait()
	return err
}

// flushEvery is how often what the disk refused is tried again.
const flushEvery = 10 * time.Minute

func (d *Daemon) flush(ctx context.Context) {
	t := time.NewTicker(flushEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
			d.spool.Flush()
		}
	}
}

// delivered takes a receipt. Where the server counts lower than before, it has lost what
// it held (a store that is empty, or restored from a backup), and the last full report
// goes out again at once.
func (d *Daemon) delivered(e *inventory.Envelope, r natslink.Receipt) {
	d.mu.Lock()
	lost := !r.Duplicate && r.Sequence <= d.sequence
	d.sequence = r.Sequence
	d.last.receipt = d.settings.Now().UTC()
	if f := d.last.full; f != nil && (e.ID == f.ID || e.ID == d.last.small) {
		d.last.delivered, lost = true, false
	}
	if lost {
		d.last.delivered = false
	}
	d.mu.Unlock()
	if lost {
		d.settings.Log.Warn("the NATS server lost what it held; sending the last report again")
		d.Repeat()
	}
	d.writeStatus()
}

// Once makes one round and sends it and all that waited before it.
func (d *Daemon) Once(ctx context.Context) (*inventory.Report, error) {
	telling, stop := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { d.tellHealth(telling) })
	defer wg.Wait()
	defer stop()
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
	return errors.Join(d.stopMetrics(), d.spool.Close())
}

// MetricsAddr is where metrics are served, or nil.
func (d *Daemon) MetricsAddr() net.Addr {
	if d.metrics == nil {
		return nil
	}
	return d.metrics.Addr()
}

// stopMetrics may be called twice.
func (d *Daemon) stopMetrics() error {
	if d.metrics == nil {
		return nil
	}
	if err := d.metrics.Close(); !errors.Is(err, net.ErrClosed) {
		return err
	}
	return nil
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
	was := r.ID
	r.ID = inventory.NewID()
	told, err := r.Digest()
	if err != nil {
		return false
	}
	small, err := inventory.SealReport(r, d.key)
	if err != nil || d.kept(small, d.spool.Put(small)) != nil {
		return false
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if f := d.last.full; f != nil && f.ID == was {
		d.last.told, d.last.small = told, r.ID
	}
	return true
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
