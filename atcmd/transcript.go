package atcmd

import (
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Notes that an exchange may carry.
const (
	// NoteTimeout: no final result code came in time; Lines are unconfirmed.
	NoteTimeout = "timeout"
	// NoteTooLong: more came than the limits allow; Lines hold what was kept.
	NoteTooLong = "too-long"
	// NoteLost: the port vanished; Lines are unconfirmed.
	NoteLost = "lost"
	// NoteDoubtful: what came may belong to another command; the query was asked again.
	NoteDoubtful = "doubtful"
)

// Transcript is everything that was said during one visit.
type Transcript struct {
	// Exchanges are all commands in the order written, also those that woke the module
	// or asked again.
	Exchanges []inventory.Exchange
	// Banner holds the lines that came unasked, in order of arrival, invalid UTF-8 replaced.
	Banner []string
	// Record holds the exact bytes in both directions, up to MaxTranscript.
	Record []Chunk
}

// Chunk is a run of bytes as it was written or read.
type Chunk struct {
	// Sent tells what was written from what was read.
	Sent bool
	// At is the time since the session began.
	At    time.Duration
	Bytes []byte
}

func (t Transcript) clone() Transcript {
	return Transcript{slices.Clone(t.Exchanges), slices.Clone(t.Banner), slices.Clone(t.Record)}
}
