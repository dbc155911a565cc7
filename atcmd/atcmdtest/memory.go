package atcmdtest

import (
	"errors"
	"io"
	"sync"
	"time"
)

// portBuffer is what one direction of a port in memory holds, as a tty's buffer does.
const portBuffer = 64 << 10

// Port is a port in memory. It satisfies atcmd.Port.
type Port struct {
	in, out *pipe
}

// Port opens a port in memory to the module. After Close of the module it is one that has
// vanished.
func (m *FakeModem) Port() *Port {
	p := &Port{in: newPipe(), out: newPipe()}
	if m.Deaf {
		p.out.limit = 0
	}
	_ = m.serve(&Port{in: p.out, out: p.in})
	return p
}

func (p *Port) Read(b []byte) (int, error)  { return p.in.read(b) }
func (p *Port) Write(b []byte) (int, error) { return p.out.write(b) }

// SetWriteDeadline ends writes that are blocked at t.
func (p *Port) SetWriteDeadline(t time.Time) error {
	p.out.setDeadline(t)
	return nil
}

// Close ends both directions for both sides.
func (p *Port) Close() error {
	p.in.close()
	p.out.close()
	return nil
}

// pipe is one direction of a port.
type pipe struct {
	mu      sync.Mutex
	changed sync.Cond
	buf     []byte
	limit   int
	closed  bool
	expired bool
	timer   *time.Timer
}

func newPipe() *pipe {
	p := &pipe{limit: portBuffer}
	p.changed.L = &p.mu
	return p
}

func (p *pipe) read(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	for len(p.buf) == 0 {
		if p.closed {
			return 0, io.EOF
		}
		p.changed.Wait()
	}
	n := copy(b, p.buf)
	p.buf = p.buf[n:]
	p.changed.Broadcast()
	return n, nil
}

func (p *pipe) write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	done := 0
	for {
		switch room := p.limit - len(p.buf); {
		case p.closed:
			return done, io.ErrClosedPipe
		case p.expired:
			return done, errTimeout{}
		case room > 0:
			n := min(room, len(b)-done)
			p.buf = append(p.buf, b[done:done+n]...)
			done += n
			p.changed.Broadcast()
		}
		if done == len(b) {
			return done, nil
		}
		if p.limit-len(p.buf) <= 0 {
			p.changed.Wait()
		}
	}
}

func (p *pipe) setDeadline(t time.Time) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.timer != nil {
		p.timer.Stop()
	}
	p.expired, p.timer = false, nil
	if t.IsZero() {
		return
	}
	p.timer = time.AfterFunc(time.Until(t), func() {
		p.mu.Lock()
		defer p.mu.Unlock()
		p.expired = true
		p.changed.Broadcast()
	})
}

func (p *pipe) close() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.closed = true
	if p.timer != nil {
		p.timer.Stop()
	}
	p.changed.Broadcast()
}

// errTimeout is what a write returns that missed its deadline.
type errTimeout struct{}

var errExpired = errors.New("write deadline exceeded")

func (errTimeout) Error() string { return errExpired.Error() }
func (errTimeout) Timeout() bool { return true }
