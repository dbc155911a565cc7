package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
)

// writer is one connection that writes, with its prepared statements. It is not a *sql.Tx,
// because those prepare anew what another transaction prepared.
type writer struct {
	s     *Store
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
}

func (s *Store) open(ctx context.Context) (*writer, error) {
	conn, err := s.write.Conn(ctx)
	if err != nil {
		return nil, err
	}
	return &writer{s: s, conn: conn, stmts: map[string]*sql.Stmt{}}, nil
}

func (w *writer) close() error {
	var errs []error
	for _, st := range w.stmts {
		errs = append(errs, st.Close())
	}
	return errors.Join(append(errs, w.conn.Close())...)
}

// change runs fn between Begin and Commit on a writer of its own.
func (s *Store) change(ctx context.Context, fn func(*writer) error) (err error) {
	var w *writer
	select {
	case w = <-s.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.idle <- w }()
	if w == nil {
		if w, err = s.open(ctx); err != nil {
			w = nil
			return err
		}
	}
	// Statements are not watched one by one for the end of ctx: that costs more than they do,
	// and their number is bounded.
	local := context.WithoutCancel(ctx)
	if err = w.transact(ctx, local, fn); err != nil {
		if _, back := w.conn.ExecContext(local, "ROLLBACK"); back != nil { // lost, or not even begun: start afresh
			_ = w.close()
			w = nil
		}
	}
	return err
}

func (w *writer) transact(ctx, local context.Context, fn func(*writer) error) (err error) {
	defer func() {
		if p := recover(); p != nil { // what fn was given may be hostile; the connection must go on
			err = fmt.Errorf("panic while storing: %v", p)
		}
	}()
	if _, err := w.conn.ExecContext(ctx, w.s.d.Begin); err != nil {
		return err
	}
	if err := fn(w); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	_, err = w.conn.ExecContext(local, "COMMIT")
	return err
}

func (w *writer) stmt(ctx context.Context, q string) (*sql.Stmt, error) {
	if st, ok := w.stmts[q]; ok {
		return st, nil
	}
	st, err := w.conn.PrepareContext(ctx, w.s.sql(q))
	if err == nil {
		w.stmts[q] = st
	}
	return st, err
}

func (w *writer) exec(ctx context.Context, q string, args ...any) (int64, error) {
	st, err := w.stmt(ctx, q)
	if err != nil {
		return 0, err
	}
	r, err := st.ExecContext(ctx, args...)
	if err != nil {
		return 0, err
	}
	return r.RowsAffected()
}

func (w *writer) query(ctx context.Context, q string, args []any, scan func(*sql.Rows) error) error {
	st, err := w.stmt(ctx, q)
	if err != nil {
		return err
	}
	rows, err := st.QueryContext(ctx, args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
