package natslink

import (
	"fmt"
	"time"

	"github.com/nats-io/nats.go"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Names on the wire.
const (
	// Stream holds what gateways publish.
	Stream = "ROLLCALL"
	// HeaderSignature holds the Ed25519 signature, in unpadded URL base64.
	HeaderSignature = "Rollcall-Signature"
	// HeaderKey holds the public report key, as inventory.EncodeKey writes it.
	HeaderKey = "Rollcall-Key"
	// Service is the name of the NATS micro service of an agent.
	Service = "rollcall-agent"
)

// Subject is where envelopes of a kind go: rollcall.v1.report.<gateway>.
func Subject(k inventory.Kind, gateway string) string {
	return "rollcall.v1." + string(k) + "." + gateway
}

// ScanSubject is where an agent takes requests to look now.
func ScanSubject(gateway string) string { return "rollcall.v1.scan." + gateway }

// StatusSubject is where an agent tells how it is.
func StatusSubject(gateway string) string { return "rollcall.v1.status." + gateway }

// VersionSubject is where an agent tells its version.
func VersionSubject(gateway string) string { return "rollcall.v1.version." + gateway }

// JoinSubject is where a gateway without credentials asks for some, with a join token.
func JoinSubject(gateway string) string { return "rollcall.v1.join." + gateway }

// JoinInbox is where answers to holders of a join token go. No gateway's own prefix is like it.
const JoinInbox = "_JOIN"

// InboxPrefix is where answers to a gateway go. It has one of its own, since a shared
// one lets any client read all answers.
func InboxPrefix(gateway string) string { return "_INBOX_" + gateway }

// Permissions are the least rights with which an agent works: what it publishes, and
// what it subscribes to. It answers requests through the right to reply
// (allow_responses).
func Permissions(gateway string) (publish, subscribe []string) {
	publish = []string{Subject(inventory.KindReport, gateway), Subject(inventory.KindHeartbeat, gateway)}
	subscribe = []string{InboxPrefix(gateway) + ".>", ScanSubject(gateway), StatusSubject(gateway), VersionSubject(gateway),
		"$SRV.PING", "$SRV.PING." + Service, "$SRV.PING." + Service + ".*",
		"$SRV.INFO", "$SRV.INFO." + Service, "$SRV.INFO." + Service + ".*",
		"$SRV.STATS", "$SRV.STATS." + Service, "$SRV.STATS." + Service + ".*"}
	return publish, subscribe
}

// Settings of a link. Gateway or Name and a URL (or InProcess) are needed.
type Settings struct {
	// URLs of servers (nats://, tls://, ws://, wss://), tried in random order.
	URLs []string
	// Name shows in the server's list of connections. Empty means Gateway.
	Name string
	// Gateway gives the inbox its own prefix. Empty for programs that are no gateway.
	Gateway string
	// Joining says that CredsFile holds a join token: answers go to JoinInbox.
	Joining bool
	// Hold makes no connection: the gateway has no credentials yet.
	Hold bool
	// CredsFile holds a user JWT and its seed, NKeyFile a seed alone. Connect refuses them
	// where others may read them. What CredsFile holds may be replaced at any time; another
	// key in NKeyFile needs another Link.
	CredsFile, NKeyFile string
	// CAFile holds the only authorities that are trusted; it makes TLS a must.
	CAFile string
	// CertFile and KeyFile are this client's certificate.
	CertFile, KeyFile string
	// Timeout bounds the wait for one acknowledgement. 0 means 10 s.
	Timeout time.Duration
	// MaxWait is the longest pause between two tries to connect. 0 means 5 min.
	MaxWait time.Duration
	// Background makes Connect return at once, before the first try.
	Background bool
	// Spread is the bound of the first pause after a connection was lost, so that a fleet
	// does not come back in one moment, nor go to the other servers in one. 0 means 30 s, or MaxWait where that is less.
	Spread time.Duration
	// PingInterval finds out about a dead connection; two are missed at most. 0 means 25 s.
	PingInterval time.Duration
	// InProcess connects to a server in this process instead of the URLs.
	InProcess nats.InProcessConnProvider
	// Now gives the time for Since in health. nil means time.Now.
	Now func() time.Time
}

// Receipt is JetStream's word that it holds the message.
type Receipt struct {
	Stream   string
	Sequence uint64
	// Duplicate says that a message of that id was there already. On a first attempt that
	// message is somebody else's, and this is no receipt.
	Duplicate bool
}

// Kind says what to do after a failed publish.
type Kind int

// The kinds of failure.
const (
	// Retry: later it may work.
	Retry Kind = iota
	// Permanent: these bytes will never be taken.
	Permanent
	// TooLarge: a smaller envelope would be taken.
	TooLarge
	// Denied: the server does not permit it; a person has to act.
	Denied
)

func (k Kind) String() string {
	return [...]string{"retry", "permanent", "too large", "denied"}[k]
}

// PublishError says why an envelope was not taken.
type PublishError struct {
	Kind    Kind
	Subject string
	// Unsure says that the server may have stored it all the same: the answer is missing.
	Unsure bool
	Err    error
}

func (e *PublishError) Error() string {
	return fmt.Sprintf("cannot publish on %s (%s): %v", e.Subject, e.Kind, e.Err)
}

func (e *PublishError) Unwrap() error { return e.Err }
