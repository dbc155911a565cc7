package inventory

import (
	"time"
)

// The schemas that this version writes. Readers accept every 1.x and ignore fields
// that they do not know.
const (
	ReportSchema    = "rollcall.report/1"
	HeartbeatSchema = "rollcall.heartbeat/1"
)

// Reason says why a report was made.
type Reason string

// The reasons for a report.
const (
	ReasonStart    Reason = "start"
	ReasonChange   Reason = "change"
	ReasonInterval Reason = "interval"
	ReasonRequest  Reason = "request"
)

// Gateway says whose report it is.
type Gateway struct {
	// ID is a token of [A-Za-z0-9_-], 1 to 64 long, so that it can stand in a subject.
	ID       string            `json:"id"`
	Hostname string            `json:"hostname"`
	Labels   map[string]string `json:"labels"`
	// Agent is the program and its version ("rollcall-agent/0.1.0").
	Agent string `json:"agent"`
	OS    string `json:"os"`
	Arch  string `json:"arch"`
}

// Order decides which of two reports of one gateway is newer, without its clock.
type Order struct {
	// Boot grows with every start of the agent.
	Boot uint64 `json:"boot"`
	// Seq grows with every report of one boot, from 1.
	Seq uint64 `json:"seq"`
}

// Before says whether o is older than p.
func (o Order) Before(p Order) bool {
	return o.Boot < p.Boot || o.Boot == p.Boot && o.Seq < p.Seq
}

// Report is one gateway's observation of all its modules at one moment.
type Report struct {
	Schema string `json:"schema"`
	// ID is 128 random bits in lower-case hex, made once: the only key for "same report".
	ID      string  `json:"id"`
	Gateway Gateway `json:"gateway"`
	Order
	// Time is the gateway's clock in UTC. It orders nothing.
	Time time.Time `json:"time"`
	// ClockSynced says whether that clock was believed at that time.
	ClockSynced bool     `json:"clock_synced"`
	Reason      Reason   `json:"reason"`
	Modules     []Module `json:"modules"`
	// Health lists the warnings now in force on the gateway.
	Health []Warning `json:"health,omitempty"`
	// Truncated says that transcripts were left out to keep the report within its limit.
	Truncated bool `json:"truncated,omitempty"`
}

// Heartbeat says that a gateway lives and that nothing changed since its last full report.
type Heartbeat struct {
	Schema  string `json:"schema"`
	ID      string `json:"id"`
	Gateway string `json:"gateway"`
	Order
	Time        time.Time `json:"time"`
	ClockSynced bool      `json:"clock_synced"`
	// Digest is that of the last full report's findings; a collector that holds
	// another one asks for the full report.
	Digest string    `json:"digest"`
	Health []Warning `json:"health,omitempty"`
}

// Severity of a health warning.
type Severity string

// The severities of health warnings.
const (
	SeverityInfo    Severity = "info"
	SeverityWarning Severity = "warning"
	SeverityError   Severity = "error"
)

// Warning is a named thing that is wrong on the gateway.
type Warning struct {
	// Code is stable and short ("disk-full", "port-held", "clock-unsure").
	Code     string    `json:"code"`
	Severity Severity  `json:"severity"`
	Text     string    `json:"text"`
	Since    time.Time `json:"since"`
}
