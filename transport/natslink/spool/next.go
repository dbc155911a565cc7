package spool

import (
	"errors"
	"fmt"
	"io/fs"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Next returns the oldest envelope that can be read. It stays until Remove or Reject:
// asked again, Next returns the same one.
func (s *Spool) Next() (*inventory.Envelope, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil, false
	}
	_ = s.scan() // an error is in health
	for i := 0; i < len(s.entries); {
		en := s.entries[i]
		if en.held != nil {
			return en.held, true
		}
		e, _, err := s.load(en.name)
		if err == nil {
			return e, true
		}
		if s.judge(en.name, err) {
			s.entries = append(s.entries[:i], s.entries[i+1:]...)
			continue
		}
		i++ // it can be read later: another one meanwhile
	}
	return nil, false
}

// Remove forgets the envelope of that id: a receipt for it has come. The directory is
// not synced for it, to spare the flash: after a power cut the envelope may be there
// again and be sent twice, which the collector notices.
func (s *Spool) Remove(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(func(e *entry) bool { return e.id == id })
	if i < 0 {
		return fmt.Errorf("cannot remove %s: %w", id, ErrUnknown)
	}
	en := s.entries[i]
	s.entries = append(s.entries[:i], s.entries[i+1:]...)
	if en.volatile || s.disk == nil {
		return nil
	}
	// One in memory may have left a file too, when the disk failed late.
	if err := s.disk.Remove(en.name); err != nil && !errors.Is(err, fs.ErrNotExist) {
		s.health.diskFailed(err)
		return fmt.Errorf("cannot remove %s, which will be sent again after a restart: %w", id, err)
	}
	return nil
}

// Reject sets the envelope of that id aside in bad/: the server will never take it.
func (s *Spool) Reject(id string) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	i := s.find(func(e *entry) bool { return e.id == id })
	if i < 0 {
		return fmt.Errorf("cannot set %s aside: %w", id, ErrUnknown)
	}
	en := s.entries[i]
	s.entries = append(s.entries[:i], s.entries[i+1:]...)
	if en.held != nil || s.disk == nil {
		s.damaged()
		return nil
	}
	s.aside(en.name)
	return nil
}
