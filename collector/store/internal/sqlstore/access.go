package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

const (
	tokenColumns   = "name, id, role, hash, created, expires, revoked, used"
	sessionColumns = "hash, name, role, token, created, seen, ends"
	auditColumns   = "no, at, who, via, origin, action, object, result"
)

// Schema is the number of the newest migration.
func Schema() (int, error) {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil || len(names) == 0 {
		return 0, fmt.Errorf("cannot list the migrations: %w", err)
	}
	digits, _, _ := strings.Cut(strings.TrimPrefix(names[len(names)-1], "migrations/"), "_")
	return strconv.Atoi(digits)
}

// moment is a time that may be none, which is 0.
func moment(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func fromMoment(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return fromMicros(n)
}

// PutToken implements [store.Access].
func (s *Store) PutToken(ctx context.Context, t store.Token) error {
	b := insertion("tokens", "name id role hash! created# expires# revoked# used#", "-")
	n, err := s.rows1(ctx, "keep token "+strconv.Quote(t.Name), b.rows(&s.d, 1),
		t.Name, t.ID, t.Role, t.Hash, moment(t.Created), moment(t.Expires), moment(t.Revoked), moment(t.Used))
	if err == nil && n == 0 {
		err = s.fail("keep token "+strconv.Quote(t.Name), store.ErrTaken)
	}
	return err
}

// rows1 runs one statement in a transaction of its own, and says how many rows it changed.
func (s *Store) rows1(ctx context.Context, what, q string, args ...any) (int64, error) {
	var n int64
	err := s.change(ctx, func(w *writer) (err error) {
		n, err = w.exec(ctx, q, args...)
		return err
	})
	return n, s.fail(what, err)
}

// Token implements [store.Access].
func (s *Store) Token(ctx context.Context, hash []byte) (store.Token, error) {
	var t store.Token
	err := s.view(ctx, "find a token", func(tx *sql.Tx) (err error) {
		t, err = scanToken(tx.QueryRowContext(ctx, s.sql("SELECT "+tokenColumns+" FROM tokens WHERE hash = ?"), hash))
		return err
	})
	return t, err
}

// Tokens implements [store.Access].
func (s *Store) Tokens(ctx context.Context) ([]store.Token, error) {
	var all []store.Token
	err := s.view(ctx, "list tokens", func(tx *sql.Tx) error {
		return s.each(ctx, tx, "SELECT "+tokenColumns+" FROM tokens ORDER BY name", nil, func(r *sql.Rows) error {
			t, err := scanToken(r)
			all = append(all, t)
			return err
		})
	})
	return all, err
}

func scanToken(r interface{ Scan(...any) error }) (store.Token, error) {
	var t store.Token
	var created, expires, revoked, used int64
	err := r.Scan(&t.Name, &t.ID, &t.Role, &t.Hash, &created, &expires, &revoked, &used)
	t.Created, t.Expires, t.Revoked, t.Used = fromMoment(created), fromMoment(expires), fromMoment(revoked), fromMoment(used)
	return t, err
}

// RevokeToken implements [store.Access].
func (s *Store) RevokeToken(ctx context.Context, name string, at time.Time) error {
	n, err := s.rows1(ctx, "revoke token "+strconv.Quote(name),
		"UPDATE tokens SET revoked = CASE WHEN revoked = 0 THEN ? ELSE revoked END WHERE name = ?", moment(at), name)
	if err == nil && n == 0 {
		err = s.fail("revoke token "+strconv.Quote(name), sql.ErrNoRows)
	}
	return err
}

// TokenUsed implements [store.Access].
func (s *Store) TokenUsed(ctx context.Context, hash []byte, at time.Time) error {
	return s.once1(ctx, "remember the use of a token", "UPDATE tokens SET used = ? WHERE hash = ?", moment(at), hash)
}

// PutSession implements [store.Access].
func (s *Store) PutSession(ctx context.Context, v store.Session) error {
	b := insertion("sessions", "hash! name role token! created# seen# ends#", "")
	if v.Token == nil {
		v.Token = []byte{} // no NULL
	}
	return s.once1(ctx, "keep a session", b.rows(&s.d, 1), v.Hash, v.Name, v.Role, v.Token, moment(v.Created), moment(v.Seen), moment(v.Ends))
}

// Session implements [store.Access].
func (s *Store) Session(ctx context.Context, hash []byte) (store.Session, error) {
	var v store.Session
	err := s.view(ctx, "find a session", func(tx *sql.Tx) error {
		var created, seen, ends int64
		err := tx.QueryRowContext(ctx, s.sql("SELECT "+sessionColumns+" FROM sessions WHERE hash = ?"), hash).
			Scan(&v.Hash, &v.Name, &v.Role, &v.Token, &created, &seen, &ends)
		if len(v.Token) == 0 {
			v.Token = nil // databases differ in what they give back of nothing
		}
		v.Created, v.Seen, v.Ends = fromMoment(created), fromMoment(seen), fromMoment(ends)
		return err
	})
	return v, err
}

// SessionSeen implements [store.Access].
func (s *Store) SessionSeen(ctx context.Context, hash []byte, at time.Time) error {
	return s.once1(ctx, "remember the use of a session", "UPDATE sessions SET seen = ? WHERE hash = ?", moment(at), hash)
}

// EndSession implements [store.Access].
func (s *Store) EndSession(ctx context.Context, hash []byte) error {
	return s.once1(ctx, "end a session", "DELETE FROM sessions WHERE hash = ?", hash)
}

// PutAudit implements [store.Access].
func (s *Store) PutAudit(ctx context.Context, a store.Audit) error {
	return s.fail("keep what was done", s.change(ctx, func(w *writer) error { return w.putAudit(ctx, a) }))
}

func (w *writer) putAudit(ctx context.Context, a store.Audit) error {
	b := insertion("audit", "at# who via origin action object result", "")
	return w.later(ctx, b.rows(&w.s.d, 1), moment(a.At), a.Who, a.Via, a.From, a.Action, a.Object, a.Result)
}

// PutAuditChange implements [store.Access]. Whoever holds the action's name sees what the one before
// it has put; without it, several at once would see none of each other's.
func (s *Store) PutAuditChange(ctx context.Context, a store.Audit) (kept bool, err error) {
	err = s.change(ctx, func(w *writer) error {
		if err := w.lock(ctx, []string{"audit " + a.Action}); err != nil {
			return err
		}
		kept = true
		if err := w.query(ctx, "SELECT object FROM audit WHERE action = ? ORDER BY no DESC LIMIT 1", []any{a.Action}, func(r Row) error {
			var newest string
			err := r.Scan(&newest)
			kept = newest != a.Object
			return err
		}); err != nil || !kept {
			return err
		}
		return w.putAudit(ctx, a)
	})
	return kept && err == nil, s.fail("keep what was changed", err)
}

// Audits implements [store.Access].
func (s *Store) Audits(ctx context.Context, f store.AuditFilter, p store.Page) (store.AuditList, error) {
	at, err := store.DecodeCursor("audit", p.Cursor, 1)
	if err != nil {
		return store.AuditList{}, err
	}
	where, args := []string{"1 = 1"}, []any{}
	for _, is := range []struct{ column, value string }{{"who", f.Who}, {"action", f.Action}} {
		if is.value != "" {
			where, args = append(where, is.column+" = ?"), append(args, lookedFor(is.value))
		}
	}
	if where, args, err = behind(where, args, at); err != nil {
		return store.AuditList{}, err
	}
	var list store.AuditList
	q := "SELECT " + auditColumns + " FROM audit WHERE " + strings.Join(where, " AND ") + " ORDER BY no DESC LIMIT ?"
	err = s.view(ctx, "list what was done", func(tx *sql.Tx) error {
		return s.each(ctx, tx, q, append(args, p.Rows()+1), func(r *sql.Rows) error {
			var a store.Audit
			var at int64
			err := r.Scan(&a.No, &at, &a.Who, &a.Via, &a.From, &a.Action, &a.Object, &a.Result)
			a.At = fromMoment(at)
			list.Items = append(list.Items, a)
			return err
		})
	})
	if n := p.Rows(); len(list.Items) > n {
		list.Items = list.Items[:n]
		list.Next = store.EncodeCursor("audit", strconv.FormatInt(list.Items[n-1].No, 10))
	}
	return list, err
}

// PruneAccess implements [store.Access].
func (s *Store) PruneAccess(ctx context.Context, now, before time.Time, keep int) error {
	return s.fail("forget old sessions", s.change(ctx, func(w *writer) error {
		for _, step := range []struct {
			q   string
			arg int64
		}{
			{"DELETE FROM sessions WHERE ends < ?", moment(now)},
			{"DELETE FROM audit WHERE at < ?", moment(before)},
			{"DELETE FROM audit WHERE no <= (SELECT COALESCE(max(no), 0) FROM audit) - ?", int64(keep)},
		} {
			if _, err := w.exec(ctx, step.q, step.arg); err != nil {
				return err
			}
		}
		return nil
	}))
}
