package lists

import (
	"slices"
	"time"
)

// Set is a loaded collection of lists. It is immutable and safe for concurrent use.
type Set struct {
	lists   []List
	byID    map[string]int
	byMaker map[string][]place
	first   time.Time // the oldest edition or entry; before it there was nothing to be named in
	version string
}

type place struct{ list, entry int }

// All gives all lists, sorted by id. The caller must not change them.
func (s *Set) All() []List { return s.lists }

// List gives the list of that id. The caller must not change it.
func (s *Set) List(id string) (*List, bool) {
	i, ok := s.byID[id]
	if !ok {
		return nil, false
	}
	return &s.lists[i], true
}

// Version names the state of the data: its newest as-of date and a digest of all of it.
func (s *Set) Version() string { return s.version }

// Naming says in which lists the maker is named at that time, by confirmed entries of
// confirmed lists, sorted by list. Lists that are only proposed are included; the hit's
// list has the status.
//
// A time before the first of all lists, as a gateway has that starts in 1970, is no
// question about history: the newest state is given, as for the zero time. A caller whose
// clock is not believed passes the zero time.
func (s *Set) Naming(maker string, at time.Time) []Hit {
	return s.hits(maker, at, func(l *List, e *Entry) bool { return l.Confirmed && e.Confirmed })
}

// Hints gives the entries for the maker that are not confirmed: for a person to look at,
// never a finding.
func (s *Set) Hints(maker string, at time.Time) []Hit {
	return s.hits(maker, at, func(l *List, e *Entry) bool { return !l.Confirmed || !e.Confirmed })
}

// Named says whether the maker is named in the list of that id, or with "" in any.
func (s *Set) Named(maker, list string, at time.Time) bool {
	for _, p := range s.byMaker[maker] {
		l := &s.lists[p.list]
		e := &l.Entries[p.entry]
		if (list == "" || l.ID == list) && l.Confirmed && e.Confirmed && s.during(e, at) {
			return true
		}
	}
	return false
}

func (s *Set) hits(maker string, at time.Time, want func(*List, *Entry) bool) []Hit {
	places := s.byMaker[maker]
	if maker == "" || len(places) == 0 {
		return nil
	}
	hits := make([]Hit, 0, len(places))
	for _, p := range places {
		l := &s.lists[p.list]
		e := &l.Entries[p.entry]
		if want(l, e) && s.during(e, at) {
			hits = append(hits, s.hit(l, e, at))
		}
	}
	return hits
}

func (s *Set) hit(l *List, e *Entry, at time.Time) Hit {
	if e.Proposed {
		return Hit{List: l, Entry: e, Edition: Proposal}
	}
	return Hit{List: l, Entry: e, Edition: l.editionAt(s.believe(at))}
}

// during says whether e's spell covers the time.
func (s *Set) during(e *Entry, at time.Time) bool {
	at = s.believe(at)
	if at.IsZero() {
		return e.Until.IsZero()
	}
	return !e.Since.After(at) && (e.Until.IsZero() || e.Until.After(at))
}

func (s *Set) believe(at time.Time) time.Time {
	if at.Before(s.first) {
		return time.Time{}
	}
	return at
}

// editionAt gives the label of the edition that stood at that time.
func (l *List) editionAt(at time.Time) string {
	if at.IsZero() || !l.EditionDate.After(at) {
		return l.Edition
	}
	for _, e := range slices.Backward(l.Editions) {
		if !e.Withdrawn && !e.Date.After(at) {
			return e.Date.String()
		}
	}
	return l.Edition
}
