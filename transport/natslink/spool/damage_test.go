package spool

import (
	"bytes"
	"encoding/binary"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

// spooled makes a directory with the records of es and gives their paths.
func spooled(t *testing.T, es ...*inventory.Envelope) (dir string, paths []string) {
	t.Helper()
	dir = t.TempDir()
	s := open(t, dir)
	put(t, s, es...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	for _, e := range es {
		paths = append(paths, filepath.Join(dir, fileName(e)))
	}
	return dir, paths
}

func write(t *testing.T, path string, b []byte) {
	t.Helper()
	if err := os.WriteFile(path, b, 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestC03: a record cut at any length is set aside, and the others come out. Every
// length goes through the decoder, a few through a whole spool.
func TestC03(t *testing.T) {
	e, other := report(1, 1, 100), report(1, 2, 100)
	whole, err := encodeRecord(e)
	if err != nil {
		t.Fatal(err)
	}
	for n := range whole {
		if got, err := decodeRecord(fileName(e), whole[:n]); err == nil || got != nil {
			t.Fatalf("%d of %d bytes were read: %v", n, len(whole), got)
		}
	}
	for _, n := range []int{0, 1, len(magic), headerLen - 1, headerLen, headerLen + 1, len(whole) / 2, len(whole) - 1} {
		dir, paths := spooled(t, e, other)
		write(t, paths[0], whole[:n])
		alone(t, dir, fmt.Sprintf("cut to %d", n), other, fileName(e))
	}
}

// alone: of the spool in dir only want comes out, and bad is set aside.
func alone(t *testing.T, dir, what string, want *inventory.Envelope, bad string) {
	t.Helper()
	s := open(t, dir)
	if got := drain(t, s); len(got) != 1 || !same(got[0], want) {
		t.Errorf("%s: came out %v", what, ids(got))
	}
	if aside := names(t, filepath.Join(dir, badDir)); !slices.Equal(aside, []string{bad}) {
		t.Errorf("%s: set aside %v", what, aside)
	}
	if c := codes(s.Health()); !slices.Contains(c, "spool-damaged") {
		t.Errorf("%s: health %v", what, c)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestC04: every single bit flipped in turn is noticed.
func TestC04(t *testing.T) {
	e := report(1, 1, 20)
	whole, err := encodeRecord(e)
	if err != nil {
		t.Fatal(err)
	}
	for i := range whole {
		for bit := range 8 {
			b := slices.Clone(whole)
			b[i] ^= 1 << bit
			got, err := decodeRecord(fileName(e), b)
			if err == nil || got != nil {
				t.Fatalf("bit %d of byte %d flipped, and read: %v", bit, i, got)
			}
			if errors.Is(err, errNewer) {
				t.Fatalf("bit %d of byte %d flipped passes for a newer format", bit, i)
			}
		}
	}
	other := report(1, 2, 20)
	for _, i := range []int{0, len(magic) + 3, len(magic) + 7, headerLen - 1, headerLen, len(whole) - 1} {
		dir, paths := spooled(t, e, other)
		b := slices.Clone(whole)
		b[i] ^= 4
		write(t, paths[0], b)
		alone(t, dir, fmt.Sprintf("byte %d", i), other, fileName(e))
	}
}

// TestC04Signature: damage that the checksum agrees with is noticed by the signature.
func TestC04Signature(t *testing.T) {
	e := report(1, 1, 20)
	b, err := encodeRecord(e)
	if err != nil {
		t.Fatal(err)
	}
	b[len(b)-3] ^= 1
	binary.BigEndian.PutUint32(b[len(magic)+8:], checksum(b))
	other := report(1, 2, 20)
	dir, paths := spooled(t, e, other)
	write(t, paths[0], b)
	alone(t, dir, "altered and summed again", other, fileName(e))
}

// TestC05: empty and zero-filled files are set aside and give no phantom records.
func TestC05(t *testing.T) {
	e, other := report(1, 1, 20), report(1, 2, 20)
	whole, err := encodeRecord(e)
	if err != nil {
		t.Fatal(err)
	}
	for what, b := range map[string][]byte{
		"empty": {}, "zeros": make([]byte, 4096), "zeros behind": append(slices.Clone(whole), make([]byte, 64)...),
		"huge": make([]byte, maxRecord+1), "twice": append(slices.Clone(whole), whole...),
	} {
		dir, paths := spooled(t, e, other)
		write(t, paths[0], b)
		alone(t, dir, what, other, fileName(e))
	}
}

// TestDamageWhileRunning: damage between Put and Next costs that record alone.
func TestDamageWhileRunning(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	a, b := report(1, 1, 20), report(1, 2, 20)
	put(t, s, a, b)
	write(t, filepath.Join(dir, fileName(a)), []byte("gone bad"))
	if got := drain(t, s); len(got) != 1 || got[0].ID != b.ID {
		t.Errorf("came out %v", ids(got))
	}
}

// TestC10: thousands of leftovers and foreign files neither slow the start down for long
// nor are they touched.
func TestC10(t *testing.T) {
	dir := t.TempDir()
	e := report(1, 1, 20)
	for i := range 10_000 {
		name := fmt.Sprintf("somebody-%d.txt", i)
		if i%2 == 0 {
			name = fileName(report0(uint64(i))) + tmpMark // what killed agents leave
		}
		write(t, filepath.Join(dir, name), []byte("x"))
	}
	write(t, filepath.Join(dir, "notes.tmp"), []byte("mine"))
	start := time.Now()
	s := open(t, dir)
	t.Logf("start with 10,000 files: %v", time.Since(start))
	put(t, s, e)
	if got := drain(t, s); len(got) != 1 {
		t.Errorf("came out %v", ids(got))
	}
	left := names(t, dir)
	if len(left) != 5_001 || !slices.Contains(left, "notes.tmp") {
		t.Errorf("%d files left, want the 5,001 foreign ones", len(left))
	}
}

// report0 is an envelope without a signature, for its name alone.
func report0(seq uint64) *inventory.Envelope {
	return &inventory.Envelope{ID: inventory.NewID(), Order: inventory.Order{Boot: 1, Seq: seq}}
}

// TestC11: a record of a newer format stays where it is, and is told of.
func TestC11(t *testing.T) {
	e, other := report(1, 1, 20), report(1, 2, 20)
	dir, paths := spooled(t, e, other)
	b, err := os.ReadFile(paths[0])
	if err != nil {
		t.Fatal(err)
	}
	binary.BigEndian.PutUint32(b[len(magic):], version+1)
	binary.BigEndian.PutUint32(b[len(magic)+8:], checksum(b))
	write(t, paths[0], b)
	s := open(t, dir)
	if !slices.Contains(codes(s.Health()), "spool-newer") {
		t.Errorf("health %v", s.Health())
	}
	if got := drain(t, s); len(got) != 1 || got[0].ID != other.ID {
		t.Errorf("came out %v", ids(got))
	}
	// Not even an envelope of that very name takes its place.
	if err := s.Put(e); !errors.Is(err, ErrNotDurable) {
		t.Errorf("put in its place: %v", err)
	}
	if after, err := os.ReadFile(paths[0]); err != nil || !bytes.Equal(after, b) {
		t.Errorf("the newer record changed: %v", err)
	}
}

// TestC15: a record that makes the reader panic is set aside; the next start works too.
func TestC15(t *testing.T) {
	poison, other := report(1, 1, 20), report(1, 2, 20)
	dir, _ := spooled(t, poison, other)
	for range 2 {
		s := newSpool(Limits{}, func() (disk, error) { return attachDir(dir) })
		s.decode = func(name string, b []byte) (*inventory.Envelope, error) {
			e, err := decodeRecord(name, b)
			if err == nil && e.ID == poison.ID {
				panic("planted")
			}
			return e, err
		}
		if err := s.start(); err != nil {
			t.Fatal(err)
		}
		if e, ok := s.Next(); !ok || e.ID != other.ID {
			t.Error("the other record does not come out")
		}
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if aside := names(t, filepath.Join(dir, badDir)); !slices.Equal(aside, []string{fileName(poison)}) {
		t.Errorf("set aside %v", aside)
	}
}

// TestBadIsBounded: what is set aside never grows without end.
func TestBadIsBounded(t *testing.T) {
	dir := t.TempDir()
	var last string
	for i := range 30 {
		last = fileName(report0(uint64(i + 1)))
		write(t, filepath.Join(dir, last), []byte("bad"))
	}
	s := open(t, dir)
	aside := names(t, filepath.Join(dir, badDir))
	if len(aside) != 8 || !slices.Contains(aside, last) {
		t.Errorf("%d set aside: %v", len(aside), aside)
	}
	if c := s.Counts(); c.SetAside != 30 {
		t.Errorf("%+v", c)
	}
}

// TestC17: links planted in the spool lead nowhere: nothing outside is read, moved or
// changed.
func TestC17(t *testing.T) {
	outside := t.TempDir()
	e, other, third := report(1, 1, 20), report(1, 2, 20), report(1, 3, 20)
	for what, plant := range map[string]func(target, path string) error{"symbolic link": os.Symlink, "hard link": os.Link} {
		t.Run(what, func(t *testing.T) {
			dir, paths := spooled(t, e, other)
			target := filepath.Join(outside, strings.ReplaceAll(what, " ", "-"))
			b, err := os.ReadFile(paths[0])
			if err != nil {
				t.Fatal(err)
			}
			write(t, target, b) // even a record that would be good
			if err := os.Remove(paths[0]); err != nil {
				t.Fatal(err)
			}
			if err := plant(target, paths[0]); err != nil {
				t.Fatal(err)
			}
			if err := plant(target, filepath.Join(dir, fileName(third)+tmpMark)); err != nil {
				t.Fatal(err)
			}
			s := open(t, dir)
			put(t, s, third)
			if !slices.Contains(codes(s.Health()), "spool-foreign") {
				t.Errorf("health %v", s.Health())
			}
			if got := ids(drain(t, s)); !slices.Equal(got, []string{other.ID, third.ID}) {
				t.Errorf("came out %v", got)
			}
			if after, err := os.ReadFile(target); err != nil || !bytes.Equal(after, b) {
				t.Errorf("the file outside changed: %v", err)
			}
		})
	}
	t.Run("bad/ leads outside", func(t *testing.T) {
		dir, paths := spooled(t, e)
		if err := os.Symlink(outside, filepath.Join(dir, badDir)); err != nil {
			t.Fatal(err)
		}
		before := names(t, outside)
		write(t, paths[0], []byte("bad"))
		s := open(t, dir)
		if got := drain(t, s); len(got) != 0 {
			t.Errorf("came out %v", ids(got))
		}
		if after := names(t, outside); !slices.Equal(before, after) {
			t.Errorf("outside: %v, before %v", after, before)
		}
	})
}

// FuzzDecodeRecord: what is read encodes to the same bytes; no input panics.
func FuzzDecodeRecord(f *testing.F) {
	e := report(1, 1, 10)
	good, err := encodeRecord(e)
	if err != nil {
		f.Fatal(err)
	}
	f.Add(good)
	f.Add(good[:headerLen])
	f.Add([]byte(magic))
	f.Fuzz(func(t *testing.T, b []byte) {
		decodeAgain(t, fileName(e), b)
		if len(b) >= headerLen { // past the checksum too
			binary.BigEndian.PutUint32(b[len(magic)+8:], checksum(b))
			decodeAgain(t, fileName(e), b)
		}
	})
}

func decodeAgain(t *testing.T, name string, b []byte) {
	t.Helper()
	got, err := decodeRecord(name, b)
	if err != nil {
		if got != nil {
			t.Fatal("a value beside an error")
		}
		return
	}
	again, err := encodeRecord(got)
	if err != nil {
		t.Fatal(err)
	}
	back, err := decodeRecord(name, again)
	if err != nil || !same(back, got) {
		t.Fatalf("own record is refused: %v", err)
	}
}
