package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"time"
)

// writer is one connection that writes, with its prepared statements. It is not a *sql.Tx,
// because those prepare anew what another transaction prepared.
type writer struct {
	s     *Store
	conn  *sql.Conn
	stmts map[string]*sql.Stmt
	queue []Step // of a pipeline, not run yet
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

// tries is how often a transaction is tried that only fails for the sake of others.
const tries = 10

// change runs fn between Begin and Commit on a writer of its own. Where another transaction is
// in the way so that only one of both can go on, it runs fn again.
func (s *Store) change(ctx context.Context, fn func(*writer) error) (err error) {
	var w *writer
	select {
	case w = <-s.idle:
	case <-ctx.Done():
		return ctx.Err()
	}
	defer func() { s.idle <- w }()
	for try := range tries {
		if w == nil {
			if w, err = s.open(ctx); err != nil {
				w = nil
				return err
			}
		}
		// Statements are not watched one by one for the end of ctx: that costs more than they do,
		// and their number is bounded.
		local := context.WithoutCancel(ctx)
		if err = w.transact(ctx, local, fn); err == nil {
			return nil
		}
		w.queue = nil
		if _, back := w.conn.ExecContext(local, "ROLLBACK"); back != nil { // lost, or not even begun: start afresh
			_ = w.close()
			w = nil
		}
		if s.d.Again == nil || !s.d.Again(err) || ctx.Err() != nil {
			return err
		}
		select {
		case <-time.After(time.Duration(1+try) * 10 * time.Millisecond): // whoever was in the way goes first
		case <-ctx.Done():
			return err
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
	if err := w.step(ctx, w.s.d.Begin); err != nil {
		return err
	}
	if err := fn(w); err != nil {
		return err
	}
	if err := ctx.Err(); err != nil {
		return err
	}
	if err := w.step(local, "COMMIT"); err != nil {
		return err
	}
	return w.flush(local)
}

// step is for what is not worth preparing.
func (w *writer) step(ctx context.Context, q string) error {
	if w.s.d.Pipeline != nil {
		w.queue = append(w.queue, Step{SQL: q})
		return nil
	}
	_, err := w.conn.ExecContext(ctx, q)
	return err
}

// flush runs what is queued.
func (w *writer) flush(ctx context.Context) error {
	steps := w.queue
	w.queue = nil
	if len(steps) == 0 {
		return nil
	}
	return w.s.d.Pipeline(ctx, w.conn, steps)
}

// answer runs what is queued and then q.
func (w *writer) answer(ctx context.Context, q string, args []any, scan func(Row) error) (int64, error) {
	steps := append(w.queue, Step{SQL: w.s.sql(q), Args: args, Scan: scan})
	w.queue = nil
	err := w.s.d.Pipeline(ctx, w.conn, steps)
	return steps[len(steps)-1].Changed, err
}

// lock takes names until the transaction ends, where there are others.
func (w *writer) lock(ctx context.Context, names []string) error {
	if w.s.d.Lock == "" {
		return nil
	}
	return w.later(ctx, w.s.d.Lock, names)
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

// later runs q, at the latest with what is asked for next or when the transaction ends.
func (w *writer) later(ctx context.Context, q string, args ...any) error {
	if w.s.d.Pipeline != nil {
		w.queue = append(w.queue, Step{SQL: w.s.sql(q), Args: args})
		return nil
	}
	_, err := w.exec(ctx, q, args...)
	return err
}

// exec runs q and says how many rows it changed.
func (w *writer) exec(ctx context.Context, q string, args ...any) (int64, error) {
	if w.s.d.Pipeline != nil {
		return w.answer(ctx, q, args, nil)
	}
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

func (w *writer) query(ctx context.Context, q string, args []any, scan func(Row) error) error {
	if w.s.d.Pipeline != nil {
		_, err := w.answer(ctx, q, args, scan)
		return err
	}
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
