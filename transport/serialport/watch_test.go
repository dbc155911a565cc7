package serialport_test

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// events is a source of events that a test drives.
func events(c chan struct{}) func(context.Context) (<-chan struct{}, error) {
	return func(ctx context.Context) (<-chan struct{}, error) {
		out := make(chan struct{})
		go func() {
			defer close(out)
			for {
				select {
				case <-ctx.Done():
					return
				case v := <-c:
					select {
					case out <- v:
					case <-ctx.Done():
						return
					}
				}
			}
		}()
		return out, nil
	}
}

func next(t *testing.T, c <-chan struct{}) {
	t.Helper()
	within(t, "waiting for a change", func() {
		if _, ok := <-c; !ok {
			t.Error("the channel was closed")
		}
	})
}

// closes ends a watch and waits for its goroutines.
func closes(t *testing.T, cancel func(), c <-chan struct{}) {
	t.Helper()
	cancel()
	within(t, "the end of a watch", func() {
		for range c {
		}
	})
}

func TestWatchTellsAfterAnEvent(t *testing.T) {
	tree := ec25(t)
	ctx, cancel := context.WithCancel(t.Context())
	source := make(chan struct{})
	w := serialport.Watcher{
		Finder: &serialport.Finder{Root: tree.Root}, Settle: 10 * time.Millisecond, Poll: time.Hour, Events: events(source),
	}
	c := w.Watch(ctx)
	tree.Remove("sys/class/tty/ttyUSB3")
	source <- struct{}{}
	source <- struct{}{}
	next(t, c)
	tree.Link("sys/class/tty/ttyUSB3", "../../devices/x")
	source <- struct{}{}
	next(t, c)
	closes(t, cancel, c)
}

// TestWatchIgnoresOtherDevices: most events of the kernel change no port.
func TestWatchIgnoresOtherDevices(t *testing.T) {
	tree := ec25(t)
	ctx, cancel := context.WithCancel(t.Context())
	source := make(chan struct{})
	w := serialport.Watcher{
		Finder: &serialport.Finder{Root: tree.Root}, Settle: time.Millisecond, Poll: time.Millisecond, Events: events(source),
	}
	c := w.Watch(ctx)
	for i := range 20 {
		tree.Link(fmt.Sprintf("sys/class/net/veth%d", i), "../../devices/virtual/net/veth")
		tree.File(fmt.Sprintf("sys/bus/usb/devices/2-%d/idVendor", i), "046d")
		source <- struct{}{}
	}
	time.Sleep(50 * time.Millisecond)
	cancel()
	within(t, "the end of a watch", func() {
		for range c {
			t.Error("told a change where there was none")
		}
	})
}

// TestWatchNoticesAReplugUnderTheSameName: the names are the same, the entry is another.
func TestWatchNoticesAReplugUnderTheSameName(t *testing.T) {
	tree := ec25(t)
	target := "../../devices/pci0000:00/0000:00:14.0/usb1/1-1/1-1.2/1-1.2:1.2/ttyUSB2/tty/ttyUSB2"
	ctx, cancel := context.WithCancel(t.Context())
	source := make(chan struct{})
	w := serialport.Watcher{
		Finder: &serialport.Finder{Root: tree.Root}, Settle: time.Millisecond, Poll: time.Hour, Events: events(source),
	}
	c := w.Watch(ctx)
	tree.Remove("sys/class/tty/ttyUSB2")
	tree.Link("sys/class/tty/other", "x") // so that the inode is not used again at once
	tree.Link("sys/class/tty/ttyUSB2", target)
	tree.Remove("sys/class/tty/other")
	source <- struct{}{}
	next(t, c)
	closes(t, cancel, c)
}

func TestWatchPollsWithoutEvents(t *testing.T) {
	tree := ec25(t)
	ctx, cancel := context.WithCancel(t.Context())
	w := serialport.Watcher{
		Finder: &serialport.Finder{Root: tree.Root}, Settle: time.Millisecond, Poll: 5 * time.Millisecond,
		Events: func(context.Context) (<-chan struct{}, error) { return nil, errors.New("no rights") },
	}
	c := w.Watch(ctx)
	tree.Remove("sys/class/tty/ttyUSB2")
	next(t, c)
	closes(t, cancel, c)
}

// TestWatchEndsPatience: what is never quiet is told all the same.
func TestWatchEndsPatience(t *testing.T) {
	tree := ec25(t)
	ctx, cancel := context.WithCancel(t.Context())
	source := make(chan struct{})
	w := serialport.Watcher{
		Finder: &serialport.Finder{Root: tree.Root}, Settle: 100 * time.Millisecond, Poll: time.Hour, Events: events(source),
	}
	c := w.Watch(ctx)
	tree.Remove("sys/class/tty/ttyUSB3")
	flapping := make(chan struct{})
	go func() {
		defer close(flapping)
		for ctx.Err() == nil {
			select {
			case source <- struct{}{}:
				time.Sleep(time.Millisecond)
			case <-ctx.Done():
			}
		}
	}()
	next(t, c)
	closes(t, cancel, c)
	<-flapping
}

// TestKernelEvents: the kernel's own source starts and ends without rights.
func TestKernelEvents(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	c, err := serialport.KernelEvents(ctx)
	if err != nil {
		t.Fatal(err)
	}
	closes(t, cancel, c)
}
