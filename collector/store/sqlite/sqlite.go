package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"path/filepath"
	"syscall"

	"modernc.org/sqlite"
	lib "modernc.org/sqlite/lib"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/internal/sqlstore"
)

// ErrInUse: another collector has the file open.
var ErrInUse = errors.New("another collector uses this store: end it, or share a postgres:// store")

// readers is how many questions are answered at once.
const readers = 4

// What the connections keep of the database's pages, in KiB. A page of 4 KiB takes 8 KiB of memory,
// since the driver's allocator (modernc.org/memory) rounds up to powers of two and SQLite puts its own
// few words beside each page. So all five connections together take up to 288 MiB.
const (
	writerCache = 80 << 10
	readerCache = 16 << 10
)

// applicationID marks the file as ours ("RoCa"), so that file(1) and we can tell.
const applicationID = 0x526f4361

// Open opens the store at path and makes what is missing of it, with mode 0600.
func Open(ctx context.Context, path string) (store.Store, error) {
	lock, err := lockFile(path)
	if err != nil {
		return nil, fmt.Errorf("cannot open store %s: %w", path, err)
	}
	s, err := open(ctx, path, lock.Close)
	if err != nil {
		return nil, fmt.Errorf("cannot open store %s: %w", path, err)
	}
	return s, nil
}

// open owns unlock from the start. more are further pragmas of the writing connection.
func open(ctx context.Context, path string, unlock func() error, more ...string) (store.Store, error) {
	return openAs(ctx, path, unlock, dialect(), more...)
}

func openAs(ctx context.Context, path string, unlock func() error, d sqlstore.Dialect, more ...string) (store.Store, error) {
	if err := ours(ctx, path); err != nil {
		return nil, errors.Join(err, unlock())
	}
	write, err := sql.Open("sqlite", address(path, "immediate", append(more,
		"journal_mode(WAL)", "synchronous(FULL)", "wal_autocheckpoint(16384)", cacheSize(writerCache), "temp_store(MEMORY)")...))
	if err != nil {
		return nil, errors.Join(err, unlock())
	}
	read, err := sql.Open("sqlite", address(path, "deferred", "query_only(1)", cacheSize(readerCache), "temp_store(MEMORY)"))
	if err != nil {
		return nil, errors.Join(err, write.Close(), unlock())
	}
	write.SetMaxOpenConns(1)
	read.SetMaxOpenConns(readers)
	read.SetMaxIdleConns(readers)
	return sqlstore.New(ctx, write, read, d, unlock)
}

func cacheSize(kib int) string { return fmt.Sprintf("cache_size(-%d)", kib) }

func address(path, lock string, pragmas ...string) string {
	v := url.Values{"_txlock": {lock}, "_pragma": {"busy_timeout(10000)"}}
	for _, p := range pragmas {
		v.Add("_pragma", p)
	}
	return "file:" + (&url.URL{Path: path}).EscapedPath() + "?" + v.Encode()
}

func dialect() sqlstore.Dialect {
	return sqlstore.Dialect{
		Name: "the SQLite store",
		Types: map[string]string{
			"serial": "INTEGER PRIMARY KEY", "growing": "INTEGER PRIMARY KEY AUTOINCREMENT", "blob": "BLOB", "text": "TEXT", "roomy": "", "clustered": " WITHOUT ROWID",
			"words": searchTables,
		},
		Search: search(),
		Begin:  "BEGIN IMMEDIATE", Writers: 1,
		Insert: "INSERT OR ROLLBACK", // a failure ends the whole update anyway: no journal to undo one statement
		Params: 64,                   // the driver looks each one up in a list: long statements cost more than many
		Full:   full,
	}
}

func full(err error) bool {
	var e *sqlite.Error
	if !errors.As(err, &e) {
		return false
	}
	switch e.Code() & 0xff {
	case lib.SQLITE_FULL, lib.SQLITE_READONLY, lib.SQLITE_IOERR, lib.SQLITE_CANTOPEN:
		return true
	}
	return false
}

// ours refuses a database that some other program made, before anything is changed in it,
// and marks a new one.
func ours(ctx context.Context, path string) error {
	db, err := sql.Open("sqlite", address(path, "deferred"))
	if err != nil {
		return err
	}
	defer db.Close()
	var id, tables int
	if err := db.QueryRowContext(ctx, "PRAGMA application_id").Scan(&id); err != nil {
		return err
	}
	if err := db.QueryRowContext(ctx, "SELECT count(*) FROM sqlite_master").Scan(&tables); err != nil {
		return err
	}
	switch {
	case id == applicationID:
		return nil
	case id != 0 || tables != 0:
		return errors.New("it is a database of another program: choose another path")
	}
	_, err = db.ExecContext(ctx, fmt.Sprintf("PRAGMA application_id = %d", applicationID))
	return err
}

// lockFile makes the file with the mode that the database and its log then inherit, and
// holds a lock beside it: the database's own locks come and go with each transaction.
func lockFile(path string) (*os.File, error) {
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	db, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := db.Close(); err != nil {
		return nil, err
	}
	lock, err := os.OpenFile(path+".lock", os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, err
	}
	if err := syscall.Flock(int(lock.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		_ = lock.Close()
		return nil, fmt.Errorf("%w (%s)", ErrInUse, path+".lock")
	}
	return lock, nil
}
