package access_test

import (
	"context"
	"net/url"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/access"
	"github.com/rollcall-iot/rollcall/collector/store"
)

// patient is a store that notes who would wait for it for ever.
type patient struct {
	access.Store
	mu      sync.Mutex
	asked   map[string]bool
	forever map[string]bool
}

func (p *patient) note(ctx context.Context, what string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.asked[what] = true
	if _, ends := ctx.Deadline(); !ends {
		p.forever[what] = true
	}
}

func (p *patient) Token(ctx context.Context, hash []byte) (store.Token, error) {
	p.note(ctx, "Token")
	return p.Store.Token(ctx, hash)
}

func (p *patient) Tokens(ctx context.Context) ([]store.Token, error) {
	p.note(ctx, "Tokens")
	return p.Store.Tokens(ctx)
}

func (p *patient) TokenUsed(ctx context.Context, hash []byte, at time.Time) error {
	p.note(ctx, "TokenUsed")
	return p.Store.TokenUsed(ctx, hash, at)
}

func (p *patient) PutSession(ctx context.Context, s store.Session) error {
	p.note(ctx, "PutSession")
	return p.Store.PutSession(ctx, s)
}

func (p *patient) Session(ctx context.Context, hash []byte) (store.Session, error) {
	p.note(ctx, "Session")
	return p.Store.Session(ctx, hash)
}

func (p *patient) SessionSeen(ctx context.Context, hash []byte, at time.Time) error {
	p.note(ctx, "SessionSeen")
	return p.Store.SessionSeen(ctx, hash, at)
}

func (p *patient) EndSession(ctx context.Context, hash []byte) error {
	p.note(ctx, "EndSession")
	return p.Store.EndSession(ctx, hash)
}

func (p *patient) PutAudit(ctx context.Context, a store.Audit) error {
	p.note(ctx, "PutAudit")
	return p.Store.PutAudit(ctx, a)
}

// A database that does not answer keeps nobody waiting for ever: whoever asks is told so.
func TestNothingWaitsForEver(t *testing.T) {
	p := &patient{asked: map[string]bool{}, forever: map[string]bool{}}
	h := build(t, false, func(s *access.Settings) { p.Store, s.Store = s.Store, p })
	token := h.token("alice", access.Admin, 0)
	b := h.browser()
	b.ask("GET", "/", "").want(t, "a stranger", 401, "")
	h.as(token, "GET", "/").want(t, "a token", 200, "alice")
	b.login(token, "/").want(t, "login", 303, "")
	h.clock.wait(5 * time.Minute)
	b.ask("GET", "/", "").want(t, "a session", 200, "alice")
	b.post("/logout", url.Values{"csrf": {b.csrf()}}).want(t, "logout", 303, "")
	for _, what := range []string{"Token", "Tokens", "TokenUsed", "PutSession", "Session", "SessionSeen", "EndSession", "PutAudit"} {
		if !p.asked[what] || p.forever[what] {
			t.Errorf("%s: asked %v, for ever %v", what, p.asked[what], p.forever[what])
		}
	}
}
