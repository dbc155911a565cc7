package store

import (
	"context"
	"errors"
	"time"
)

// ErrTaken: something else has that name.
var ErrTaken = errors.New("the name is taken")

// Access keeps who may ask, who is logged in, and what was asked for. It keeps hashes of
// secrets, never secrets.
type Access interface {
	// PutToken adds a token, or gives ErrTaken: a name is used once, also by one that is revoked.
	PutToken(ctx context.Context, t Token) error
	// Token finds a token by the hash of its secret, or gives ErrNotFound. It also finds
	// those that are revoked or expired.
	Token(ctx context.Context, hash []byte) (Token, error)
	// Tokens lists all, by name.
	Tokens(ctx context.Context) ([]Token, error)
	// RevokeToken ends a token, or gives ErrNotFound. One that was revoked stays as it was.
	RevokeToken(ctx context.Context, name string, at time.Time) error
	// TokenUsed remembers when a token was last used.
	TokenUsed(ctx context.Context, hash []byte, at time.Time) error
	PutSession(ctx context.Context, s Session) error
	// Session finds a session by the hash of its secret, or gives ErrNotFound.
	Session(ctx context.Context, hash []byte) (Session, error)
	// SessionSeen remembers when a session was last used.
	SessionSeen(ctx context.Context, hash []byte, at time.Time) error
	EndSession(ctx context.Context, hash []byte) error
	PutAudit(ctx context.Context, a Audit) error
	// PutAuditChange adds what changed something, unless the newest entry of the same action
	// names the same object: of several who tell of one change at once, one is kept.
	PutAuditChange(ctx context.Context, a Audit) (kept bool, err error)
	// Audits lists what was done, newest first.
	Audits(ctx context.Context, f AuditFilter, p Page) (AuditList, error)
	// PruneAccess forgets sessions that ended before now, and of what was done all that is older
	// than before or beyond the newest keep.
	PruneAccess(ctx context.Context, now, before time.Time, keep int) error
}

// AccessCloser is Access alone, of a store that may be in use.
type AccessCloser interface {
	Access
	Close() error
}

// Token lets a program or a person ask.
type Token struct {
	Name string `json:"name"`
	// ID is the part of the token that may be shown, to tell one from another.
	ID   string `json:"id"`
	Role string `json:"role"`
	// Hash is SHA-256 of the whole token.
	Hash    []byte    `json:"-"`
	Created time.Time `json:"created"`
	// Expires is zero for one that holds until it is revoked; Revoked for one that is not;
	// Used for one that never was.
	Expires time.Time `json:"expires,omitzero"`
	Revoked time.Time `json:"revoked,omitzero"`
	Used    time.Time `json:"last_used,omitzero"`
}

// Session is one login.
type Session struct {
	// Hash is SHA-256 of the secret in the cookie.
	Hash []byte
	Name string
	Role string
	// Token is the hash of the token that it began with; empty: a login elsewhere.
	Token   []byte
	Created time.Time
	Seen    time.Time
	// Ends is when it ends, however much it is used.
	Ends time.Time
}

// Audit is one thing that somebody did or was not let do.
type Audit struct {
	No     int64     `json:"no"`
	At     time.Time `json:"at"`
	Who    string    `json:"who"`
	Via    string    `json:"via"`
	From   string    `json:"from"`
	Action string    `json:"action"`
	Object string    `json:"object"`
	Result string    `json:"result"`
}

// AuditFilter says which. Empty fields let everything pass.
type AuditFilter struct{ Who, Action string }

// AuditList is one page.
type AuditList struct {
	Items []Audit
	Next  string
}
