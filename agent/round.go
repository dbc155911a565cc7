package agent

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// outcome of a round: the report, whether or not it went out as such.
type outcome struct {
	report *inventory.Report
	err    error
}

// round looks at all modules and hands a report, or a heartbeat where nothing changed, to
// the Outbox.
func (a *Agent) round(ctx context.Context, why inventory.Reason) outcome {
	a.mu.Lock()
	defer a.mu.Unlock()
	modules, err := a.settings.Survey(ctx)
	if ctx.Err() != nil {
		return outcome{nil, ctx.Err()} // half a picture would look like modules that were removed
	}
	a.health.set("devices-not-listed", inventory.SeverityError, err)
	for i := range modules {
		a.settings.Privacy.apply(a.key, &modules[i])
	}
	r := &inventory.Report{Gateway: a.settings.Gateway, Reason: why, Modules: modules}
	digest, err := r.Digest()
	if err != nil {
		return outcome{nil, err}
	}
	if a.unchanged(why, digest) {
		return outcome{r, a.sendHeartbeat()}
	}
	if err := a.sendReport(r); err != nil {
		return outcome{r, err}
	}
	a.last.digest, a.last.at, a.last.full = digest, time.Now(), r
	a.settings.Log.Info("report", "reason", why, "modules", len(modules), "seq", r.Seq)
	return outcome{r, nil}
}

func (a *Agent) unchanged(why inventory.Reason, digest string) bool {
	return why != inventory.ReasonStart && why != inventory.ReasonRequest &&
		digest == a.last.digest && time.Since(a.last.at) < fullEvery
}

// beat sends a sign of life, or the full report where none has been handed over yet.
func (a *Agent) beat(ctx context.Context) {
	a.mu.Lock()
	known := a.last.digest != ""
	if known {
		if err := a.sendHeartbeat(); err != nil {
			a.settings.Log.Warn("cannot keep heartbeat", "error", err)
		}
	}
	a.mu.Unlock()
	if !known {
		a.round(ctx, inventory.ReasonStart)
	}
}

func (a *Agent) sendReport(r *inventory.Report) error {
	a.order.Seq++
	r.ID, r.Order = inventory.NewID(), a.order
	r.Time, r.ClockSynced, r.Health = a.settings.Now().UTC(), a.settings.Synced(), a.warnings()
	e, err := inventory.SealReport(r, a.key)
	if errors.Is(err, inventory.ErrTooLarge) {
		shorten(r)
		e, err = inventory.SealReport(r, a.key)
	}
	if err != nil {
		return err
	}
	return a.kept(e, a.settings.Outbox.Put(e))
}

func (a *Agent) sendHeartbeat() error {
	a.order.Seq++
	e, err := inventory.SealHeartbeat(&inventory.Heartbeat{
		ID: inventory.NewID(), Gateway: a.settings.Gateway.ID, Order: a.order,
		Time: a.settings.Now().UTC(), ClockSynced: a.settings.Synced(),
		Digest: a.last.digest, Health: a.warnings(),
	}, a.key)
	if err != nil {
		return err
	}
	return a.kept(e, a.settings.Outbox.Hold(e))
}

// kept says whether e will be sent. That it would not outlive a crash is the Outbox's to
// say, in its health.
func (a *Agent) kept(e *inventory.Envelope, err error) error {
	if errors.Is(err, spool.ErrNotDurable) {
		err = nil
	}
	if err != nil {
		err = fmt.Errorf("cannot keep %s %d.%d until it is sent: %w", e.Kind, e.Boot, e.Seq, err)
	}
	a.health.set("not-kept", inventory.SeverityError, err)
	return err
}

func (a *Agent) warnings() []inventory.Warning {
	var clock error
	if !a.settings.Synced() {
		clock = errors.New("the clock is not synchronised; times in reports are what it says")
	}
	a.health.set("clock-unsure", inventory.SeverityInfo, clock)
	return append(a.health.list(), a.settings.Outbox.Health()...)
}

// shorten leaves the transcripts out: the identity and its quoted evidence stay.
func shorten(r *inventory.Report) {
	r.Truncated = true
	for i := range r.Modules {
		r.Modules[i].Transcript, r.Modules[i].Banner = nil, nil
	}
}
