package atcmdtest

import (
	"bytes"
	"errors"
	"io"
	"strings"
	"sync"
)

// Behaviour answers one command line, given without its CR, by writing to w. It may take
// its time; w fails once the port is gone.
type Behaviour func(cmd string, w io.Writer)

// FakeModem is a scripted module. Set its fields before the first Port or Pty.
type FakeModem struct {
	// Echo sends each command line back before its answer, as modules do by default.
	Echo bool
	// Banner is sent as soon as the port is there.
	Banner []byte
	// Deaf leaves what is written in the port, as a dead module does: writes block.
	Deaf bool

	behave Behaviour

	mu      sync.Mutex
	written []byte
	lines   []string
	ends    []io.Closer
	writers []io.Writer
	closed  bool
	running sync.WaitGroup
}

// Modem returns a module that answers each command line with the bytes of answer.
func Modem(answer func(cmd string) []byte) *FakeModem {
	return Behave(func(cmd string, w io.Writer) { _, _ = w.Write(answer(cmd)) })
}

// Behave returns a module that answers as b does.
func Behave(b Behaviour) *FakeModem { return &FakeModem{behave: b} }

// Written returns every byte that was written to the module, in order.
func (m *FakeModem) Written() []byte {
	m.mu.Lock()
	defer m.mu.Unlock()
	return bytes.Clone(m.written)
}

// Commands returns the complete command lines written so far, without their CR.
func (m *FakeModem) Commands() []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.lines...)
}

// Send sends b unasked on every open port.
func (m *FakeModem) Send(b []byte) {
	m.mu.Lock()
	ws := append([]io.Writer(nil), m.writers...)
	m.mu.Unlock()
	for _, w := range ws {
		_, _ = w.Write(b)
	}
}

// Vanish takes the module away, as unplugging does: reads end, writes fail.
func (m *FakeModem) Vanish() {
	m.mu.Lock()
	ends := m.ends
	m.ends = nil
	m.mu.Unlock()
	for _, c := range ends {
		_ = c.Close()
	}
}

// Close takes the module away and waits for its goroutines.
func (m *FakeModem) Close() error {
	m.mu.Lock()
	m.closed = true
	m.mu.Unlock()
	m.Vanish()
	m.running.Wait()
	return nil
}

var errClosed = errors.New("the fake modem is closed")

// serve answers on one port until it ends.
func (m *FakeModem) serve(port io.ReadWriteCloser) error {
	out := &locked{w: port}
	m.mu.Lock()
	defer m.mu.Unlock()
	if m.closed {
		_ = port.Close()
		return errClosed
	}
	m.ends = append(m.ends, port)
	m.writers = append(m.writers, out)
	todo := newBacklog()
	m.running.Go(func() { m.read(port, todo) })
	m.running.Go(func() { m.answer(out, todo) })
	return nil
}

// read takes what is written to the module and cuts it into command lines.
func (m *FakeModem) read(port io.Reader, todo *backlog) {
	defer todo.close()
	if m.Deaf {
		return
	}
	var line []byte
	buf := make([]byte, 1024)
	for {
		n, err := port.Read(buf)
		m.tap(buf[:n])
		for _, b := range buf[:n] {
			if b != '\r' {
				line = append(line, b)
				continue
			}
			text := strings.TrimLeft(string(line), "\n")
			line = line[:0]
			m.mu.Lock()
			m.lines = append(m.lines, text)
			m.mu.Unlock()
			todo.add(text)
		}
		if err != nil {
			return
		}
	}
}

func (m *FakeModem) tap(p []byte) {
	m.mu.Lock()
	defer m.mu.Unlock()
	m.written = append(m.written, p...)
}

// answer works off the command lines, one at a time.
func (m *FakeModem) answer(w io.Writer, todo *backlog) {
	if len(m.Banner) > 0 {
		_, _ = w.Write(m.Banner)
	}
	for {
		cmd, ok := todo.next()
		if !ok {
			return
		}
		if m.Echo {
			_, _ = io.WriteString(w, cmd+"\r")
		}
		m.behave(cmd, w)
	}
}

// locked keeps what is sent unasked out of the middle of a write.
type locked struct {
	mu sync.Mutex
	w  io.Writer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.w.Write(p)
}

// backlog holds command lines that wait for their turn.
type backlog struct {
	mu     sync.Mutex
	more   sync.Cond
	lines  []string
	closed bool
}

func newBacklog() *backlog {
	b := &backlog{}
	b.more.L = &b.mu
	return b
}

func (b *backlog) add(line string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.lines = append(b.lines, line)
	b.more.Broadcast()
}

func (b *backlog) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	b.more.Broadcast()
}

// next returns the next line, or false when no more will come.
func (b *backlog) next() (string, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for len(b.lines) == 0 {
		if b.closed {
			return "", false
		}
		b.more.Wait()
	}
	line := b.lines[0]
	b.lines = b.lines[1:]
	return line, true
}
