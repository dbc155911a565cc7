package collector

import "fmt"

// Verdict says what became of a message.
type Verdict int

// The verdicts.
const (
	// New: the newest word of its gateway; the state now follows it.
	New Verdict = iota
	// Same: these very bytes are known already.
	Same
	// Older: not known, but a newer one is; kept for the history.
	Older
	// Conflict: another report claims the same place in the gateway's order. Both are kept.
	Conflict
	// Rejected: not believed; Reason says why.
	Rejected
)

func (v Verdict) String() string {
	return [...]string{"new", "same", "older", "conflict", "rejected"}[v]
}

// Reason says why a message was rejected. Each is a label of a metric.
type Reason string

// The reasons.
const (
	Unsigned     Reason = "unsigned"      // no readable key or signature
	BadSignature Reason = "bad-signature" // the signature is not the key's over these bytes
	UnknownKey   Reason = "unknown-key"   // the key does not speak for this gateway
	RevokedKey   Reason = "revoked-key"   // it once did
	WrongSubject Reason = "wrong-subject" // the subject names another gateway than the signed bytes
	BadSchema    Reason = "bad-schema"    // of no schema that this version reads
	Malformed    Reason = "malformed"     // not decodable, or without an id or order
	TooLarge     Reason = "too-large"     // over inventory.MaxReportBytes
	Poison       Reason = "poison"        // could not be stored again and again
)

func reasons() []Reason {
	return []Reason{Unsigned, BadSignature, UnknownKey, RevokedKey, WrongSubject, BadSchema, Malformed, TooLarge, Poison}
}

// Outcome is what became of one message.
type Outcome struct {
	Verdict Verdict
	// Reason is set where Verdict is Rejected.
	Reason Reason
	// Err says more, in words.
	Err error
}

func (o Outcome) String() string {
	if o.Verdict != Rejected {
		return o.Verdict.String()
	}
	return fmt.Sprintf("rejected: %s: %v", o.Reason, o.Err)
}

func reject(r Reason, format string, args ...any) Outcome {
	return Outcome{Verdict: Rejected, Reason: r, Err: fmt.Errorf(format, args...)}
}
