package spool

import (
	"errors"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"syscall"

	"github.com/rollcall-iot/rollcall/inventory"
)

// Open takes the directory for this process, makes it where it is missing, and looks at
// every record in it. A directory that cannot be used gives a spool in memory, with the
// reason in its health; only one that another process holds is an error (*LockedError).
func Open(dir string, l Limits) (*Spool, error) {
	s := newSpool(l, func() (disk, error) { return attachDir(dir) })
	return s, s.start()
}

func newSpool(l Limits, attach func() (disk, error)) *Spool {
	l = l.withDefaults()
	return &Spool{limits: l, attach: attach, decode: decodeRecord, verify: (*inventory.Envelope).Verify, health: health{now: l.Now}}
}

func (s *Spool) start() error {
	var locked *LockedError
	if err := s.reattach(); errors.As(err, &locked) {
		return err
	}
	return nil
}

// reattach opens the directory and takes in what it holds.
func (s *Spool) reattach() error {
	d, err := s.attach()
	if err != nil {
		s.health.diskFailed(err)
		return err
	}
	s.disk, s.unread = d, true
	return s.scan()
}

// scan drops what an interrupted Put left, and enters every good record. Records are
// judged one by one; foreign names are left alone. What cannot be read for want of
// descriptors is tried again by the next call.
func (s *Spool) scan() error {
	if !s.unread || s.disk == nil {
		return nil
	}
	names, err := s.disk.List(".")
	if err != nil {
		s.health.diskFailed(err)
		return err
	}
	unread := false
	slices.Sort(names)
	s.newer, s.foreign = 0, 0
	for _, name := range names {
		switch base, isTmp := strings.CutSuffix(name, tmpMark); {
		case isTmp && ours(base):
			_ = s.disk.Remove(name)
		case ours(name) && s.find(func(e *entry) bool { return e.name == name }) < 0:
			unread = !s.take(name) || unread
		}
	}
	for s.overfull(0, 0) && s.dropOldest(false) {
	}
	s.unread = unread
	return nil
}

// take enters one record, and says whether that is settled.
func (s *Spool) take(name string) bool {
	e, size, err := s.load(name)
	if err != nil {
		return s.judge(name, err)
	}
	s.insert(newEntry(e, size))
	return true
}

func newEntry(e *inventory.Envelope, size int64) *entry {
	return &entry{name: fileName(e), id: e.ID, gateway: e.Gateway, kind: e.Kind, order: e.Order, size: size}
}

// load reads one record. A reader that panics costs the record, not the process.
func (s *Spool) load(name string) (e *inventory.Envelope, size int64, err error) {
	b, err := s.disk.Read(name, maxRecord)
	if err != nil {
		return nil, 0, err
	}
	if len(b) > maxRecord {
		return nil, 0, fmt.Errorf("record is larger than %d bytes", maxRecord)
	}
	defer func() {
		if r := recover(); r != nil {
			e, err = nil, fmt.Errorf("reading the record panicked: %v", r)
		}
	}()
	if e, err = s.decode(name, b); err == nil {
		err = s.verify(e)
	}
	if err != nil {
		return nil, 0, err
	}
	return e, int64(len(b)), nil
}

// judge decides about a record that cannot be read, and says whether it is gone for good.
func (s *Spool) judge(name string, err error) (gone bool) {
	switch {
	case errors.Is(err, errNewer):
		s.newer++
		s.health.raise("spool-newer", inventory.SeverityWarning,
			fmt.Sprintf("%d spooled records are of a newer version of the agent; they stay until it is installed again", s.newer))
	case errors.Is(err, errForeign), errors.Is(err, syscall.ELOOP):
		s.foreign++
		s.health.raise("spool-foreign", inventory.SeverityWarning,
			fmt.Sprintf("%d names in the spool are links or no plain files; they are left alone, remove them", s.foreign))
	case errors.Is(err, fs.ErrNotExist):
		s.damaged()
	case exhausted(err):
		s.health.diskFailed(err)
		return false
	default:
		s.aside(name)
	}
	return true
}

// aside moves a record to bad/, of which the oldest goes when there are too many.
func (s *Spool) aside(name string) {
	s.damaged()
	if err := s.disk.MkdirBad(); err != nil {
		return // it stays where it is, out of the way
	}
	old, err := s.disk.List(badDir)
	if err != nil {
		return
	}
	slices.Sort(old)
	for len(old) >= s.limits.Bad {
		if err := s.disk.Remove(badDir + "/" + old[0]); err != nil {
			return
		}
		old = old[1:]
	}
	_ = s.disk.Rename(name, badDir+"/"+name)
}

func (s *Spool) damaged() {
	s.setAside++
	s.health.raise("spool-damaged", inventory.SeverityError,
		fmt.Sprintf("%d spooled records were damaged or refused and are set aside in %s/", s.setAside, badDir))
}

// Close gives the directory free. What is held in memory only is lost.
func (s *Spool) Close() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return nil
	}
	s.closed = true
	if s.disk == nil {
		return nil
	}
	return s.disk.Close()
}
