package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Whole implements [store.Reader].
func (s *Store) Whole(ctx context.Context, after string, limit int, evidence bool) ([]store.Whole, error) {
	return s.wholes(ctx, "id > ?", []any{after}, limit, evidence)
}

// Stale implements [store.Keeper].
func (s *Store) Stale(ctx context.Context, j store.Judgement, after string, limit int, evidence bool) ([]store.Whole, error) {
	return s.wholes(ctx, "id > ? AND (judged <> ? OR policy <> ?)", []any{after, j.Data, j.Policy}, limit, evidence)
}

// CountStale implements [store.Keeper].
func (s *Store) CountStale(ctx context.Context, j store.Judgement) (n int, err error) {
	err = s.view(ctx, "count gateways to judge again", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, s.sql("SELECT count(*) FROM gateways WHERE judged <> ? OR policy <> ?"), j.Data, j.Policy).Scan(&n)
	})
	return n, err
}

// wholes reads the parts of many gateways each by one walk along an index.
func (s *Store) wholes(ctx context.Context, where string, args []any, limit int, evidence bool) ([]store.Whole, error) {
	var out []store.Whole
	err := s.view(ctx, "read gateways to judge", func(tx *sql.Tx) error {
		at := map[string]int{}
		q := "SELECT " + gatewayColumns + " FROM gateways WHERE " + where + " ORDER BY id LIMIT ?"
		err := s.each(ctx, tx, q, append(args, limit), func(r *sql.Rows) error {
			g, err := scanGateway(r)
			at[g.ID] = len(out)
			out = append(out, store.Whole{Gateway: g})
			return err
		})
		if err != nil || len(out) == 0 {
			return err
		}
		span := []any{out[0].Gateway.ID, out[len(out)-1].Gateway.ID}
		c, err := s.cohorts(ctx, tx)
		if err != nil {
			return err
		}
		q = "SELECT " + moduleColumns + " FROM modules m WHERE m.gateway >= ? AND m.gateway <= ? ORDER BY m.gateway, m.id"
		err = s.each(ctx, tx, q, span, func(r *sql.Rows) error {
			m, no, err := scanModule(r)
			if i, ok := at[m.Gateway]; ok {
				if co := c.by[no]; co != nil {
					co.Fill(&m)
				}
				out[i].Modules = append(out[i].Modules, m)
			}
			return err
		})
		if err != nil || !evidence {
			return err
		}
		q = "SELECT e.gateway, e.body FROM gateways g JOIN evidence e ON e.gateway = g.id AND e.digest = g.digest WHERE g.id >= ? AND g.id <= ?"
		return s.each(ctx, tx, q, span, func(r *sql.Rows) error {
			var id string
			var body []byte
			err := r.Scan(&id, &body)
			if i, ok := at[id]; ok {
				out[i].Packed = body
			}
			return err
		})
	})
	return out, err
}

// Judged implements [store.Keeper].
func (s *Store) Judged(ctx context.Context, ids []string, from, to store.Judgement) error {
	ids = slices.Sorted(slices.Values(ids))
	return s.fail("note what was judged again", s.change(ctx, func(w *writer) error {
		t := &tx{ctx: context.WithoutCancel(ctx), w: w}
		if s.d.Hold != "" {
			err := t.load("SELECT id FROM gateways WHERE id {in}"+s.d.Hold, ids, func(Row) error { return nil })
			if err != nil {
				return err
			}
		}
		return t.onKeys("UPDATE gateways SET judged = ?, policy = ? WHERE judged = ? AND policy = ? AND id {in}",
			[]any{to.Data, to.Policy, from.Data, from.Policy}, ids)
	}))
}

// Doubles implements [store.Keeper].
func (s *Store) Doubles(ctx context.Context, imeis []string) ([]store.Double, error) {
	const twice = "SELECT imei FROM modules WHERE imei <> '' GROUP BY imei HAVING count(*) > 1"
	q := "SELECT gateway, id, imei, duplicate FROM modules WHERE imei <> '' AND imei IN (" + twice + ") " +
		"UNION SELECT gateway, id, imei, duplicate FROM modules WHERE duplicate = 1"
	var args []any
	if len(imeis) > 0 {
		q = "SELECT gateway, id, imei, duplicate FROM modules WHERE imei <> '' AND imei IN (" + strings.TrimSuffix(strings.Repeat("?, ", len(imeis)), ", ") + ")"
		for _, i := range imeis {
			args = append(args, i)
		}
	}
	var all []store.Double
	count := map[string]int{}
	err := s.view(ctx, "look for IMEIs that are doubled", func(tx *sql.Tx) error {
		return s.each(ctx, tx, q+" ORDER BY 3, 1, 2", args, func(r *sql.Rows) error {
			var d store.Double
			var marked int64
			err := r.Scan(&d.Gateway, &d.ID, &d.IMEI, &marked)
			d.Marked = marked != 0
			all = append(all, d)
			count[d.IMEI]++
			return err
		})
	})
	return slices.DeleteFunc(all, func(d store.Double) bool { return count[d.IMEI] < 2 && !d.Marked }), err
}
