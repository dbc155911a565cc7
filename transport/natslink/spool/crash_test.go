package spool

import (
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// TestC02 is a power cut at a random moment, with and without a failing disk, 10,000
// times against a model: what was confirmed and not removed is there after the restart
// with its exact bytes, and nothing is there that was never put.
func TestC02(t *testing.T) {
	const runs, shards = 10_000, 4
	_ = pool()
	for shard := range shards {
		t.Run(fmt.Sprint(shard), func(t *testing.T) {
			t.Parallel()
			for seed := shard * runs / shards; seed < (shard+1)*runs/shards; seed++ {
				if err := powerCut(uint64(seed)); err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
			}
		})
	}
}

// model is what must hold of a spool over crashes.
type model struct {
	r    *rand.Rand
	next int
	put  map[string]*inventory.Envelope // everything ever handed over
	// Confirmed by nil from Put, and neither removed nor dropped to make room.
	confirmed map[string]bool
	sent      inventory.Order // the newest full report that was taken out
	clean     bool            // no faults are injected
	err       error
}

func powerCut(seed uint64) error {
	m := &model{r: rand.New(rand.NewPCG(seed, 2)), put: map[string]*inventory.Envelope{}, confirmed: map[string]bool{}}
	m.clean = m.r.IntN(3) == 0
	d := newMemDisk()
	for range 3 {
		d.ops, d.crashAt = 0, 1+m.r.IntN(60)
		if !m.clean {
			d.fault = faulty(m.r, 4+m.r.IntN(20))
		}
		s, inFlight := m.life(d)
		if err := m.invariants(s); err != nil {
			return err
		}
		d = d.afterCrash(m.r)
		if err := m.judge(d, s, inFlight); err != nil {
			return err
		}
	}
	return nil
}

// life works on the spool until the crash, and gives what stood in memory then and the
// envelope that was being put.
func (m *model) life(d *memDisk) (s *Spool, inFlight *inventory.Envelope) {
	s = unsigned(Limits{Count: 6}, d)
	defer func() {
		if r := recover(); r != nil && r != any(crash{}) {
			panic(r)
		}
	}()
	_ = s.start()
	for range 20 {
		switch m.r.IntN(4) {
		case 0, 1:
			if m.next == len(pool()) {
				return s, nil
			}
			inFlight = pool()[m.next]
			m.next++
			m.put[inFlight.ID] = inFlight
			if err := s.Put(inFlight); err == nil {
				m.confirmed[inFlight.ID] = true
			}
			inFlight = nil
			m.settle(s)
		case 2:
			if e, ok := s.Next(); ok {
				delete(m.confirmed, e.ID)
				if e.Kind == inventory.KindReport && m.sent.Before(e.Order) {
					m.sent = e.Order
				}
				_ = s.Remove(e.ID)
			}
		case 3:
			s.Flush()
			m.settle(s)
		}
	}
	return s, nil
}

// unsigned is a spool that does not look at signatures, which would take most of the time.
func unsigned(l Limits, d *memDisk) *Spool {
	s := newSpool(l, func() (disk, error) { return d, nil })
	s.verify = func(*inventory.Envelope) error { return nil }
	return s
}

// settle takes note of what went to disk late, which is as good as confirmed, and of
// what was dropped to make room, which must be superseded.
func (m *model) settle(s *Spool) {
	for _, e := range s.entries {
		if e.held == nil {
			m.confirmed[e.id] = true
		}
	}
	if s.unread {
		return // more may be on disk than stands in memory
	}
	for id := range m.confirmed {
		if s.find(func(e *entry) bool { return e.id == id }) >= 0 {
			continue
		}
		delete(m.confirmed, id)
		if e := m.put[id]; e.Kind == inventory.KindReport && !m.superseded(s, e) {
			m.err = fmt.Errorf("%v was dropped, and is the newest full picture", e.Order)
		}
	}
}

func (m *model) superseded(s *Spool, e *inventory.Envelope) bool {
	return e.Before(m.sent) || s.find(func(o *entry) bool {
		return o.held == nil && o.kind == inventory.KindReport && e.Before(o.order)
	}) >= 0
}

// invariants: what stands in memory at the moment of the crash keeps the promises too.
func (m *model) invariants(s *Spool) error {
	m.settle(s)
	if !s.unread && len(s.entries) > s.limits.Count {
		return fmt.Errorf("%d records, limit is %d", len(s.entries), s.limits.Count)
	}
	return m.err
}

// judge starts again on what the crash left.
func (m *model) judge(d *memDisk, before *Spool, inFlight *inventory.Envelope) error {
	s := unsigned(Limits{Count: 100}, d)
	if err := s.start(); err != nil {
		return err
	}
	found := map[string]bool{}
	for _, en := range s.entries {
		e, _, err := s.load(en.name)
		if err != nil {
			return fmt.Errorf("%s: entered at start, but: %w", en.name, err)
		}
		if want := m.put[e.ID]; want == nil || !same(e, want) {
			return fmt.Errorf("%s: not what was put", en.name)
		}
		found[e.ID] = true
	}
	for id := range m.confirmed {
		// The crash may have come in the middle of making room for another.
		dropped := before.dropped > 0 && before.find(func(e *entry) bool { return e.id == id }) < 0
		if !found[id] && !dropped {
			return fmt.Errorf("%v was confirmed and is lost", m.put[id].Order)
		}
		if !found[id] {
			delete(m.confirmed, id)
		}
	}
	if inFlight != nil && found[inFlight.ID] {
		m.confirmed[inFlight.ID] = true // whole and durable: it counts from now on
	}
	return nil
}

// TestMemDiskIsHarsh: the crashing disk does lose what was not synced, or TestC02 would
// prove nothing.
func TestMemDiskIsHarsh(t *testing.T) {
	e := report(1, 1, 64)
	b, err := encodeRecord(e)
	if err != nil {
		t.Fatal(err)
	}
	for name, c := range map[string]struct {
		file, dir bool
		lossy     bool
	}{"nothing synced": {lossy: true}, "file alone": {file: true, lossy: true}, "directory alone": {dir: true, lossy: true},
		"both": {file: true, dir: true}} {
		lost := 0
		for seed := range uint64(200) {
			d := newMemDisk()
			f, err := d.Create("x")
			if err != nil {
				t.Fatal(err)
			}
			if _, err := f.Write(b); err != nil {
				t.Fatal(err)
			}
			if c.file {
				err = errors.Join(err, f.Sync())
			}
			err = errors.Join(err, d.Rename("x", fileName(e)))
			if c.dir {
				err = errors.Join(err, d.Sync())
			}
			if err != nil {
				t.Fatal(err)
			}
			after := d.afterCrash(rand.New(rand.NewPCG(seed, 1)))
			got, err := after.Read(fileName(e), maxRecord)
			if err != nil || string(got) != string(b) {
				lost++
			}
		}
		if (lost > 0) != c.lossy {
			t.Errorf("%s: lost %d of 200", name, lost)
		}
	}
}
