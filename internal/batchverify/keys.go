package batchverify

import (
	"sync"

	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
)

// mostKeys bounds what is remembered, of a hundred bytes each.
const mostKeys = 100_000

// Keys verifies like [Verify] and remembers keys that it decoded, which a gateway uses again and again.
// Decoding one takes a root in the field, a quarter of what a claim costs. The zero value is ready for
// use, by several at once.
type Keys struct {
	mu sync.RWMutex
	// x are the coordinates of keys that are good. They follow from the keys alone, so that it makes no
	// difference to any claim whether its key is remembered.
	x map[[32]byte]field.Element
}

// decode decodes a key.
func (k *Keys) decode(p *edwards25519.Point, key []byte) bool {
	k.mu.RLock()
	x, known := k.x[[32]byte(key)]
	k.mu.RUnlock()
	if known {
		return fromX(p, &x, key)
	}
	if !decode(p, key) {
		return false
	}
	own, _, _, _ := p.ExtendedCoordinates()
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.x == nil || len(k.x) >= mostKeys {
		k.x = map[[32]byte]field.Element{}
	}
	k.x[[32]byte(key)] = *own
	return true
}

// fromX decodes a key of which x is known.
func fromX(p *edwards25519.Point, x *field.Element, key []byte) bool {
	var y, one, xy field.Element
	_, _ = y.SetBytes(key) // has the length of one
	_, err := p.SetExtendedCoordinates(x, &y, one.One(), xy.Multiply(x, &y))
	return err == nil
}

// decode decodes a key, unless it is of small order.
func decode(p *edwards25519.Point, key []byte) bool { return point(p, key) && !smallOrder(p) }
