package spool

import (
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Limits bound a spool. The zero value gives the defaults.
type Limits struct {
	// Bytes on disk, without what is set aside. 0 means 16 MiB; less than two of the
	// largest records (about 1 MiB) is raised to that.
	Bytes int64
	// Count of records on disk and in memory. 0 means 1,000; the least is 2.
	Count int
	// Memory bounds what is held in memory while the disk refuses. 0 means 2 MiB, the
	// least is two of the largest records.
	Memory int64
	// Bad is how many damaged or refused records are kept in bad/. 0 means 8.
	Bad int
	// Now gives the time for Since in health. nil means time.Now.
	Now func() time.Time
}

// Errors that callers branch on.
var (
	// ErrNotDurable: the envelope is held in memory and will be sent, but does not
	// survive a restart.
	ErrNotDurable = errors.New("held in memory only")
	// ErrFull: nothing superseded is left that could make room.
	ErrFull = errors.New("spool is full of newest reports")
	// ErrUnknown: no envelope of that id is here.
	ErrUnknown = errors.New("not in the spool")
	// ErrClosed: the spool was closed.
	ErrClosed = errors.New("spool is closed")
)

// LockedError says that another process works on the same spool.
type LockedError struct {
	Dir string
	PID int // 0 where it is not known
}

func (e *LockedError) Error() string {
	if e.PID == 0 {
		return fmt.Sprintf("cannot use spool %s: another process does; stop it, or give this one another state directory", e.Dir)
	}
	return fmt.Sprintf("cannot use spool %s: the process with pid %d does; stop it, or give this one another state directory", e.Dir, e.PID)
}

// Spool is safe for concurrent use. [Open] makes one.
type Spool struct {
	limits Limits
	attach func() (disk, error) // opens and locks the directory
	decode func(name string, b []byte) (*inventory.Envelope, error)
	verify func(*inventory.Envelope) error

	mu      sync.Mutex
	disk    disk     // nil while there is no directory to write to
	unread  bool     // the directory may hold records that are not in entries
	entries []*entry // sorted by name: oldest first
	health  health
	// The disk failed to sync: leave it alone until then.
	restUntil time.Time
	failed    bool // an envelope waits in memory for the disk
	dropped   uint64
	setAside  uint64
	newer     int
	foreign   int
	closed    bool
}

// entry is what is remembered of one envelope. The bytes stay on disk.
type entry struct {
	name     string
	id       string
	gateway  string
	kind     inventory.Kind
	order    inventory.Order
	size     int64
	held     *inventory.Envelope // where the disk does not have it
	volatile bool                // held on purpose: the disk is not to be bothered
}

// Counts says what a spool holds and what it lost.
type Counts struct {
	Records  int    // waiting, on disk and in memory
	Held     int    // of these, in memory only
	Bytes    int64  // on disk
	Dropped  uint64 // superseded ones dropped to make room, since Open
	SetAside uint64 // damaged or refused ones moved to bad/, since Open
}

// Counts returns the present figures.
func (s *Spool) Counts() Counts {
	s.mu.Lock()
	defer s.mu.Unlock()
	c := Counts{Records: len(s.entries), Bytes: s.bytes(), Dropped: s.dropped, SetAside: s.setAside}
	for _, e := range s.entries {
		if e.held != nil {
			c.Held++
		}
	}
	return c
}

func (l Limits) withDefaults() Limits {
	if l.Bytes == 0 {
		l.Bytes = 16 << 20
	}
	if l.Memory == 0 {
		l.Memory = 2 << 20
	}
	if l.Count == 0 {
		l.Count = 1000
	}
	if l.Bad == 0 {
		l.Bad = 8
	}
	if l.Now == nil {
		l.Now = time.Now
	}
	l.Bytes = max(l.Bytes, 2*maxRecord)
	l.Memory = max(l.Memory, 2*maxRecord)
	l.Count = max(l.Count, 2)
	return l
}
