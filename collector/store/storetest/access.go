package storetest

import (
	"errors"
	"fmt"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Access holds what a store keeps of access to its contract.
func Access(t *testing.T, open func(*testing.T) store.Store) {
	t.Run("tokens", func(t *testing.T) { accessTokens(t, open(t)) })
	t.Run("sessions", func(t *testing.T) { accessSessions(t, open(t)) })
	t.Run("audit", func(t *testing.T) { accessAudit(t, open(t)) })
	t.Run("changes in the audit", func(t *testing.T) { accessAuditChange(t, open(t)) })
}

var accessStart = time.Date(2026, 11, 22, 10, 0, 0, 123000, time.UTC)

func gives[T any](t *testing.T, what string, want, got T, err error) {
	t.Helper()
	if d := cmp.Diff(want, got); d != "" || err != nil {
		t.Errorf("%s: %v (-want +got)\n%s", what, err, d)
	}
}

func done(t *testing.T, what string, err error) {
	t.Helper()
	if err != nil {
		t.Fatalf("%s: %v", what, err)
	}
}

func accessTokens(t *testing.T, s store.Store) {
	ctx, at := t.Context(), accessStart
	a := store.Token{Name: "a'; DROP TABLE tokens; --", ID: "x_1", Role: "read", Hash: []byte{0, 1, 255}, Created: at, Expires: at.Add(time.Hour)}
	b := store.Token{Name: "b\u202e", ID: "x_2", Role: "admin", Hash: []byte{2}, Created: at}
	done(t, "put", s.PutToken(ctx, b))
	done(t, "put", s.PutToken(ctx, a))
	for what, again := range map[string]store.Token{"name": {Name: a.Name, Hash: []byte{9}, Created: at}, "hash": {Name: "c", Hash: a.Hash, Created: at}} {
		if err := s.PutToken(ctx, again); !errors.Is(err, store.ErrTaken) {
			t.Errorf("the same %s again: %v", what, err)
		}
	}
	got, err := s.Token(ctx, a.Hash)
	gives(t, "by hash", a, got, err)
	all, err := s.Tokens(ctx)
	gives(t, "all", []store.Token{a, b}, all, err)
	for _, hash := range [][]byte{{}, nil, {0, 1}, {0, 1, 255, 0}} {
		if _, err := s.Token(ctx, hash); !errors.Is(err, store.ErrNotFound) {
			t.Errorf("by hash %v: %v", hash, err)
		}
	}
	done(t, "used", s.TokenUsed(ctx, a.Hash, at.Add(time.Minute)))
	done(t, "revoke", s.RevokeToken(ctx, a.Name, at.Add(2*time.Minute)))
	done(t, "revoke again", s.RevokeToken(ctx, a.Name, at.Add(3*time.Minute)))
	a.Used, a.Revoked = at.Add(time.Minute), at.Add(2*time.Minute)
	got, err = s.Token(ctx, a.Hash)
	gives(t, "revoked", a, got, err)
	if err := s.RevokeToken(ctx, "nobody", at); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("revoke nobody's: %v", err)
	}
}

func accessSessions(t *testing.T, s store.Store) {
	ctx, at := t.Context(), accessStart
	a := store.Session{Hash: []byte{1}, Name: "alice", Role: "read", Token: []byte{7}, Created: at, Seen: at, Ends: at.Add(time.Hour)}
	b := store.Session{Hash: []byte{2}, Name: "bob", Role: "admin", Created: at, Seen: at, Ends: at.Add(2 * time.Hour)}
	done(t, "put", s.PutSession(ctx, a))
	done(t, "put", s.PutSession(ctx, store.Session{Hash: b.Hash, Name: "bob", Role: "admin", Created: at, Seen: at, Ends: b.Ends}))
	if err := s.PutSession(ctx, a); err == nil {
		t.Error("the same session again")
	}
	got, err := s.Session(ctx, a.Hash)
	gives(t, "alice's", a, got, err)
	done(t, "seen", s.SessionSeen(ctx, b.Hash, at.Add(time.Minute)))
	b.Seen = at.Add(time.Minute)
	got, err = s.Session(ctx, b.Hash)
	gives(t, "bob's", b, got, err)
	done(t, "prune", s.PruneAccess(ctx, at.Add(90*time.Minute), at, 10))
	if _, err := s.Session(ctx, a.Hash); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("one that is over: %v", err)
	}
	done(t, "end", s.EndSession(ctx, b.Hash))
	done(t, "end again", s.EndSession(ctx, b.Hash))
	if _, err := s.Session(ctx, b.Hash); !errors.Is(err, store.ErrNotFound) {
		t.Errorf("one that was ended: %v", err)
	}
}

