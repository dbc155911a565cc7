package capture

import (
	"errors"

	"github.com/rollcall-iot/rollcall/fingerprint"
)

// Limits on what is read. They are far above any real capture.
const (
	// MaxBytes bounds one pasted session or log.
	MaxBytes = 8 << 20
	// MaxLine bounds one line of JSON Lines.
	MaxLine = 1 << 20
	// maxAnswerLine and maxAnswer bound one information line and one answer, as on a port.
	maxAnswerLine = 4 << 10
	maxAnswer     = 512
	// maxExchanges and maxBanner bound one case.
	maxExchanges = 2000
	maxBanner    = 64
	// maxLines bounds the lines of one capture, blank ones aside.
	maxLines = 200_000
)

// Errors that callers branch on.
var (
	// ErrTooLarge: the input is longer than MaxBytes, or a line longer than MaxLine.
	ErrTooLarge = errors.New("input is too large")
	// ErrNothing: no dialogue with a modem was found.
	ErrNothing = errors.New("no AT command with an answer was found")
)

// Case is one observation of one device.
type Case struct {
	ID string
	fingerprint.Observation
}

// Format is the kind of a capture.
type Format int

// The formats that Sniff tells apart.
const (
	// Terminal is a pasted session or a log.
	Terminal Format = iota
	// JSONLines is one case a line.
	JSONLines
	// Report is one report of Rollcall, as scan prints it.
	Report
)

// Use says what a line of a capture was taken for.
type Use string

// The uses of a line.
const (
	UseCommand    Use = "command"
	UseEcho       Use = "echo"
	UseAnswer     Use = "answer"
	UseFinal      Use = "final"
	UseUnasked    Use = "unasked"
	UseDescriptor Use = "descriptor"
	// UseManaged: what a modem manager shows of the module.
	UseManaged Use = "managed"
	// UseNone: the line was left out. Why says for what reason.
	UseNone Use = "left out"
)

// Used says what one line, or one part of a line, was taken for.
type Used struct {
	// Line counts from 1.
	Line int
	// Text is the part that was used, as it stands in the line, or the whole line.
	Text string
	As   Use
	// Of is the command that an echo, an answer or a final result code belongs to.
	Of string
	// Why says why a line was left out.
	Why string
	// Case is the index of the case, or -1.
	Case int
}

// Reasons that are given in more than one place.
const (
	whyOutside  = "stands outside of a dialogue"
	whyLogger   = "of the program that logged"
	whyTerminal = "of the terminal program"
	whyLimit    = "beyond the limit of one capture"
)

func (u Used) leftOut(why string) Used {
	return Used{Line: u.Line, Text: u.Text, As: UseNone, Of: u.Of, Why: why, Case: -1}
}
