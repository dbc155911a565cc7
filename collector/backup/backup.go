package backup

import (
	"context"
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/rollcall-iot/rollcall/collector"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
)

// ErrPostgres: PostgreSQL has tools of its own for this.
var ErrPostgres = errors.New(`a PostgreSQL store is copied with "pg_dump --format=custom" and brought back with "pg_restore"; then run "rollcall collector reread"`)

// Write copies the store at an address as [collector.OpenStore] takes it into a new file. A
// collector may be using it.
func Write(ctx context.Context, address, file string) error {
	path, err := sqlitePath(address)
	if err != nil {
		return err
	}
	return sqlite.Backup(ctx, path, file)
}

// Restore makes the store at the address from a file that Write made. There must be none.
func Restore(ctx context.Context, file, address string) error {
	path, err := sqlitePath(address)
	if err != nil {
		return err
	}
	if err := sqlite.Restore(ctx, file, path); err != nil {
		return err
	}
	return Reread(ctx, address)
}

// Reread gives the store another identity, so that its collectors read the stream from the
// beginning. Those that run have to be stopped first: they would go on where they are.
func Reread(ctx context.Context, address string) (err error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok { // opening one that is not there would make it
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("cannot open the store: %w", err)
		}
	}
	s, err := collector.OpenStore(ctx, address)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, s.Close()) }()
	before, err := s.Identity(ctx)
	if err != nil {
		return err
	}
	var fresh [8]byte
	_, _ = rand.Read(fresh[:]) // never fails
	fresh[0] &= 0x7f
	if err := s.SetMark(ctx, "identity", int64(binary.BigEndian.Uint64(fresh[:]))); err != nil {
		return err
	}
	after, err := s.Identity(ctx)
	if err == nil && after == before {
		err = errors.New("the store kept its identity; it would not read the stream again")
	}
	return err
}

func sqlitePath(address string) (string, error) {
	if path, ok := strings.CutPrefix(address, "sqlite:"); ok && path != "" {
		return path, nil
	}
	if strings.HasPrefix(address, "postgres://") || strings.HasPrefix(address, "postgresql://") {
		return "", ErrPostgres
	}
	return "", fmt.Errorf("unknown store %q: want sqlite:PATH", address)
}
