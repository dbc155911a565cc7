package serialport

import (
	"context"
	"fmt"
	"hash/maphash"
	"os"
	"path/filepath"
	"time"
)

// Watcher tells when ports may have come or gone.
type Watcher struct {
	// Finder says where to look. nil means this machine.
	Finder *Finder
	// Settle is how long it must be quiet before a change is told. 0 means 3 s: the ports of
	// one module appear one by one. What is never quiet is told after ten times as long.
	Settle time.Duration
	// Poll is how often sysfs is compared with what it was. 0 means 60 s, or 5 s where kernel
	// events cannot be had.
	Poll time.Duration
	// Events gives one value for every event that may concern a port, and closes its channel
	// when ctx has ended. nil means the kernel's.
	Events func(ctx context.Context) (<-chan struct{}, error)
}

const (
	defaultSettle    = 3 * time.Second
	defaultPoll      = time.Minute
	pollWithoutEvent = 5 * time.Second
	patience         = 10 // times Settle
)

// Watch sends a value when ports or cellular devices changed and it has been quiet for Settle.
// Changes that nobody received yet are one change. The channel is closed once ctx has ended and
// everything that Watch started has stopped.
func (w *Watcher) Watch(ctx context.Context) <-chan struct{} {
	out := make(chan struct{}, 1)
	l := &watching{settle: orElse(w.Settle, defaultSettle), finder: w.Finder, out: out}
	if l.finder == nil {
		l.finder = new(Finder)
	}
	// What is there is noted before Watch returns: a change from then on is told.
	l.glanced, l.found = l.finder.tree().glance(), l.finder.digest(ctx)
	go func() {
		defer close(out)
		events, err := w.events(ctx)
		poll := orElse(w.Poll, defaultPoll)
		if err != nil {
			events, poll = nil, orElse(w.Poll, pollWithoutEvent)
		}
		l.run(ctx, events, poll)
		if err == nil {
			for range events { // until it is closed, so that its goroutine is gone
			}
		}
	}()
	return out
}

func (w *Watcher) events(ctx context.Context) (<-chan struct{}, error) {
	if w.Events != nil {
		return w.Events(ctx)
	}
	return KernelEvents(ctx)
}

func orElse(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}

// watching is one Watch.
type watching struct {
	settle time.Duration
	finder *Finder
	out    chan<- struct{}

	glanced uint64    // the last glance at the names in sysfs
	found   uint64    // what was found when it was told last, or at the start
	since   time.Time // of the first event that is not looked into yet; zero if there is none
}

func (l *watching) run(ctx context.Context, events <-chan struct{}, poll time.Duration) {
	quiet := time.NewTimer(0)
	<-quiet.C
	ticker := time.NewTicker(poll)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case _, ok := <-events:
			if !ok {
				events = nil
				continue
			}
			quiet.Reset(l.wait())
		case <-ticker.C:
			if l.since.IsZero() && l.finder.tree().glance() != l.glanced {
				quiet.Reset(l.wait())
			}
		case <-quiet.C:
			l.since = time.Time{}
			l.look(ctx)
		}
	}
}

// wait says how long it must stay quiet from now on.
func (l *watching) wait() time.Duration {
	if l.since.IsZero() {
		l.since = time.Now()
	}
	return max(0, min(l.settle, patience*l.settle-time.Since(l.since)))
}

// look sends a value if a port or a cellular device is different indeed: most events are about
// keyboards, disks and virtual interfaces.
func (l *watching) look(ctx context.Context) {
	glance := l.finder.tree().glance()
	if glance == l.glanced {
		return
	}
	l.glanced = glance
	found := l.finder.digest(ctx)
	if found == l.found {
		return
	}
	l.found = found
	select {
	case l.out <- struct{}{}:
	default: // nobody has received the last one yet
	}
}

// digestSeed makes digests of one process comparable.
var digestSeed = maphash.MakeSeed()

// glance sums up the names in sysfs, cheaply. It opens and reads no file.
func (t tree) glance() uint64 {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	for _, class := range append([]string{"../bus/usb/devices", "../bus/pci/devices"}, classes...) {
		dir := t.path("sys/class", class)
		names, _ := list(dir)
		for _, name := range names {
			fi, err := os.Lstat(filepath.Join(dir, name))
			if err == nil {
				fmt.Fprintln(&h, name, inode(fi))
			}
		}
	}
	return h.Sum64()
}

// digest sums up what is found. A device that was plugged out and in again is another one, though
// its names are the same.
func (f *Finder) digest(ctx context.Context) uint64 {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	devices, err := f.Find(ctx)
	if err != nil {
		return 0
	}
	for _, d := range devices {
		d.sum(&h)
	}
	return h.Sum64()
}

// Instance tells one device from the next that stands in the same place, within one process: it
// changes when the device is plugged in anew, though its names and numbers may be the same.
func (d Device) Instance() uint64 {
	var h maphash.Hash
	h.SetSeed(digestSeed)
	d.sum(&h)
	return h.Sum64()
}

func (d Device) sum(h *maphash.Hash) {
	fmt.Fprintln(h, d.ID, d.Info.VID, d.Info.PID, d.State)
	for _, p := range d.Ports {
		fmt.Fprintln(h, p.Path, p.Verdict, p.node.major, p.node.minor)
		if fi, err := os.Lstat(p.node.root.path("sys/class", p.class, p.name)); err == nil {
			fmt.Fprintln(h, inode(fi))
		}
	}
}
