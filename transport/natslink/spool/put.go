package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

const (
	// syncTries is how many files are tried for one envelope when fsync fails.
	syncTries = 3
	// rest is how long a disk that fails to sync is left alone.
	rest = 10 * time.Minute
)

// Put takes e. nil means that it is on disk and survives a power cut. An error that
// wraps ErrNotDurable means that e is held in memory and will come out of Next all the
// same; any other error means that it was not taken.
func (s *Spool) Put(e *inventory.Envelope) error {
	b, err := s.admit(e)
	if err != nil {
		return fmt.Errorf("cannot spool %s %s: %w", e.Kind, e.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("cannot spool %s %s: %w", e.Kind, e.ID, ErrClosed)
	}
	if i := s.find(func(x *entry) bool { return x.id == e.ID }); i >= 0 && s.entries[i].held == nil {
		return nil
	}
	s.forget(e.ID)
	en := newEntry(e, int64(len(b)))
	if !s.makeRoom(en) {
		return fmt.Errorf("cannot spool %s %s: %w", e.Kind, e.ID, ErrFull)
	}
	if err := s.persist(en, b); err != nil {
		s.hold(en, e)
		s.failed = true
		return fmt.Errorf("cannot spool %s %s durably: %w: %w", e.Kind, e.ID, ErrNotDurable, err)
	}
	s.insert(en)
	s.flush()
	return nil
}

// Hold takes e in memory only: what says nothing new is not worth a write to flash.
// A heartbeat takes the place of the one held before it.
func (s *Spool) Hold(e *inventory.Envelope) error {
	b, err := s.admit(e)
	if err != nil {
		return fmt.Errorf("cannot hold %s %s: %w", e.Kind, e.ID, err)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return fmt.Errorf("cannot hold %s %s: %w", e.Kind, e.ID, ErrClosed)
	}
	s.entries = slices.DeleteFunc(s.entries, func(x *entry) bool {
		return x.volatile && x.gateway == e.Gateway && x.kind == e.Kind && x.order.Before(e.Order)
	})
	en := newEntry(e, int64(len(b)))
	en.volatile = true
	s.hold(en, e)
	return nil
}

// Flush tries again to write what the disk refused. It does nothing where nothing waits.
func (s *Spool) Flush() {
	s.mu.Lock()
	defer s.mu.Unlock()
	if !s.closed {
		_ = s.scan() // an error is in health
		s.flush()
	}
}

// admit checks e and encodes it.
func (s *Spool) admit(e *inventory.Envelope) ([]byte, error) {
	if len(e.Body) > inventory.MaxReportBytes {
		return nil, inventory.ErrTooLarge
	}
	if err := s.verify(e); err != nil {
		return nil, err
	}
	return encodeRecord(e)
}

func (s *Spool) hold(en *entry, e *inventory.Envelope) {
	en.held = e
	s.insert(en)
	for s.heldBytes() > s.limits.Memory && s.dropOldest(true) {
	}
}

// flush writes what waits in memory for the disk. Writing may drop entries to make room and take in
// those of a directory that is back, so each is looked for anew.
func (s *Spool) flush() {
	for s.failed {
		i := s.find(func(e *entry) bool { return e.held != nil && !e.volatile })
		if i < 0 {
			s.failed = false
			return
		}
		en := s.entries[i]
		b, err := encodeRecord(en.held)
		if err == nil {
			err = s.persist(en, b)
		}
		if err != nil {
			return
		}
		en.held = nil
	}
}

// persist makes en durable. On an error nothing of it is left on disk.
func (s *Spool) persist(en *entry, b []byte) (err error) {
	if s.limits.Now().Before(s.restUntil) {
		return errors.New("the disk failed to sync and is left alone for a while")
	}
	if s.disk == nil {
		if err := s.reattach(); err != nil {
			return err
		}
	}
	defer func() { s.note(err) }()
	for freed, tries := int64(0), 0; ; {
		var synced bool
		if synced, err = s.write(en.name, b); err == nil {
			return nil
		}
		switch {
		case full(err) && freed < 2*en.size+16<<10:
			n, ok := s.dropOldestOnDisk()
			if !ok {
				return err
			}
			freed += n
		case synced && !full(err):
			// The pages may be gone though the kernel calls them clean: only a new
			// file with all the bytes can be trusted.
			if tries++; tries >= syncTries {
				s.restUntil = s.limits.Now().Add(rest)
				return err
			}
		default:
			return err
		}
	}
}

// write makes one file. synced says that the failure came from fsync.
func (s *Spool) write(name string, b []byte) (synced bool, err error) {
	tmp := name + tmpMark
	if err := s.vacate(name); err != nil {
		return false, err
	}
	f, err := s.disk.Create(tmp)
	if errors.Is(err, fs.ErrExist) {
		// Left by a failed removal; never written to again.
		_ = s.disk.Remove(tmp)
		f, err = s.disk.Create(tmp)
	}
	if err != nil {
		return false, err
	}
	_, err = f.Write(b)
	if err == nil {
		err = f.Sync()
		synced = err != nil
	}
	if closeErr := f.Close(); err == nil {
		err = closeErr
	}
	if err == nil {
		err = s.disk.Rename(tmp, name)
	}
	if err != nil {
		_ = s.disk.Remove(tmp)
		return synced, err
	}
	if err := s.disk.Sync(); err != nil {
		_ = s.disk.Remove(name)
		return true, err
	}
	return false, nil
}

// vacate makes sure that nothing stands under the name of a record that is about to be
// written, but what a failed attempt at the same record left.
func (s *Spool) vacate(name string) error {
	if !s.disk.Exists(name) {
		return nil
	}
	if _, _, err := s.load(name); err != nil {
		return fmt.Errorf("%s stands in the way: %w", name, fs.ErrExist)
	}
	return s.disk.Remove(name)
}

// note turns the outcome of a write into health, and lets go of a directory that is gone.
func (s *Spool) note(err error) {
	if err == nil {
		s.health.diskWorks()
		return
	}
	s.health.diskFailed(err)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ESTALE) {
		_ = s.disk.Close()
		s.disk = nil
		s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool { return e.held == nil })
	}
}

func (s *Spool) insert(en *entry) {
	i, found := slices.BinarySearchFunc(s.entries, en.name, func(e *entry, name string) int { return strings.Compare(e.name, name) })
	if found {
		s.entries[i] = en
		return
	}
	s.entries = slices.Insert(s.entries, i, en)
}

func (s *Spool) find(is func(*entry) bool) int { return slices.IndexFunc(s.entries, is) }

// forget drops the copy in memory of an envelope that is put again.
func (s *Spool) forget(id string) {
	s.entries = slices.DeleteFunc(s.entries, func(e *entry) bool { return e.id == id })
}
