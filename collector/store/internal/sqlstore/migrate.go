package sqlstore

import (
	"context"
	"database/sql"
	"embed"
	"fmt"
	"io/fs"
	"strconv"
	"strings"
)

//go:embed migrations/*.sql
var migrations embed.FS

// migrate runs the migrations that have not run, each whole or not at all. The number
// before a file's name is its version.
func (s *Store) migrate(ctx context.Context) error {
	names, err := fs.Glob(migrations, "migrations/*.sql") // sorted
	if err != nil {
		return err
	}
	return s.change(ctx, func(w *writer) error { return s.upgrade(ctx, w, names) })
}

func (s *Store) upgrade(ctx context.Context, w *writer, names []string) error {
	have, err := s.version(ctx, w)
	if err != nil {
		return err
	}
	last := 0
	for _, name := range names {
		digits, _, _ := strings.Cut(strings.TrimPrefix(name, "migrations/"), "_")
		n, err := strconv.Atoi(digits)
		if err != nil {
			return fmt.Errorf("migration %q has no number", name)
		}
		if last = n; n <= have {
			continue
		}
		if err := s.apply(ctx, w, name, n); err != nil {
			return fmt.Errorf("migration %s: %w", name, err)
		}
	}
	if have > last {
		return fmt.Errorf("the database has schema %d, newer than this program's %d: use a newer rollcall", have, last)
	}
	return nil
}

func (s *Store) version(ctx context.Context, w *writer) (int, error) {
	if err := w.lock(ctx, []string{"schema"}); err != nil { // other collectors may be starting too
		return 0, err
	}
	if err := w.flush(ctx); err != nil {
		return 0, err
	}
	if _, err := w.conn.ExecContext(ctx, "CREATE TABLE IF NOT EXISTS schema_version (n BIGINT NOT NULL PRIMARY KEY)"); err != nil {
		return 0, err
	}
	var n sql.NullInt64
	err := w.conn.QueryRowContext(ctx, "SELECT max(n) FROM schema_version").Scan(&n)
	return int(n.Int64), err
}

func (s *Store) apply(ctx context.Context, w *writer, name string, n int) error {
	text, err := migrations.ReadFile(name)
	if err != nil {
		return err
	}
	var pairs []string
	for k, v := range s.d.Types {
		pairs = append(pairs, "{"+k+"}", v)
	}
	var lines []string
	for line := range strings.SplitSeq(strings.NewReplacer(pairs...).Replace(string(text)), "\n") {
		code, _, _ := strings.Cut(line, "--")
		lines = append(lines, code)
	}
	for statement := range strings.SplitSeq(strings.Join(lines, "\n"), ";") {
		if strings.TrimSpace(statement) == "" {
			continue
		}
		if _, err := w.conn.ExecContext(ctx, statement); err != nil {
			return err
		}
	}
	_, err = w.conn.ExecContext(ctx, s.sql("INSERT INTO schema_version (n) VALUES (?)"), n)
	return err
}
