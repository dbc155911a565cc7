package spool

import (
	"strings"
	"syscall"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// What waits in memory is written when the disk works again, all of it: also where room has to be
// made for it, or what the directory holds comes in between, and both change what there is.
func TestFlushForgetsNone(t *testing.T) {
	refuse := func(string) error { return syscall.EROFS }
	check := func(t *testing.T, s *Spool, d *memDisk, want int) {
		t.Helper()
		if c := s.Counts(); c.Held > 0 {
			t.Errorf("%d of %d are in memory still", c.Held, c.Records)
		}
		n := 0
		for name := range d.live {
			if strings.HasSuffix(name, suffix) {
				n++
			}
		}
		if n != want {
			t.Errorf("the disk holds %d records, want %d", n, want)
		}
	}
	hold := func(t *testing.T, s *Spool, seqs ...uint64) {
		t.Helper()
		for _, seq := range seqs {
			if err := s.Put(report(1, seq, 64)); err == nil {
				t.Fatal("the disk took it")
			}
		}
	}
	t.Run("room is made", func(t *testing.T) {
		d := newMemDisk()
		s := unsigned(Limits{}, d)
		put(t, s, report(1, 1, 64), report(1, 2, 64))
		d.fault = refuse
		hold(t, s, 3, 4, 5)
		freed := false
		d.fault = func(op string) error {
			freed = freed || op == "remove"
			if op == "write" && !freed {
				return syscall.ENOSPC
			}
			return nil
		}
		s.Flush()
		check(t, s, d, 4)
	})
	t.Run("the directory was away", func(t *testing.T) {
		d := newMemDisk()
		put(t, unsigned(Limits{}, d), report(1, 1, 64), report(1, 2, 64))
		away := true
		s := newSpool(Limits{}, func() (disk, error) {
			if away {
				return nil, syscall.ENOTDIR
			}
			return d, nil
		})
		s.verify = func(*inventory.Envelope) error { return nil }
		_ = s.start()
		hold(t, s, 3, 4, 5, 6, 7)
		away = false
		s.Flush()
		check(t, s, d, 7)
	})
}
