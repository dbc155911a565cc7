package natslink

import (
	"context"
	"errors"
	"net"
	"sync"
	"time"
)

// dialTimeout bounds the making of one connection, with its greeting.
const dialTimeout = 10 * time.Second

// dialer makes the link's connections and can end them all, so that a server which takes
// a connection and then says nothing does not hold up the end of the program.
type dialer struct {
	ctx context.Context // ends with the link
	end context.CancelFunc

	mu   sync.Mutex
	hold bool // refuse at once, so that the first try costs no time
	// pauseFirst: a connection came, and no pause was made since. The client itself pauses only when it has tried
	// each server; a fleet whose server dies would be at the others' doors in one moment.
	pauseFirst bool
	last       net.Conn
}

// errHeld is the outcome of a try that was not to be made yet.
var errHeld = errors.New("connecting in the background")

func newDialer() *dialer {
	ctx, end := context.WithCancel(context.Background())
	return &dialer{ctx: ctx, end: end}
}

// Dial is called by one goroutine at a time, with the connection before given up.
func (d *dialer) Dial(network, address string) (net.Conn, error) {
	if d.held() {
		return nil, errHeld
	}
	c, err := (&net.Dialer{Timeout: dialTimeout}).DialContext(d.ctx, network, address)
	if err != nil {
		return nil, err
	}
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.ctx.Err() != nil {
		_ = c.Close()
		return nil, d.ctx.Err()
	}
	d.last = c
	return c, nil
}

func (d *dialer) held() bool {
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.hold || d.pauseFirst
}

// came notes a connection: its end calls for a pause.
func (d *dialer) came() { d.need(true) }

// paused notes that a pause begins: after it, each server may be tried.
func (d *dialer) paused() { d.need(false) }

func (d *dialer) need(pause bool) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.pauseFirst = pause
}

// release lets tries through.
func (d *dialer) release() {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.hold = false
}

// stop ends the present connection and allows no other.
func (d *dialer) stop() {
	d.end()
	d.mu.Lock()
	defer d.mu.Unlock()
	if d.last != nil {
		_ = d.last.Close()
	}
}
