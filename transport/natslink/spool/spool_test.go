package spool

import (
	"bytes"
	"crypto/ed25519"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

var testKey = ed25519.NewKeyFromSeed(bytes.Repeat([]byte{7}, ed25519.SeedSize))

// report seals a report of about size bytes.
func report(boot, seq uint64, size int) *inventory.Envelope {
	r := &inventory.Report{ID: inventory.NewID(), Gateway: inventory.Gateway{ID: "gw"}, Order: inventory.Order{Boot: boot, Seq: seq},
		Modules: []inventory.Module{{ID: "usb:1-1", Reason: strings.Repeat("x", size)}}}
	e, err := inventory.SealReport(r, testKey)
	if err != nil {
		panic(err)
	}
	return e
}

func heartbeat(boot, seq uint64) *inventory.Envelope {
	e, err := inventory.SealHeartbeat(&inventory.Heartbeat{ID: inventory.NewID(), Gateway: "gw", Order: inventory.Order{Boot: boot, Seq: seq}}, testKey)
	if err != nil {
		panic(err)
	}
	return e
}

// pool holds sealed envelopes, since signing is the slow part of a test.
var pool = sync.OnceValue(func() []*inventory.Envelope {
	p := make([]*inventory.Envelope, 40)
	for i := range p {
		if p[i] = report(1, uint64(i+1), 64); i%3 == 2 {
			p[i] = heartbeat(1, uint64(i+1))
		}
	}
	return p
})

func open(t *testing.T, dir string) *Spool {
	t.Helper()
	s, err := Open(dir, Limits{})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

func put(t *testing.T, s *Spool, es ...*inventory.Envelope) {
	t.Helper()
	for _, e := range es {
		if err := s.Put(e); err != nil {
			t.Fatal(err)
		}
	}
}

// drain takes everything out.
func drain(t *testing.T, s *Spool) []*inventory.Envelope {
	t.Helper()
	var got []*inventory.Envelope
	for {
		e, ok := s.Next()
		if !ok {
			return got
		}
		got = append(got, e)
		if err := s.Remove(e.ID); err != nil {
			t.Fatal(err)
		}
	}
}

func ids(es []*inventory.Envelope) (s []string) {
	for _, e := range es {
		s = append(s, e.ID)
	}
	return s
}

func same(a, b *inventory.Envelope) bool {
	return a.Kind == b.Kind && a.ID == b.ID && a.Gateway == b.Gateway && a.Order == b.Order &&
		bytes.Equal(a.Body, b.Body) && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Signature, b.Signature)
}

func codes(ws []inventory.Warning) (c []string) {
	for _, w := range ws {
		c = append(c, w.Code)
	}
	return c
}

func names(t *testing.T, dir string) (n []string) {
	t.Helper()
	list, err := os.ReadDir(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		t.Fatal(err)
	}
	for _, e := range list {
		if e.Name() != "pid" {
			n = append(n, e.Name())
		}
	}
	return n
}

func TestOrderAndRestart(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "state", "spool")
	s := open(t, dir)
	in := []*inventory.Envelope{report(2, 1, 10), report(1, 9, 10), report(2, 10, 10), heartbeat(2, 2)}
	put(t, s, in...)
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	got := drain(t, open(t, dir))
	want := []*inventory.Envelope{in[1], in[0], in[3], in[2]}
	if len(got) != len(want) {
		t.Fatalf("got %v, want %v", ids(got), ids(want))
	}
	for i := range want {
		if !same(got[i], want[i]) {
			t.Errorf("%d: %+v, want %+v", i, got[i], want[i])
		}
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

func TestPutTwiceIsOne(t *testing.T) {
	s := open(t, t.TempDir())
	e := report(1, 1, 10)
	put(t, s, e, e)
	if c := s.Counts(); c.Records != 1 {
		t.Errorf("%+v", c)
	}
}

func TestPutRefuses(t *testing.T) {
	s := open(t, t.TempDir())
	unsigned := *report(1, 1, 10)
	unsigned.Signature = nil
	if err := s.Put(&unsigned); !errors.Is(err, inventory.ErrSignature) {
		t.Errorf("unsigned: %v", err)
	}
	large := *report(1, 1, 10)
	large.Body = make([]byte, inventory.MaxReportBytes+1)
	if err := s.Put(&large); !errors.Is(err, inventory.ErrTooLarge) {
		t.Errorf("too large: %v", err)
	}
	_ = s.Close()
	if err := s.Put(report(1, 2, 10)); !errors.Is(err, ErrClosed) {
		t.Errorf("closed: %v", err)
	}
	if _, ok := s.Next(); ok {
		t.Error("a closed spool gives envelopes")
	}
}

func TestHoldTouchesNoDisk(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	for i := range uint64(100) {
		if err := s.Hold(heartbeat(1, i+1)); err != nil {
			t.Fatal(err)
		}
	}
	if left := names(t, dir); len(left) != 0 {
		t.Errorf("on disk: %v", left)
	}
	got := drain(t, s)
	if len(got) != 1 || got[0].Seq != 100 {
		t.Errorf("held %v, want the newest heartbeat alone", got)
	}
}

// TestHeldDoesNotSupersedeDurable: what a restart would lose makes nothing expendable.
func TestHeldDoesNotSupersedeDurable(t *testing.T) {
	s, err := Open(t.TempDir(), Limits{Count: 2})
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	old := report(1, 1, 10)
	put(t, s, old)
	if err := s.Hold(report(1, 2, 10)); err != nil {
		t.Fatal(err)
	}
	put(t, s, heartbeat(1, 3))
	if e, ok := s.Next(); !ok || e.ID != old.ID {
		t.Error("the newest durable report was dropped for one in memory")
	}
}

func TestReject(t *testing.T) {
	dir := t.TempDir()
	s := open(t, dir)
	a, b := report(1, 1, 10), report(1, 2, 10)
	put(t, s, a, b)
	if err := s.Reject(a.ID); err != nil {
		t.Fatal(err)
	}
	if err := s.Reject("no such"); !errors.Is(err, ErrUnknown) {
		t.Errorf("unknown: %v", err)
	}
	if got := names(t, filepath.Join(dir, badDir)); len(got) != 1 || got[0] != fileName(a) {
		t.Errorf("set aside: %v", got)
	}
	if got := drain(t, s); len(got) != 1 || got[0].ID != b.ID {
		t.Errorf("left: %v", ids(got))
	}
}

func TestNames(t *testing.T) {
	for name, want := range map[string]bool{
		fileName(report(1, 1, 1)):                           true,
		fileName(report(1<<63+5, 1<<64-1, 1)):               true,
		fileName(report(1, 1, 1)) + tmpMark:                 false,
		"pid":                                               false,
		fmt.Sprintf("%020d-%020d-%s", 1, 2, "abcd"):         false,
		fmt.Sprintf("%020d-%020d-%s.rcl", 1, 2, "ABCDEF01"): false,
		fmt.Sprintf("%s-%020d-%s.rcl", "99999999999999999999", 2, "abcdef01"):               false,
		fmt.Sprintf("%s-%020d-%s.rcl", "+0000000000000000001", 2, "abcdef01"):               false,
		strings.Repeat("0", 20) + "_" + strings.Repeat("0", 20) + "-" + "abcdef01" + ".rcl": false,
	} {
		if ours(name) != want {
			t.Errorf("ours(%q) = %v", name, !want)
		}
	}
	hostile := &inventory.Envelope{ID: "../../etc/passwd"}
	if n := fileName(hostile); strings.ContainsAny(n, "/") || !ours(n) {
		t.Errorf("a hostile id gives the name %q", n)
	}
}

func BenchmarkPut(b *testing.B) {
	s, err := Open(b.TempDir(), Limits{})
	if err != nil {
		b.Fatal(err)
	}
	defer s.Close()
	e := report(1, 1, 2000)
	for b.Loop() {
		if err := s.Put(e); err != nil {
			b.Fatal(err)
		}
		if err := s.Remove(e.ID); err != nil {
			b.Fatal(err)
		}
	}
}