func accessAudit(t *testing.T, s store.Store) {
	ctx, at := t.Context(), accessStart
	want := make([]store.Audit, 7)
	for i := range want {
		a := store.Audit{At: at.Add(time.Duration(i) * time.Minute), Who: []string{"alice", "bob"}[i%2], Via: "token", From: "192.0.2.1",
			Action: []string{"scan", "what-if"}[i/4], Object: fmt.Sprint("gw-", i), Result: "asked"}
		done(t, "put", s.PutAudit(ctx, a))
		want[len(want)-1-i] = a
	}
	var got []store.Audit
	p := store.Page{Limit: 3}
	for {
		l, err := s.Audits(ctx, store.AuditFilter{}, p)
		done(t, "list", err)
		got = append(got, l.Items...)
		if p.Cursor = l.Next; p.Cursor == "" {
			break
		}
	}
	last := int64(1 << 62)
	for i := range got {
		if got[i].No >= last {
			t.Errorf("number %d after %d", got[i].No, last)
		}
		last, got[i].No = got[i].No, 0
	}
	gives(t, "all pages", want, got, nil)
	l, err := s.Audits(ctx, store.AuditFilter{Who: "alice", Action: "scan"}, store.Page{})
	if err != nil || len(l.Items) != 2 || l.Items[0].Object != "gw-2" || l.Next != "" {
		t.Errorf("alice's scans: %+v, %v", l, err)
	}
	if _, err := s.Audits(ctx, store.AuditFilter{}, store.Page{Cursor: "x"}); !errors.Is(err, store.ErrCursor) {
		t.Errorf("a cursor of nothing: %v", err)
	}
	done(t, "prune", s.PruneAccess(ctx, at, at.Add(2*time.Minute), 4))
	l, err = s.Audits(ctx, store.AuditFilter{}, store.Page{})
	if err != nil || len(l.Items) != 4 || l.Items[3].Object != "gw-3" {
		t.Errorf("after pruning: %+v, %v", l, err)
	}
}

// Of several collectors that tell of one change at the same moment, one is kept; what is changed
// back is a change again; and another action between does not matter.
func accessAuditChange(t *testing.T, s store.Store) {
	ctx := t.Context()
	audit := func(action, object, who string) store.Audit {
		return store.Audit{At: accessStart, Who: who, Via: "bundle", From: "here", Action: action, Object: object, Result: "ok"}
	}
	const rounds, collectors = 20, 6
	for round := range rounds {
		object := fmt.Sprint("policy ", round%2)
		var kept atomic.Int32
		var all sync.WaitGroup
		start := make(chan struct{})
		for i := range collectors {
			all.Go(func() {
				<-start
				first, err := s.PutAuditChange(ctx, audit("change rules", object, fmt.Sprint("collector ", i)))
				if err != nil {
					t.Error(err)
				}
				if first {
					kept.Add(1)
				}
			})
		}
		close(start)
		all.Wait()
		if n := kept.Load(); n != 1 {
			t.Errorf("round %d: %d collectors were told that theirs is kept", round, n)
		}
		done(t, "put", s.PutAudit(ctx, audit("scan", object, "alice")))
	}
	l, err := s.Audits(ctx, store.AuditFilter{Action: "change rules"}, store.Page{Limit: 1000})
	done(t, "list", err)
	if len(l.Items) != rounds {
		t.Errorf("%d entries of %d changes", len(l.Items), rounds)
	}
	for i, a := range l.Items {
		if want := fmt.Sprint("policy ", (len(l.Items)-1-i)%2); a.Object != want {
			t.Errorf("entry %d is of %q, want %q", i, a.Object, want)
		}
	}
	if kept, err := s.PutAuditChange(ctx, audit("another", "policy 1", "bob")); !kept || err != nil {
		t.Errorf("the first of its action: %v, %v", kept, err)
	}
}
