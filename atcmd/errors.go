package atcmd

import (
	"errors"
	"fmt"
)

// Kind says in which way a dialogue failed. It is an error itself, so that
// errors.Is(err, atcmd.NoAnswer) tells whether err is an [Error] of that kind.
type Kind int

// The kinds of failure.
const (
	// NoAnswer: nothing usable came in time.
	NoAnswer Kind = iota + 1
	// TooLong: more came than the limits allow.
	TooLong
	// Lost: the port vanished, or the module restarted during the visit.
	Lost
	// NotModem: what is there is no AT interface of a module; Err says what it seems to be.
	NotModem
	// InUse: somebody else is using the line; nothing more was written.
	InUse
	// Refused: the command is not in the catalogue; nothing was written.
	Refused
	// Blocked: the port did not take the command's bytes in time.
	Blocked
)

var kinds = [...]string{
	NoAnswer: "no answer",
	TooLong:  "answer too long",
	Lost:     "port lost",
	NotModem: "not a modem",
	InUse:    "line in use",
	Refused:  "not a permitted query",
	Blocked:  "write blocked",
}

func (k Kind) String() string {
	if k < NoAnswer || int(k) >= len(kinds) {
		return fmt.Sprintf("kind %d", int(k))
	}
	return kinds[k]
}

// Error makes a Kind a target for errors.Is.
func (k Kind) Error() string { return k.String() }

// Error is what Wake, Ask and Close return.
type Error struct {
	// Port is the name given in Settings.
	Port string
	// Command that failed, or "" where none was in flight.
	Command string
	Kind    Kind
	// Err says more; it may be one of the Err… values or a context error.
	Err error
}

func (e *Error) Error() string {
	what := "cannot talk on " + e.Port
	if e.Command != "" {
		what = "cannot ask " + e.Command + " on " + e.Port
	}
	if e.Err == nil {
		return what + ": " + e.Kind.String()
	}
	return what + ": " + e.Kind.String() + ": " + e.Err.Error()
}

func (e *Error) Unwrap() error { return e.Err }

// Is reports whether target is the Kind of e.
func (e *Error) Is(target error) bool {
	k, ok := target.(Kind)
	return ok && k == e.Kind
}

// Reasons that an [Error] wraps.
var (
	// ErrNotCatalogued: the text is no query of the catalogue.
	ErrNotCatalogued = errors.New("not in the catalogue of identification queries")

	// ErrData: the port carries a data connection. Use another port of the module, or ask
	// while the connection is down.
	ErrData = errors.New("the port is in data mode; ask through another port of the module")
	// ErrPrompt: a message is being entered by somebody else.
	ErrPrompt = errors.New("the module waits for the text of a message that somebody else began; let that program finish")
	// ErrForeign: a command came back that this session did not send.
	ErrForeign = errors.New("another program talks on this port; stop it or ask through another port of the module")

	// ErrNMEA: positions of a satellite receiver.
	ErrNMEA = errors.New("it sends NMEA positions; the module's AT port is another one")
	// ErrLog: text that is no answer.
	ErrLog = errors.New("it sends text that answers nothing, such as a log or a boot message; the module's AT port is another one, or it is still starting")
	// ErrBinary: bytes of a binary protocol.
	ErrBinary = errors.New("it speaks a binary protocol; the module's AT port is another one")
	// ErrOther: answers to AT that are not OK.
	ErrOther = errors.New("it answers AT with something else than OK; the module's AT port is another one")
	// ErrEcho: only what was written comes back.
	ErrEcho = errors.New("it only returns what is written: a loopback, or no module at all")
	// ErrYes: it says OK to what no module knows.
	ErrYes = errors.New("it says OK to everything, also to what no module knows")

	// ErrQuiet: information comes without result codes.
	ErrQuiet = errors.New("the module has its result codes switched off (ATQ1); switch them on with ATQ0 and ask again")
	// ErrSilent: the port was left after it stayed silent.
	ErrSilent = errors.New("it stayed silent; check that the module is powered and that this is its AT port")
	// ErrNoise: the port never fell silent.
	ErrNoise = errors.New("it never stops sending; ask through another port of the module")
	// ErrUnsure: answers did not agree, so that none could be attributed.
	ErrUnsure = errors.New("its answers did not agree; ask again later")
	// ErrRestart: the module announced its start during the visit.
	ErrRestart = errors.New("the module restarted or was exchanged; ask again when it is ready")
	// ErrVisit: the time for this visit is over.
	ErrVisit = errors.New("the time allowed for this port is over")
	// ErrFull: the transcript is full.
	ErrFull = errors.New("the transcript is full")
	// ErrClosed: the session was closed.
	ErrClosed = errors.New("the session is closed")
)
