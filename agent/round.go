package agent

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// outcome of a round: the report, whether or not it went out as such.
type outcome struct {
	report *inventory.Report
	err    error
}

// conclude hands what a look found to the Outbox: as a report, or as a heartbeat where
// nothing changed.
func (a *Agent) conclude(why inventory.Reason, modules []inventory.Module, looked error) outcome {
	a.health.set("devices-not-listed", inventory.SeverityError, looked)
	if looked != nil && a.Last() != nil { // the last picture stands: this one would look like modules that were removed
		_, err := a.beat()
		return outcome{err: errors.Join(looked, err)}
	}
	a.portHealth(modules)
	for i := range modules {
		a.settings.Privacy.apply(a.key, &modules[i])
	}
	a.mu.Lock()
	defer a.mu.Unlock()
	r := &inventory.Report{Gateway: a.settings.Gateway, Reason: why, Modules: modules}
	digest, err := r.Digest()
	if err != nil {
		return outcome{nil, err}
	}
	anchored := a.anchor()
	if !anchored && a.unchanged(why, digest) {
		return outcome{r, a.sendHeartbeat()}
	}
	known := !anchored && digest == a.last.digest && a.last.delivered
	told, err := a.sendReport(r, known)
	if err != nil {
		return outcome{r, err}
	}
	a.last = last{digest: digest, told: told, at: time.Now(), full: r, delivered: known, receipt: a.last.receipt}
	a.settings.Log.Info("report", "reason", why, "modules", len(modules), "seq", r.Seq)
	return outcome{r, nil}
}

func (a *Agent) unchanged(why inventory.Reason, digest string) bool {
	return why != inventory.ReasonStart && why != inventory.ReasonRequest &&
		digest == a.last.digest && time.Since(a.last.at) < fullEvery
}

// portHealth names the modules that could not be asked though they should be.
func (a *Agent) portHealth(modules []inventory.Module) {
	for _, c := range []struct {
		state inventory.State
		code  string
		text  string
	}{
		{inventory.StateHeld, "port-held", "held by another program and not asked: "},
		{inventory.StateDenied, "port-denied", "not ours to open and not asked: "},
	} {
		var ids []string
		for _, m := range modules {
			if m.State == c.state {
				ids = append(ids, m.ID)
			}
		}
		var err error
		if len(ids) > 0 {
			slices.Sort(ids)
			err = fmt.Errorf("%s%q", c.text, strings.Join(ids, " "))
		}
		a.health.set(c.code, inventory.SeverityWarning, err)
	}
}

// beat sends a sign of life, where there is something to be alive with. Where the clock
// came right meanwhile, the full report goes out again under the new boot number.
func (a *Agent) beat() (known bool, err error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last.full == nil {
		return false, nil
	}
	if a.anchor() {
		return true, a.again(false)
	}
	if time.Since(a.last.at) >= fullEvery { // rounds may be further apart than that
		return true, a.again(a.last.delivered)
	}
	return true, a.sendHeartbeat()
}

// repeat sends the last full report again: the server lost it, or somebody asks for it.
func (a *Agent) repeat() {
	a.mu.Lock()
	defer a.mu.Unlock()
	if a.last.full == nil {
		return // the first one is on its way
	}
	if err := a.again(true); err != nil {
		a.settings.Log.Warn("cannot send the report again", "error", err)
	}
}

func (a *Agent) again(volatile bool) error {
	r := *a.last.full
	told, err := a.sendReport(&r, volatile)
	if err != nil {
		return err
	}
	a.last.full, a.last.told, a.last.small, a.last.at = &r, told, "", time.Now()
	return nil
}

// anchor moves a boot counter that began at 1 to the time, once there is one. It says
// whether it did: what was sent before may count as older than the gateway's own past.
func (a *Agent) anchor() bool {
	if !a.unanchored || !a.settings.Synced() {
		return false
	}
	a.unanchored = false
	boot, err := nextBoot(a.settings.StateDir, a.settings.Now(), true)
	a.health.set("boot-not-kept", inventory.SeverityError, err)
	if boot <= a.order.Boot {
		return false
	}
	a.order = inventory.Order{Boot: boot}
	return true
}

// sendReport hands r over, and gives the digest of what it holds; volatile says that it tells the server nothing new.
func (a *Agent) sendReport(r *inventory.Report, volatile bool) (told string, err error) {
	a.order.Seq++
	r.ID, r.Order = inventory.NewID(), a.order
	r.Time, r.ClockSynced, r.Health = a.settings.Now().UTC(), a.settings.Synced(), a.warnings()
	e, err := inventory.SealReport(r, a.key)
	if errors.Is(err, inventory.ErrTooLarge) {
		shorten(r)
		e, err = inventory.SealReport(r, a.key)
	}
	if err != nil {
		return "", err
	}
	keep := a.settings.Outbox.Put
	if volatile {
		keep = a.settings.Outbox.Hold
	}
	if err := a.kept(e, keep(e)); err != nil {
		return "", err
	}
	return r.Digest()
}

func (a *Agent) sendHeartbeat() error {
	a.order.Seq++
	e, err := inventory.SealHeartbeat(&inventory.Heartbeat{
		ID: inventory.NewID(), Gateway: a.settings.Gateway.ID, Order: a.order,
		Time: a.settings.Now().UTC(), ClockSynced: a.settings.Synced(),
		Digest: a.last.told, Health: a.warnings(),
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
	a.keepState()
	var clock error
	if !a.settings.Synced() {
		clock = errors.New("the clock is not synchronised; times in reports are what it says")
	}
	a.health.set("clock-unsure", inventory.SeverityInfo, clock)
	all := append(a.health.list(), a.settings.Outbox.Health()...)
	for i := range all {
		all[i].Text = a.settings.Privacy.text(all[i].Text)
	}
	return all
}

// shorten leaves the transcripts out: the identity and its quoted evidence stay.
func shorten(r *inventory.Report) {
	r.Truncated = true
	r.Modules = slices.Clone(r.Modules)
	for i := range r.Modules {
		r.Modules[i].Transcript, r.Modules[i].Banner = nil, nil
	}
}
