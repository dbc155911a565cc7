package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Dialect is what differs between databases.
type Dialect struct {
	// Name is used in errors.
	Name string
	// Types stand for {serial}, {growing}, {blob}, {text}, {roomy}, {clustered} and {words} in the schema.
	Types map[string]string
	// Numbered says that parameters are $1, $2, …; else they are ?.
	Numbered bool
	// Params is how many parameters one statement should have at most.
	Params int
	// Begin is the statement that begins a transaction that writes.
	Begin string
	// Arrays says that parameters may be arrays, which change many rows at once.
	Arrays bool
	// Parts says that each part of a UNION ALL has to be sorted and cut by itself, because the
	// database would else read all of them.
	Parts bool
	// Insert is the word for INSERT.
	Insert string
	// Writers is how many transactions may write at once. 1: nobody else ever writes.
	Writers int
	// Lock is a statement that takes the names in its parameter, an array, until the transaction
	// ends. Empty: there is only one writer.
	Lock string
	// Hold, behind a query of gateways, keeps others from changing them until the transaction
	// ends. They are taken in one order, so that no two transactions wait for each other.
	Hold string
	// Unknown is what a transaction runs that has gateways of which there is no row to hold, and
	// UnknownAlone one that has no other: that one keeps all of both kinds away until it ends. Of
	// two that make the same gateway known, one fails, see Again.
	Unknown, UnknownAlone string
	// Ordered lets one transaction at a time add events, until it ends, so that they become
	// visible in the order of their numbers. Empty: there is only one writer.
	Ordered string
	// Again says whether a transaction failed only for the sake of another one. Nil: none does.
	Again func(error) bool
	// Pipeline runs statements in one round trip, the first error ends it. Nil: they run one by one.
	Pipeline func(ctx context.Context, c *sql.Conn, steps []Step) error
	// Read begins a read-only snapshot.
	Read *sql.TxOptions
	// Search is how words are looked for.
	Search Search
	// Full says whether an error means that the disk is full or not writable.
	Full func(error) bool
}

// Step is a statement of a pipeline.
type Step struct {
	SQL  string
	Args []any
	// Scan takes each row of the answer. Nil: none is wanted.
	Scan func(Row) error
	// Changed is how many rows it changed, once it ran.
	Changed int64
}

// Row is one row of an answer.
type Row interface{ Scan(dest ...any) error }

// Store implements [store.Store].
type Store struct {
	write, read *sql.DB
	d           Dialect
	closed      func() error
	st          statements
	facets      numbered[store.Facets]  // of cohorts
	verdicts    numbered[store.Finding] // without gateway, module and when
	packer      *store.Packer
	idle        chan *writer // one place for each; nil is one that has to be opened
	sample      sample
	texts       texts
	once        sync.Once
	ended       error
}

var _ store.Store = (*Store)(nil)

// New brings the schema up to date and returns the store. It owns both handles from then
// on, whatever it returns; closed, where there is one, runs after they are closed.
func New(ctx context.Context, write, read *sql.DB, d Dialect, closed func() error) (*Store, error) {
	d.Search.withDefaults()
	s := &Store{write: write, read: read, d: d, closed: closed, st: newStatements(), packer: store.NewPacker(), idle: make(chan *writer, d.Writers)}
	for range d.Writers {
		s.idle <- nil
	}
	if err := s.migrate(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot bring the schema up to date: %w", err), s.Close())
	}
	if err := s.prepareSearch(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("cannot prepare the index of words: %w", err), s.Close())
	}
	return s, nil
}

// Close waits for running Updates and closes the database.
func (s *Store) Close() error {
	s.once.Do(func() { s.ended = s.close() })
	return s.ended
}

func (s *Store) close() error {
	var err error
	for range s.d.Writers { // waits for those at work
		if w := <-s.idle; w != nil {
			err = errors.Join(err, w.close())
		}
	}
	err = errors.Join(err, s.read.Close(), s.write.Close())
	if s.closed != nil {
		err = errors.Join(err, s.closed())
	}
	return err
}

// Ping says whether the database answers.
func (s *Store) Ping(ctx context.Context) error { return s.fail("ask", s.read.PingContext(ctx)) }

// sql writes the parameters of q as the database wants them.
func (s *Store) sql(q string) string {
	if !s.d.Numbered {
		return q
	}
	var b strings.Builder
	n := 0
	for part := range strings.SplitSeq(q, "?") {
		if n > 0 {
			fmt.Fprintf(&b, "$%d", n)
		}
		b.WriteString(part)
		n++
	}
	return b.String()
}

// fail says what could not be done, and marks what a caller branches on.
func (s *Store) fail(what string, err error) error {
	switch {
	case err == nil:
		return nil
	case errors.Is(err, sql.ErrNoRows):
		return fmt.Errorf("cannot %s: %w", what, store.ErrNotFound)
	case s.d.Full != nil && s.d.Full(err):
		return fmt.Errorf("cannot %s in %s: %w: %w", what, s.d.Name, store.ErrFull, err)
	}
	return fmt.Errorf("cannot %s in %s: %w", what, s.d.Name, err)
}

// view runs fn on one snapshot.
func (s *Store) view(ctx context.Context, what string, fn func(*sql.Tx) error) error {
	tx, err := s.read.BeginTx(ctx, s.d.Read)
	if err != nil {
		return s.fail(what, err)
	}
	defer tx.Rollback() //nolint:errcheck // it only read
	return s.fail(what, fn(tx))
}

// each runs q and calls scan for each row.
func (s *Store) each(ctx context.Context, tx *sql.Tx, q string, args []any, scan func(*sql.Rows) error) error {
	rows, err := tx.QueryContext(ctx, s.sql(q), args...)
	if err != nil {
		return err
	}
	defer rows.Close()
	for rows.Next() {
		if err := scan(rows); err != nil {
			return err
		}
	}
	return rows.Err()
}
