package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/internal/sqlstore"
)

// ErrVersion: the collector that uses the store is of another version.
var ErrVersion = errors.New("the collector that uses this store is of another version: end it first, or use the same version")

// OpenAccess opens only what belongs to access of the store at path, which a running collector
// may have open: its own lock is about the fleet, and the database takes turns.
func OpenAccess(ctx context.Context, path string) (store.AccessCloser, error) {
	lock, err := lockFile(path)
	unlock := func() error { return nil }
	switch {
	case err == nil:
		unlock = lock.Close
	case !errors.Is(err, ErrInUse):
		return nil, fmt.Errorf("cannot open store %s: %w", path, err)
	default:
		if err := sameSchema(ctx, path); err != nil {
			return nil, fmt.Errorf("cannot open store %s: %w", path, err)
		}
	}
	s, err := open(ctx, path, unlock)
	if err != nil {
		return nil, fmt.Errorf("cannot open store %s: %w", path, err)
	}
	return s, nil
}

// sameSchema refuses to change tables below a collector that knows others.
func sameSchema(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", address(path, "deferred", "query_only(1)"))
	if err != nil {
		return err
	}
	defer db.Close()
	var have int
	if err := db.QueryRowContext(ctx, "SELECT max(n) FROM schema_version").Scan(&have); err != nil {
		return err
	}
	want, err := sqlstore.Schema()
	if err == nil && have != want {
		err = ErrVersion
	}
	return err
}
