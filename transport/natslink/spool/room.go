package spool

import (
	"fmt"

	"github.com/rollcall-iot/rollcall/inventory"
)

func (s *Spool) bytes() (n int64) {
	for _, e := range s.entries {
		if e.held == nil {
			n += e.size
		}
	}
	return n
}

func (s *Spool) heldBytes() (n int64) {
	for _, e := range s.entries {
		if e.held != nil {
			n += e.size
		}
	}
	return n
}

// overfull says whether so much more would break the limits.
func (s *Spool) overfull(bytes int64, count int) bool {
	return s.bytes()+bytes > s.limits.Bytes || len(s.entries)+count > s.limits.Count
}

// makeRoom drops superseded envelopes until en fits. What is about to come supersedes nothing that is
// durable before it is so itself, but what would be lost at a restart like it.
func (s *Spool) makeRoom(en *entry) bool {
	for s.overfull(en.size, 1) {
		if !s.dropOldest(false) && !s.dropHeldBefore(en) {
			return false
		}
	}
	return true
}

// dropHeldBefore drops a report in memory that is older than en of the same gateway.
func (s *Spool) dropHeldBefore(en *entry) bool {
	i := s.find(func(e *entry) bool {
		return en.kind == inventory.KindReport && e.held != nil && e.gateway == en.gateway && e.order.Before(en.order)
	})
	if i >= 0 {
		s.drop(i)
	}
	return i >= 0
}

// dropOldest drops the oldest superseded envelope, of those in memory where held is set.
func (s *Spool) dropOldest(held bool) bool {
	for i, e := range s.entries {
		if (e.held != nil || !held) && !s.newestReport(e) {
			s.drop(i)
			return true
		}
	}
	return false
}

// dropOldestOnDisk makes space on a full disk and says how much.
func (s *Spool) dropOldestOnDisk() (int64, bool) {
	for i, e := range s.entries {
		if e.held == nil && !s.newestReport(e) {
			s.drop(i)
			return e.size, true
		}
	}
	return 0, false
}

// newestReport says whether e is the newest full picture of its gateway. One on disk is
// not superseded by one in memory, which a restart would lose; one that is held because
// it says nothing new is no loss.
func (s *Spool) newestReport(e *entry) bool {
	if e.kind != inventory.KindReport || e.volatile {
		return false
	}
	for _, o := range s.entries {
		if o.kind == inventory.KindReport && o.gateway == e.gateway && !o.volatile && e.order.Before(o.order) && (o.held == nil || e.held != nil) {
			return false
		}
	}
	return true
}

func (s *Spool) drop(i int) {
	e := s.entries[i]
	s.entries = append(s.entries[:i], s.entries[i+1:]...)
	if e.held == nil && s.disk != nil {
		_ = s.disk.Remove(e.name)
	}
	s.dropped++
	s.health.raise("spool-dropped", inventory.SeverityWarning,
		fmt.Sprintf("%d superseded reports were dropped unsent since the agent started, because the spool was full", s.dropped))
}
