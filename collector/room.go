package collector

import (
	"hash/maphash"
	"sync"

	"github.com/rollcall-iot/rollcall/internal/clean"
)

// room bounds the bytes in hand.
type room struct {
	mu     sync.Mutex
	cond   *sync.Cond
	left   int
	size   int
	closed bool
}

func newRoom(size int) *room {
	r := &room{left: size, size: size}
	r.cond = sync.NewCond(&r.mu)
	return r
}

// take waits until n bytes fit. What is larger than the whole room fits when it is empty.
// False: the room was closed.
func (r *room) take(n int) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	for r.left < n && r.left < r.size && !r.closed {
		r.cond.Wait()
	}
	r.left -= n
	return !r.closed
}

func (r *room) give(n int) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.left += n
	r.cond.Broadcast()
}

func (r *room) close() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.closed = true
	r.cond.Broadcast()
}

// digests remembers the newest findings that were stored of each gateway, as a hint that
// they need not be judged again. It may forget, and it may be wrong for other collectors'
// gateways: the transaction decides.
type digests struct {
	mu   sync.Mutex
	seed maphash.Seed
	m    map[uint64]uint64
}

const maxDigests = 1 << 20

func newDigests() *digests { return &digests{seed: maphash.MakeSeed(), m: map[uint64]uint64{}} }

func (d *digests) has(gateway, digest string) bool {
	g, f := maphash.String(d.seed, gateway), maphash.String(d.seed, digest)
	d.mu.Lock()
	defer d.mu.Unlock()
	return d.m[g] == f && f != 0
}

func (d *digests) put(gateway, digest string) {
	g, f := maphash.String(d.seed, gateway), maphash.String(d.seed, digest)
	d.mu.Lock()
	defer d.mu.Unlock()
	if len(d.m) >= maxDigests {
		clear(d.m)
	}
	d.m[g] = f
}

// printable gives the beginning of s as text that may be shown and stored anywhere.
func printable(s string, most int) string {
	s = clean.Line(s)
	if len(s) > most {
		s = clean.Line(s[:most]) + "…"
	}
	return s
}
