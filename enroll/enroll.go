package enroll

import (
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Kind says how a broker learns who may log in.
type Kind string

// The kinds of authority.
const (
	// JWT: the broker trusts the operator's key; a new gateway needs no change there.
	JWT Kind = "jwt"
	// NKey: all users stand in the broker's configuration, which is reloaded for each.
	NKey Kind = "nkey"
)

// Role says what the holder of credentials may do.
type Role string

// The roles.
const (
	// Gateway publishes its own reports and answers requests to itself.
	Gateway Role = "gateway"
	// Leaf carries all gateways of a site behind one connection.
	Leaf Role = "leaf"
	// Collector consumes the stream, publishes events and asks gateways.
	Collector Role = "collector"
	// Admin may do everything in the collector's account, for people with the nats tool.
	Admin Role = "admin"
	// Join may ask for credentials of its own, and nothing else: the join token of a fleet.
	Join Role = "join"
	// Approver answers those who ask.
	Approver Role = "approver"
)

// Roles are all of them.
func Roles() []Role { return []Role{Gateway, Leaf, Collector, Admin, Join, Approver} }

// Errors that callers branch on.
var (
	// ErrExists: the directory holds an authority already, or the name has credentials.
	ErrExists = errors.New("is there already")
	// ErrUnknown: nobody of that name is enrolled.
	ErrUnknown = errors.New("is not enrolled")
)

// Settings of a new authority.
type Settings struct {
	// Kind is JWT where empty.
	Kind Kind
	// Name is that of the operator, as brokers log it. Empty means "rollcall".
	Name string
	// Now gives the time. Nil means time.Now.
	Now func() time.Time
}

// Options of one enrolment.
type Options struct {
	// Role is Gateway where empty.
	Role Role
	// Expires is how long the credentials are good for. 0 means until they are revoked. A
	// gateway that is offline when they expire has to be enrolled again by hand.
	Expires time.Duration
	// ReportKey is the public key that signs the gateway's reports, in text, where known.
	ReportKey string
	// Again takes back what the name had before, instead of refusing.
	Again bool
}

// Credentials are what the holder needs.
type Credentials struct {
	Name string
	Role Role
	// User is the public key that logs in.
	User string
	// File is the .creds file of the kind JWT, or the seed of the kind NKey. It is secret.
	File []byte
}

// Record is what an authority knows of a name. It holds no secret.
type Record struct {
	Schema string `json:"schema"`
	Name   string `json:"name"`
	Role   Role   `json:"role"`
	// Users are the keys that were handed out, oldest first.
	Users []User `json:"users"`
	// ReportKeys are those of a gateway.
	ReportKeys []store.Key `json:"report_keys,omitempty"`
}

// User is one key that logs in.
type User struct {
	Key     string    `json:"key"`
	Issued  time.Time `json:"issued"`
	Expires time.Time `json:"expires,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
}

// Live says whether some credentials of that name are good at that time.
func (r *Record) Live(now time.Time) bool {
	return slices.ContainsFunc(r.Users, func(u User) bool {
		return u.Revoked.IsZero() && (u.Expires.IsZero() || u.Expires.After(now))
	})
}

// recordSchema names the shape of the files of an authority.
const recordSchema = "rollcall.enrolled/1"

// Commands are names of sub-commands of "rollcall enroll", which therefore cannot be enrolled.
func Commands() []string {
	return []string{"init", "list", "export", "import", "push", "serve", "pending", "approve", "refuse", "help"}
}

// CheckName says whether a name can be enrolled.
func CheckName(name string) error {
	if slices.Contains(Commands(), name) {
		return fmt.Errorf("cannot enrol %q: it is a command of rollcall enroll; choose another id", name)
	}
	if err := inventory.CheckGatewayID(name); err != nil {
		return fmt.Errorf("cannot enrol: %w", err)
	}
	return nil
}

func checkRole(r Role) error {
	if !slices.Contains(Roles(), r) {
		return fmt.Errorf("unknown role %q; use one of %v", r, Roles())
	}
	return nil
}
