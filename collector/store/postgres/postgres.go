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
	// writers is how many batches are stored at once.
	writers = 4
	readers = 8
)

// Open opens the store at a postgres:// address and makes what is missing of its tables.
func Open(ctx context.Context, address string) (store.Store, error) {
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
	s, err := sqlstore.New(ctx, db, db, dialect(), nil)
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
		Numbered: true, Arrays: true, Begin: "BEGIN", Insert: "INSERT", Writers: writers,
		Lock: lock, Ordered: ordered, Read: &sql.TxOptions{Isolation: sql.LevelRepeatableRead, ReadOnly: true}, Full: full,
	}
}

// lock keeps other collectors from the gateways. The locks are taken in one order, so that
// two collectors never wait for each other.
func lock(ctx context.Context, c *sql.Conn, gateways []string) error {
	_, err := c.ExecContext(ctx, `SELECT pg_advisory_xact_lock(h) FROM (
		SELECT DISTINCT hashtextextended(g, 7) AS h FROM unnest($1::text[]) AS g ORDER BY h) AS ordered`, gateways)
	return err
}

// ordered lets one collector at a time add events, until it commits.
func ordered(ctx context.Context, c *sql.Conn) error {
	_, err := c.ExecContext(ctx, "SELECT pg_advisory_xact_lock(hashtextextended('events', 11))")
	return err
}

// full: class 53 is insufficient resources, 25006 a server that only reads.
func full(err error) bool {
	var e *pgconn.PgError
	return errors.As(err, &e) && (strings.HasPrefix(e.Code, "53") || e.Code == "25006")
}
