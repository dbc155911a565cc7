package sqlstore

import (
	"context"
	"crypto/rand"
	"database/sql"
	"encoding/binary"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// markGateways counts the gateways: a table of a million is slow to count.
const markGateways = "gateways"

const figureColumns = "gateways, silent, conflicts, modules, identified, conflicted, rejected"

func (s *Store) gatewayFigures(ctx context.Context, tx *sql.Tx) (store.Figures, error) {
	var f store.Figures
	q := "SELECT COALESCE((SELECT n FROM marks WHERE name = ?), 0), " +
		"(SELECT count(*) FROM gateways WHERE silent = 1), (SELECT count(*) FROM gateways WHERE conflict <> ''), (SELECT count(*) FROM rejected)"
	err := tx.QueryRowContext(ctx, s.sql(q), markGateways).Scan(&f.Gateways, &f.Silent, &f.Conflicts, &f.Rejected)
	return f, err
}

// Figures implements [store.Reader].
func (s *Store) Figures(ctx context.Context) (store.Figures, error) {
	var f store.Figures
	err := s.view(ctx, "count the fleet", func(tx *sql.Tx) (err error) {
		if f, err = s.gatewayFigures(ctx, tx); err != nil {
			return err
		}
		c, err := s.cohorts(ctx, tx)
		if err != nil {
			return err
		}
		for i := range c.all {
			co := &c.all[i]
			f.Modules += co.Modules
			if co.State == inventory.StateIdentified {
				f.Identified += co.Modules
			}
			if co.Conflicted {
				f.Conflicted += co.Modules
			}
		}
		return nil
	})
	return f, err
}

func dayText(day time.Time) string { return day.UTC().Format(time.DateOnly) }

// FiguresOn implements [store.Reader].
func (s *Store) FiguresOn(ctx context.Context, day time.Time) (store.Figures, error) {
	var f store.Figures
	err := s.view(ctx, "find the figures of "+dayText(day), func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, s.sql("SELECT "+figureColumns+" FROM figures WHERE day = ?"), dayText(day)).
			Scan(&f.Gateways, &f.Silent, &f.Conflicts, &f.Modules, &f.Identified, &f.Conflicted, &f.Rejected)
	})
	return f, err
}

// RecordFigures implements [store.Keeper].
func (s *Store) RecordFigures(ctx context.Context, day time.Time) error {
	f, err := s.Figures(ctx)
	if err != nil {
		return err
	}
	b := insertion("figures", "day "+strings.ReplaceAll(figureColumns, ",", ""), "day")
	return s.once1(ctx, "record the figures", b.rows(&s.d, 1),
		dayText(day), f.Gateways, f.Silent, f.Conflicts, f.Modules, f.Identified, f.Conflicted, f.Rejected)
}

// once1 runs one statement in a transaction of its own.
func (s *Store) once1(ctx context.Context, what, q string, args ...any) error {
	return s.fail(what, s.change(ctx, func(w *writer) error {
		_, err := w.exec(ctx, q, args...)
		return err
	}))
}

// Quiet implements [store.Keeper].
func (s *Store) Quiet(ctx context.Context, before time.Time, limit int) ([]string, error) {
	return s.ids(ctx, "find silent gateways", "SELECT id FROM gateways WHERE silent = 0 AND last_seen < ? LIMIT ?", micros(before), limit)
}

func (s *Store) ids(ctx context.Context, what, q string, args ...any) ([]string, error) {
	var ids []string
	err := s.view(ctx, what, func(tx *sql.Tx) error {
		return s.each(ctx, tx, q, args, func(r *sql.Rows) error {
			var id string
			err := r.Scan(&id)
			ids = append(ids, id)
			return err
		})
	})
	return ids, err
}

// EventsAfter implements [store.Keeper].
func (s *Store) EventsAfter(ctx context.Context, no int64, limit int) ([]store.Event, error) {
	var events []store.Event
	err := s.view(ctx, "read events", func(tx *sql.Tx) error {
		return s.each(ctx, tx, "SELECT "+eventColumns+" FROM events WHERE no > ? ORDER BY no LIMIT ?", []any{no, limit}, func(r *sql.Rows) error {
			e, err := scanEvent(r)
			events = append(events, e)
			return err
		})
	})
	return events, err
}

// Identity implements [store.Keeper]. It is made at the first question, once for all who share the store.
func (s *Store) Identity(ctx context.Context) (string, error) {
	const name = "identity"
	var fresh [8]byte
	_, _ = rand.Read(fresh[:]) // never fails
	fresh[0] &= 0x7f
	b := insertion("marks", "name n#", "-")
	if err := s.once1(ctx, "give the store an identity", b.rows(&s.d, 1), name, int64(binary.BigEndian.Uint64(fresh[:]))); err != nil {
		return "", err
	}
	n, err := s.Mark(ctx, name)
	return fmt.Sprintf("%016x", n), err
}

// Mark implements [store.Keeper].
func (s *Store) Mark(ctx context.Context, name string) (int64, error) {
	var n int64
	err := s.view(ctx, "read mark "+name, func(tx *sql.Tx) error {
		err := tx.QueryRowContext(ctx, s.sql("SELECT n FROM marks WHERE name = ?"), name).Scan(&n)
		if errors.Is(err, sql.ErrNoRows) {
			return nil
		}
		return err
	})
	return n, err
}

// SetMark implements [store.Keeper].
func (s *Store) SetMark(ctx context.Context, name string, n int64) error {
	b := insertion("marks", "name n#", "name")
	return s.once1(ctx, "set mark "+name, b.rows(&s.d, 1), name, n)
}

// PutKey implements [store.Keeper].
func (s *Store) PutKey(ctx context.Context, k store.Key) error {
	return s.Update(ctx, []string{k.Gateway}, func(tx store.Tx, known map[string]*store.Gateway) error {
		b := &store.Batch{Keys: []store.Key{k}}
		if g := known[k.Gateway]; g != nil && k.State == store.KeyRevoked && g.Key == k.Key {
			g.Key = ""
			b.Gateways = []store.Gateway{*g}
		}
		return tx.Put(b)
	})
}
