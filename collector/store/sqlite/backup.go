package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// Backup writes all that the store at path holds now into a new file, as one database without
// a log. A collector may have the store open and goes on meanwhile; what it stores from then
// on is not in the copy. The file is there whole or not at all.
func Backup(ctx context.Context, path, file string) error {
	if err := backup(ctx, path, file); err != nil {
		return fmt.Errorf("cannot back up store %s to %s: %w", path, file, err)
	}
	return nil
}

func backup(ctx context.Context, path, file string) error {
	if _, err := os.Stat(path); err != nil {
		return err
	}
	if err := vacant(file); err != nil {
		return err
	}
	if err := check(ctx, path, ""); err != nil {
		return err
	}
	part := file + ".part"
	defer os.Remove(part)
	if err := os.Remove(part); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	if err := touch(part); err != nil { // with the mode that the copy is to have
		return err
	}
	db, err := sql.Open("sqlite", address(path, "deferred")+"&mode=rw")
	if err != nil {
		return err
	}
	_, err = db.ExecContext(ctx, "VACUUM INTO ?", part)
	if err := errors.Join(err, db.Close()); err != nil {
		return err
	}
	if err := check(ctx, part, "quick_check"); err != nil {
		return err
	}
	return settle(part, file)
}

// Restore puts a copy that Backup wrote in the place of the store at path, where there is
// none. The file is checked first and stays.
func Restore(ctx context.Context, file, path string) error {
	if err := restore(ctx, file, path); err != nil {
		return fmt.Errorf("cannot restore store %s from %s: %w", path, file, err)
	}
	return nil
}

func restore(ctx context.Context, file, path string) error {
	if _, err := os.Stat(file); err != nil {
		return err
	}
	for _, p := range []string{path, path + "-wal", path + "-shm"} {
		if err := vacant(p); err != nil {
			return err
		}
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	part := path + ".part"
	defer os.Remove(part)
	if err := duplicate(file, part); err != nil {
		return err
	}
	if err := check(ctx, part, "integrity_check"); err != nil {
		return err
	}
	return settle(part, path)
}

// vacant refuses to write over anything.
func vacant(path string) error {
	switch _, err := os.Lstat(path); {
	case errors.Is(err, fs.ErrNotExist):
		return nil
	case err != nil:
		return err
	}
	return fmt.Errorf("%s is there already: move it away first", path)
}

func touch(path string) error {
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	return f.Close()
}

func duplicate(from, to string) error {
	in, err := os.Open(from)
	if err != nil {
		return err
	}
	defer in.Close()
	out, err := os.OpenFile(to, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = io.Copy(out, in)
	return errors.Join(err, out.Close())
}

// settle has part on the disk and gives it its name.
func settle(part, file string) error {
	f, err := os.OpenFile(part, os.O_RDWR, 0)
	if err != nil {
		return err
	}
	if err := errors.Join(f.Sync(), f.Close(), os.Rename(part, file)); err != nil {
		return err
	}
	dir, err := os.Open(filepath.Dir(file))
	if err != nil {
		return err
	}
	return errors.Join(dir.Sync(), dir.Close())
}

// check says whether a file is a store of ours, and whole as far as the pragma looks. Nothing
// is changed in it.
func check(ctx context.Context, path, pragma string) error {
	db, err := sql.Open("sqlite", address(path, "deferred", "query_only(1)")+"&mode=rw")
	if err != nil {
		return err
	}
	defer db.Close()
	var id int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if id != applicationID {
		return errors.New("it is no store of a collector")
	}
	if pragma == "" {
		return nil
	}
	var problem string
	if err := db.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&problem); err != nil {
		return err
	}
	if problem != "ok" {
		return fmt.Errorf("it is damaged: %s", strings.TrimSpace(problem))
	}
	return nil
}
