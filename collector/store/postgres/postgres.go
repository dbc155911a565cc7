package postgres

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strings"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/stdlib"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/internal/sqlstore"
)

const (
	// writers is how many transactions write at once: while one waits for the disk or for an
	// answer, others go on.
	writers = 6
	readers = 8
)

// Open opens the store at a postgres:// address and makes what is missing of its tables.
func Open(ctx context.Context, address string) (store.Store, error) {
	return openAs(ctx, address, dialect())
}

func openAs(ctx context.Context, address string, d sqlstore.Dialect) (store.Store, error) {
	config, err := pgx.ParseConfig(address)
	if err != nil {
		return nil, fmt.Errorf("cannot open store %s: the address cannot be read: want postgres://user@host/database", withoutPassword(address))
	}
	db := stdlib.OpenDB(*config)
	db.SetMaxOpenConns(writers + readers)
	db.SetMaxIdleConns(writers + readers)
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot open store %s: %w", withoutPassword(address), err), db.Close())
	}
	s, err := sqlstore.New(ctx, db, db, d, nil)
	if err != nil {
		return nil, fmt.Errorf("cannot open store %s: %w", withoutPassword(address), err)
	}
	return s, nil
}

// withoutPassword is the address as it may stand in an error.
func withoutPassword(address string) string {
	u, err := url.Parse(address)
	if err != nil || u.Scheme != "postgres" && u.Scheme != "postgresql" {
		return "postgres://…"
	}
	u.RawQuery = ""
	return u.Redacted()
}

func dialect() sqlstore.Dialect {
	return sqlstore.Dialect{
		Name: "the PostgreSQL store",
		Types: map[string]string{
			"serial": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY", "growing": "BIGINT GENERATED ALWAYS AS IDENTITY PRIMARY KEY",
			"blob": "BYTEA", "text": `TEXT COLLATE "C"`, "roomy": " WITH (fillfactor = 70)", "clustered": "",
			"words": searchIndex,
		},
		Search:   search(),
		Numbered: true, Arrays: true, Parts: true, Begin: "BEGIN", Insert: "INSERT", Writers: writers,
		Lock: lock, Hold: " ORDER BY id FOR NO KEY UPDATE", Ordered: "SELECT pg_advisory_xact_lock(hashtextextended('events', 11))",
		Unknown: "SELECT pg_advisory_xact_lock_shared(hashtextextended('gateways', 13))", UnknownAlone: "SELECT pg_advisory_xact_lock(hashtextextended('gateways', 13))",
		Again: again, Pipeline: pipeline, Read: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, Full: full,
	}
}

// lock takes names in one order, so that two collectors never wait for each other.
const lock = `SELECT pg_advisory_xact_lock(h) FROM (
	SELECT DISTINCT hashtextextended(g, 7) AS h FROM unnest(CAST(? AS text[])) AS g ORDER BY h) AS ordered`

// again: a deadlock was resolved, what was read has changed, or another collector was the first
// to hear of a gateway.
func again(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (e.Code == "40P01" || e.Code == "40001" || e.Code == "23505" && e.ConstraintName == "gateways_id_key")
}

// pipeline sends all statements before it reads the first answer.
func pipeline(ctx context.Context, c *sql.Conn, steps []sqlstore.Step) error {
	return c.Raw(func(driver any) error {
		var batch pgx.Batch
		for i := range steps {
			batch.Queue(steps[i].SQL, steps[i].Args...)
		}
		answers := driver.(*stdlib.Conn).Conn().SendBatch(ctx, &batch)
		var err error
		for i := range steps {
			if err = receive(answers, &steps[i]); err != nil {
				break
			}
		}
		if closed := answers.Close(); err == nil { // which tells of the same error, or of one in between
			err = closed
		}
		return err
	})
}

func receive(answers pgx.BatchResults, s *sqlstore.Step) error {
	if s.Scan == nil {
		tag, err := answers.Exec()
		if s.Changed = tag.RowsAffected(); err == nil && s.SQL == "COMMIT" && tag.String() != "COMMIT" {
			return errors.New("the transaction was undone, because a statement in it had failed")
		}
		return err
	}
	rows, err := answers.Query()
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := s.Scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}

// full: class 53 is insufficient resources, 25006 a server that only reads.
func full(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "53") || e.Code == "25006")
}
