package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// pruneSlice is how many gateways are gone through in one transaction: reports arrive meanwhile.
const pruneSlice = 2000

// Prune implements [store.Keeper].
func (s *Store) Prune(ctx context.Context, f store.Forget) (int64, error) {
	var total int64
	for after := ""; ; {
		last, err := s.sliceEnd(ctx, after)
		if err != nil {
			return total, err
		}
		if last == "" {
			break
		}
		n, err := s.pruneGateways(ctx, f, after, last)
		if total += n; err != nil {
			return total, err
		}
		after = last
	}
	n, err := s.pruneRest(ctx, f)
	return total + n, err
}

// sliceEnd gives the last of the next gateways in order of id, or "".
func (s *Store) sliceEnd(ctx context.Context, after string) (last string, err error) {
	err = s.view(ctx, "forget what is past", func(tx *sql.Tx) error {
		q := "SELECT COALESCE(max(id), '') FROM (SELECT id FROM gateways WHERE id > ? ORDER BY id LIMIT ?) AS few"
		return tx.QueryRowContext(ctx, s.sql(q), after, pruneSlice).Scan(&last)
	})
	return last, err
}

func (s *Store) pruneGateways(ctx context.Context, f store.Forget, after, last string) (n int64, err error) {
	type step struct {
		q    string
		args []any
	}
	steps := []step{{pruneUnchanged, []any{after, last, micros(f.Unchanged)}}}
	if !f.History.IsZero() {
		cut := micros(f.History)
		steps = append(steps, step{pruneReports, []any{after, last, cut}}, step{pruneEvidence, []any{after, last}}, step{pruneEvents, []any{after, last, cut}})
	}
	err = s.change(ctx, func(w *writer) error {
		n = 0
		for _, st := range steps {
			rows, err := w.exec(ctx, st.q, st.args...)
			if err != nil {
				return err
			}
			n += rows
		}
		return nil
	})
	return n, s.fail("forget what is past", err)
}

func (s *Store) pruneRest(ctx context.Context, f store.Forget) (n int64, err error) {
	err = s.change(ctx, func(w *writer) error {
		for _, q := range []string{"DELETE FROM cohorts WHERE modules = 0", "DELETE FROM verdicts WHERE uses = 0",
			"DELETE FROM finding_kinds WHERE modules = 0 AND gateways = 0"} {
			if _, err := w.exec(ctx, q); err != nil {
				return err
			}
		}
		n, err = w.exec(ctx, "DELETE FROM rejected WHERE no <= (SELECT COALESCE(max(no), 0) FROM rejected) - ?", int64(f.Rejected))
		return err
	})
	return n, s.fail("forget what is past", err)
}

// pruneUnchanged keeps the first report of each change, two that claim one place, and each
// gateway's newest. What it forgets changed nothing.
const pruneUnchanged = `DELETE FROM reports WHERE no IN (
  SELECT no FROM (
    SELECT no, received, digest,
      lag(digest) OVER w AS was, lead(no) OVER w AS newer,
      lag(boot) OVER w AS boot1, lag(seq) OVER w AS seq1, boot, seq
    FROM reports WHERE gateway > ? AND gateway <= ? WINDOW w AS (PARTITION BY gateway ORDER BY boot, seq, id)
  ) AS r
  WHERE received < ? AND digest = was AND newer IS NOT NULL AND NOT (boot = boot1 AND seq = seq1)
)`

// pruneReports keeps of each gateway the last report before the time, from which on changes can
// still be told, and all that came after it.
const pruneReports = `DELETE FROM reports WHERE no IN (
  SELECT no FROM (
    SELECT no, lead(received) OVER w AS next
    FROM reports WHERE gateway > ? AND gateway <= ? WINDOW w AS (PARTITION BY gateway ORDER BY boot, seq, id)
  ) AS r
  WHERE next < ?
)`

// pruneEvidence forgets the bytes behind findings that no report has any more.
const pruneEvidence = `DELETE FROM evidence WHERE gateway > ? AND gateway <= ?
  AND NOT EXISTS (SELECT 1 FROM reports r WHERE r.gateway = evidence.gateway AND r.digest = evidence.digest)
  AND NOT EXISTS (SELECT 1 FROM gateways g WHERE g.id = evidence.gateway AND g.digest = evidence.digest)`

const pruneEvents = "DELETE FROM events WHERE gateway > ? AND gateway <= ? AND at < ?"

// HistoryBytes implements [store.Keeper]. A row is counted with what its fixed columns take.
func (s *Store) HistoryBytes(ctx context.Context) (int64, error) {
	var total int64
	err := s.view(ctx, "measure what is past", func(tx *sql.Tx) error {
		var errs []error
		for _, q := range []string{
			`SELECT COALESCE(sum(length(e.body) + length(e.signature) + 250), 0) FROM evidence e
			 WHERE NOT EXISTS (SELECT 1 FROM gateways g WHERE g.id = e.gateway AND g.digest = e.digest)`,
			"SELECT count(*) * 300 FROM reports",
			"SELECT COALESCE(sum(length(was) + length(became) + length(words) + length(finding) + 250), 0) FROM events",
		} {
			var n int64
			errs = append(errs, tx.QueryRowContext(ctx, strings.TrimSpace(q)).Scan(&n))
			total += n
		}
		return errors.Join(errs...)
	})
	return total, err
}
