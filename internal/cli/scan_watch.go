package cli

import (
	"context"
	"fmt"
	"io"
	"time"

	"github.com/spf13/cobra"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// keepLooking are the flags of a scan that goes on.
type keepLooking struct {
	on    bool
	every time.Duration
}

// shortestScan bounds how often modules are asked: each question wakes one that sleeps.
const shortestScan = 5 * time.Second

func (k *keepLooking) addFlags(c *cobra.Command) {
	f := c.Flags()
	f.BoolVar(&k.on, "watch", false, "keep looking until Ctrl-C, at once when a device is plugged, and show what changes")
	f.DurationVar(&k.every, "every", time.Minute, "`time` between two looks with --watch, where nothing is plugged")
}

func (k *keepLooking) check(format string) error {
	switch {
	case !k.on && k.every != time.Minute:
		return exit.Usagef("--every is for --watch")
	case !k.on:
	case k.every < shortestScan:
		return exit.Usagef("--every takes %s or more, not %s: every question wakes a module that sleeps", shortestScan, k.every)
	case format != formatTable && format != formatJSON:
		return exit.Usagef("--watch shows what changes as a table, or as lines of JSON (-o json); not as %s", format)
	}
	return nil
}

// watched is a scan that goes on: it shows the first report whole, and then what differs.
type watched struct {
	out    io.Writer
	format string
	base   *fingerprint.Base
	looker looker
	judge  *judge
	now    func() time.Time
	// idle, where set, says that it waits, until what it returns is called.
	idle func() (clear func())

	known map[string]lastShown
	order []string
	// most is the largest number of findings of one look that a script is to fail on.
	most int
}

// lastShown is a module as it was shown last.
type lastShown struct {
	module inventory.Module
	digest string
}

// lookDiff is what one look found different from the one before.
type lookDiff struct {
	came, differs, gone []inventory.Module
}

func (c lookDiff) none() bool { return len(c.came)+len(c.differs)+len(c.gone) == 0 }

// run looks, shows, and waits for the next reason to look, until ctx ends.
func (w *watched) run(ctx context.Context, look func(context.Context) ([]inventory.Module, error), wake <-chan struct{}, every time.Duration) error {
	for {
		modules, err := look(ctx)
		if ctx.Err() != nil {
			return w.end()
		}
		if err != nil {
			return err
		}
		if err := w.show(modules); err != nil {
			return err
		}
		w.most, w.judge.Gate.Stopped = max(w.most, w.judge.Gate.Stopped), 0
		if wake = w.wait(ctx, wake, every); ctx.Err() != nil {
			return w.end()
		}
	}
}

// wait returns when it is time to look again. What wakes it is nil once nothing will.
func (w *watched) wait(ctx context.Context, wake <-chan struct{}, every time.Duration) <-chan struct{} {
	if w.idle != nil {
		defer w.idle()()
	}
	t := time.NewTimer(every)
	defer t.Stop()
	select {
	case <-ctx.Done():
	case <-t.C:
	case _, ok := <-wake:
		if !ok {
			return nil
		}
	}
	return wake
}

func (w *watched) end() error {
	w.judge.Gate.Stopped = w.most
	return w.judge.verdict()
}

// show writes the first report whole, and of later ones what is not as before.
func (w *watched) show(modules []inventory.Module) error {
	first := w.known == nil
	diff, err := w.compare(modules)
	if err != nil || !first && diff.none() {
		return err
	}
	report, err := reportOf(modules)
	if err != nil {
		return err
	}
	switch {
	case w.format == formatJSON:
		w.judge.of(report)
		return writeJSON(w.out, w.judge.report(report), "")
	case first:
		return printReport(w.out, w.format, report, w.base, w.looker, w.judge)
	}
	return w.changes(diff, len(modules))
}

// compare says what differs from what was shown last, and remembers what will be now.
func (w *watched) compare(modules []inventory.Module) (c lookDiff, err error) {
	known, order := map[string]lastShown{}, make([]string, 0, len(modules))
	for _, m := range modules {
		// A gateway's digest leaves out what differs from look to look, such as times.
		r := inventory.Report{Modules: []inventory.Module{m}}
		digest, err := r.Digest()
		if err != nil {
			return c, err
		}
		switch before, ok := w.known[m.ID]; {
		case !ok:
			c.came = append(c.came, m)
		case before.digest != digest:
			c.differs = append(c.differs, m)
		}
		known[m.ID], order = lastShown{m, digest}, append(order, m.ID)
	}
	for _, id := range w.order {
		if _, ok := known[id]; !ok {
			c.gone = append(c.gone, w.known[id].module)
		}
	}
	w.known, w.order = known, order
	return c, nil
}

// changes draws what differs: a line for the time, one for each module that is gone, and
// the card of each that came or is not as before.
func (w *watched) changes(c lookDiff, left int) error {
	screen := screenOf(w.out, w.base)
	head := []string{w.now().Format("15:04:05"), w.looker.asked(left)}
	for _, n := range []struct {
		of   []inventory.Module
		text string
	}{{c.came, "new"}, {c.differs, "changed"}, {c.gone, "gone"}} {
		if len(n.of) > 0 {
			head = append(head, fmt.Sprintf("%d %s", len(n.of), n.text))
		}
	}
	text := "\n" + screen.Head(head...)
	for _, m := range c.gone {
		text += screen.Gone(m)
	}
	if _, err := io.WriteString(w.out, text); err != nil {
		return writing(err)
	}
	e := w.judge.emitter(w.out, w.format, screen, frame{why: w.looker.why()})
	for _, m := range append(c.came, c.differs...) {
		if err := e.module(render.Item{Module: m}); err != nil {
			return err
		}
	}
	if len(c.came)+len(c.differs) == 0 {
		return nil
	}
	return e.close()
}

// scanOn is scan --watch.
func scanOn(c *cobra.Command, l looker, j judging, k keepLooking, format string) error {
	base, err := overlay.Named(l.fingerprints)
	if err != nil {
		return err
	}
	judge, err := j.load()
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancel(c.Context())
	defer cancel()
	w := &watched{out: c.OutOrStdout(), format: format, base: base, looker: l, judge: judge, now: time.Now}
	if out := c.ErrOrStderr(); animated(out) {
		w.idle = func() func() {
			p := screenOf(out, nil).NewProgress(out)
			p.Set("watching", w.now().Format("15:04:05")+", Ctrl-C ends")
			return p.Clear
		}
	}
	look := func(ctx context.Context) ([]inventory.Module, error) {
		return l.look(ctx, base, c.ErrOrStderr())
	}
	wake := (&serialport.Watcher{}).Watch(ctx)
	err = w.run(ctx, look, wake, k.every)
	cancel()
	for range wake { // until it is closed, so that its goroutines are gone
	}
	return err
}
