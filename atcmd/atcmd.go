package atcmd

import (
	"io"
	"time"
)

// Limits of one visit. They hold whatever a module says.
const (
	// MaxLine is the longest line kept; the rest of a longer one is dropped and the
	// exchange ends as TooLong.
	MaxLine = 4 << 10
	// MaxAnswer and MaxLines bound what one command may bring.
	MaxAnswer = 64 << 10
	MaxLines  = 512
	// MaxTranscript bounds all exchanges and unasked lines of a visit, and apart from
	// them the record of its bytes.
	MaxTranscript = 256 << 10
	// MaxTimeout bounds the wait for one answer, whatever Settings say.
	MaxTimeout = 30 * time.Second
	// DefaultVisit is the time that a session may take where Settings do not say.
	DefaultVisit = 60 * time.Second
)

// Waits inside the dialogue. None of them is spent while a module answers as it should.
const (
	firstLook = time.Millisecond       // for bytes that already wait in the port
	silence   = 300 * time.Millisecond // that ends what an earlier command started
	settle    = 100 * time.Millisecond // after a resynchronising OK, so that a second one is noticed
	noise     = 3 * time.Second        // of talk without such a silence is given up on
	writeTime = 2 * time.Second        // for a port to take one command
	closeTime = 5 * time.Second        // for a blocked Read to end after Close
)

// How often something is tried before the port is left.
const (
	wakeTries   = 3
	resyncTries = 2
	maxOwed     = 2 // queries without an answer; with more the port is left
)

// Port is an open port. *os.File of a tty and net.Conn satisfy it.
//
// Close must end a Read that is blocked. A Read that returns 0 bytes and no error is
// taken for a timeout of the driver and repeated.
type Port interface {
	io.ReadWriteCloser
	SetWriteDeadline(t time.Time) error
}

// Settings of a session. The zero value is ready for use.
type Settings struct {
	// Name of the port, for errors ("/dev/ttyUSB2"). Empty: "port".
	Name string
	// Timeout is the longest wait for one answer. Zero: what the catalogue says of each
	// command. At most MaxTimeout.
	Timeout time.Duration
	// Visit is the longest time from New to the last answer. Zero: DefaultVisit.
	Visit time.Duration
	// Progress, where set, is told each command before it is written. It must return at once.
	Progress func(command string)
}

func (s Settings) withDefaults() Settings {
	if s.Name == "" {
		s.Name = "port"
	}
	s.Timeout = min(s.Timeout, MaxTimeout)
	if s.Visit <= 0 {
		s.Visit = DefaultVisit
	}
	return s
}

// timeout is the longest wait for the answer to c.
func (s Settings) timeout(c Command) time.Duration {
	if s.Timeout > 0 {
		return s.Timeout
	}
	return c.timeout()
}
