package atcmd

import (
	"errors"
	"fmt"
	"io"
	"sync"
	"time"
)

// guard stands between at and the port. It alone writes to the port, and only the one
// query that the session has armed it with. It reads the port, records every byte
// before anybody else sees it, and hands the bytes on in chunks.
type guard struct {
	port  Port
	name  string
	start time.Time
	// in carries what was read; it is closed when the port is lost. Its length bounds
	// what waits here, the port's own buffer holds the rest.
	in   chan Chunk
	quit chan struct{} // closed when nobody listens any more
	// feed is what at reads.
	feed *feed

	mu     sync.Mutex
	armed  Command
	taken  chan struct{} // closed when at begins to write what was armed
	sentAt time.Duration // when the last query went out; negative while none is out
	busy   bool          // the port has not taken all of it yet
	record []Chunk
	size   int
	lost   error // why in was closed
}

func newGuard(p Port, name string) *guard {
	return &guard{port: p, name: name, start: time.Now(), in: make(chan Chunk, 16), quit: make(chan struct{}), feed: newFeed(), sentAt: -1}
}

var _ io.ReadWriter = (*guard)(nil) // what at wants of a port

// permitted returns the query that p, as at writes it, stands for.
func permitted(p []byte) (Command, bool) {
	c, ok := catalogue().byLine[string(p)]
	return c, ok
}

// arm lets c pass once. The channel is closed when at begins to write: only from then on
// does at take what the feed holds for the answer to c, and not for noise to be dropped.
func (g *guard) arm(c Command) <-chan struct{} {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.armed, g.taken, g.sentAt = c, make(chan struct{}), -1
	return g.taken
}

// Read gives at its answers.
func (g *guard) Read(p []byte) (int, error) { return g.feed.Read(p) }

// Write passes the armed query to the port with CR alone: V.250 lets any byte after it
// abort the command, so the LF that at adds stays here. Everything else is refused.
func (g *guard) Write(p []byte) (int, error) {
	c, ok := permitted(p)
	if armed := g.disarm(); !ok || c != armed {
		return 0, &Error{Port: g.name, Kind: Refused, Err: fmt.Errorf("%q: %w", p, ErrNotCatalogued)}
	}
	if err := g.put(append([]byte(c.text), '\r')); err != nil {
		return 0, &Error{Port: g.name, Command: c.text, Kind: kindOfWrite(err), Err: err}
	}
	return len(p), nil
}

// disarm takes the armed query away and returns it.
func (g *guard) disarm() Command {
	g.mu.Lock()
	defer g.mu.Unlock()
	armed := g.armed
	g.armed = Command{}
	if g.taken != nil {
		close(g.taken)
		g.taken = nil
	}
	return armed
}

// put is the only place that writes to a port.
func (g *guard) put(b []byte) error {
	if err := g.port.SetWriteDeadline(time.Now().Add(writeTime)); err != nil {
		return fmt.Errorf("cannot limit the time of a write: %w", err)
	}
	now := time.Since(g.start)
	g.mu.Lock()
	g.sentAt, g.busy = now, true
	g.keep(Chunk{true, now, b})
	g.mu.Unlock()
	n, err := g.port.Write(b)
	g.mu.Lock()
	g.busy = false
	g.mu.Unlock()
	if err == nil && n < len(b) {
		err = io.ErrShortWrite
	}
	return err
}

// writing reports whether the port still has to take bytes.
func (g *guard) writing() bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.busy
}

// hurry ends a write that is blocked.
func (g *guard) hurry() { _ = g.port.SetWriteDeadline(time.Now()) }

// kindOfWrite tells a port that takes no bytes from one that is gone.
func kindOfWrite(err error) Kind {
	var t interface{ Timeout() bool }
	if errors.As(err, &t) && t.Timeout() {
		return Blocked
	}
	return Lost
}

// afterSending reports whether what was read at the given time can answer the query
// that is out.
func (g *guard) afterSending(at time.Duration) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sentAt >= 0 && at >= g.sentAt
}

// sent is when the query that is out was written.
func (g *guard) sent() time.Duration {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.sentAt
}

// listen reads the port until it fails or the session ends.
func (g *guard) listen() {
	defer close(g.in)
	buf := make([]byte, 4<<10)
	for empty := 0; ; {
		n, err := g.port.Read(buf)
		if n > 0 {
			empty = 0
			if !g.pass(buf[:n]) {
				return
			}
		}
		if err != nil {
			g.fail(err)
			return
		}
		if n == 0 {
			empty = min(empty+1, 50)
			if !g.pause(time.Duration(empty) * time.Millisecond) {
				return
			}
		}
	}
}

// pass records p and hands it on; false when nobody listens any more.
func (g *guard) pass(p []byte) bool {
	c := Chunk{At: time.Since(g.start), Bytes: append([]byte(nil), p...)}
	g.mu.Lock()
	g.keep(c)
	g.mu.Unlock()
	select {
	case g.in <- c:
		return true
	case <-g.quit:
		return false
	}
}

// pause keeps a Read that returns at once with nothing from taking the whole processor.
func (g *guard) pause(d time.Duration) bool {
	t := time.NewTimer(d)
	defer t.Stop()
	select {
	case <-t.C:
		return true
	case <-g.quit:
		return false
	}
}

// keep adds c to the record while there is room.
func (g *guard) keep(c Chunk) {
	if room := MaxTranscript - g.size; len(c.Bytes) > room {
		c.Bytes = c.Bytes[:room]
	}
	if len(c.Bytes) == 0 {
		return
	}
	g.size += len(c.Bytes)
	g.record = append(g.record, c)
}

func (g *guard) fail(err error) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.lost = err
}

// why returns the error that ended listening.
func (g *guard) why() error {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.lost
}

func (g *guard) recorded() []Chunk {
	g.mu.Lock()
	defer g.mu.Unlock()
	return append([]Chunk(nil), g.record...)
}
