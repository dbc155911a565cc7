package access

import (
	"context"
	"fmt"
	"slices"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Role is what somebody may do. Each includes those before it.
type Role string

// The roles.
const (
	// Read sees everything but secrets and the log of who did what.
	Read Role = "read"
	// Operate also asks gateways to look again, settles conflicts and tries rules out.
	Operate Role = "operate"
	// Admin also changes rules and reads who did what.
	Admin Role = "admin"
)

// Roles lists them, the least first.
func Roles() []Role { return []Role{Read, Operate, Admin} }

// ParseRole reads a role's name.
func ParseRole(s string) (Role, error) {
	if !slices.Contains(Roles(), Role(s)) {
		return "", fmt.Errorf("there is no role %q: it is read, operate or admin", s)
	}
	return Role(s), nil
}

// Includes says whether r may do what other may.
func (r Role) Includes(other Role) bool {
	have, need := slices.Index(Roles(), r), slices.Index(Roles(), other)
	return have >= 0 && need >= 0 && have >= need
}

// How somebody is known.
const (
	ViaToken    = "token"
	ViaSession  = "session"
	ViaLoopback = "loopback" // the local person of a machine that nobody else reaches
	ViaOpen     = "open"     // anybody, where that was allowed on purpose
)

// Person is who asks.
type Person struct {
	Name string `json:"name"`
	Role Role   `json:"role"`
	Via  string `json:"via"`
}

// visit is what is known of one request.
type visit struct {
	person Person
	known  bool
	meant  bool   // the request was checked to be no forged one
	csrf   string // what its forms must hold
	from   string // the client's address
	secure bool   // the client speaks TLS, with us or with a trusted proxy
	hash   []byte // of its session
}

type visitKey struct{}

func visitOf(ctx context.Context) *visit {
	v, _ := ctx.Value(visitKey{}).(*visit)
	return v
}

// From gives who asks, behind Require.
func From(ctx context.Context) (Person, bool) {
	v := visitOf(ctx)
	if v == nil || !v.known {
		return Person{}, false
	}
	return v.person, true
}

// CSRF is what every form must send in a hidden field "csrf", or a script in the header
// X-CSRF-Token: another site cannot know it.
func CSRF(ctx context.Context) string {
	if v := visitOf(ctx); v != nil {
		return v.csrf
	}
	return ""
}

// Store is what is kept; every store of a collector is one.
type Store = store.Access
