package atcmd

import (
	"io"
	"sync"
)

// feed is what at reads: for each command one complete answer, in at's own terms.
//
// at takes a line for an echo, a prompt or a result by its beginning, stops for good at a
// line of 64 KiB, and gives what comes late to the next command. So an information line
// goes in behind a mark that makes it plain text to at, the result is OK or ERROR, and
// exactly one answer goes in for each command that went out.
type feed struct {
	mu     sync.Mutex
	more   sync.Cond
	buf    []byte
	closed bool
}

const mark = ' '

func newFeed() *feed {
	a := &feed{}
	a.more.L = &a.mu
	return a
}

// Read blocks until there is an answer, or returns io.EOF after close.
func (a *feed) Read(p []byte) (int, error) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for len(a.buf) == 0 {
		if a.closed {
			return 0, io.EOF
		}
		a.more.Wait()
	}
	n := copy(p, a.buf)
	a.buf = a.buf[n:]
	return n, nil
}

// put gives at one whole answer. No line holds CR or LF: the lexer cut them there.
func (a *feed) put(lines []string, ok bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	for _, l := range lines {
		a.buf = append(a.buf, mark)
		a.buf = append(a.buf, l...)
		a.buf = append(a.buf, '\n')
	}
	result := "ERROR\n"
	if ok {
		result = "OK\n"
	}
	a.buf = append(a.buf, result...)
	a.more.Broadcast()
}

// unmark takes the marks off the lines that at returns.
func unmark(lines []string) []string {
	out := make([]string, len(lines))
	for i, l := range lines {
		out[i] = l[1:]
	}
	return out
}

func (a *feed) close() {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.closed = true
	a.more.Broadcast()
}
