package spool

import (
	"errors"
	"slices"
	"syscall"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// TestC09 is an outage of seven days with a report a minute, of small and of large
// reports: the limits hold, the newest full picture stays, and the drops are counted.
func TestC09(t *testing.T) {
	for name, size := range map[string]int{"small": 2_000, "large": 60_000} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			body := make([]byte, size)
			const minutes = 7 * 24 * 60
			d := newMemDisk()
			s := unsigned(Limits{}, d)
			if err := s.start(); err != nil {
				t.Fatal(err)
			}
			var newest *inventory.Envelope
			for i := range uint64(minutes) {
				e := &inventory.Envelope{Kind: inventory.KindHeartbeat, ID: inventory.NewID(), Gateway: "gw",
					Order: inventory.Order{Boot: 1, Seq: i + 1}, Body: body[:100]}
				if i < minutes*3/4 { // then nothing changes any more
					e.Kind, e.Body, newest = inventory.KindReport, body, e
				}
				put(t, s, e)
			}
			if d.most > 16<<20 || d.files > 1000+1 { // and one that is being written
				t.Errorf("took %d bytes in %d files", d.most, d.files)
			}
			c := s.Counts()
			if c.Records+int(c.Dropped) != minutes || !slices.Contains(codes(s.Health()), "spool-dropped") {
				t.Errorf("of %d: %+v", minutes, c)
			}
			got := drain(t, s)
			if !slices.ContainsFunc(got, func(e *inventory.Envelope) bool { return e.ID == newest.ID }) {
				t.Error("the newest full picture is gone")
			}
		})
	}
}

// TestSmallest: in the smallest spool, on a disk that fails, the newest picture takes the place of the one before it
// that is in memory, and not of the one that is on disk.
func TestSmallest(t *testing.T) {
	d := newMemDisk()
	s := unsigned(Limits{Count: 2}, d)
	first, third := report(1, 1, 64), report(1, 3, 64)
	put(t, s, first)
	d.fault = func(string) error { return syscall.EROFS }
	for _, e := range []*inventory.Envelope{report(1, 2, 64), third} {
		if err := s.Put(e); !errors.Is(err, ErrNotDurable) {
			t.Errorf("report %d: %v", e.Seq, err)
		}
	}
	d.fault = nil
	if got := drain(t, s); !slices.Equal(ids(got), []string{first.ID, third.ID}) {
		t.Errorf("%d reports came out, want the first and the third", len(got))
	}
}
