package batchverify

import (
	"math/rand/v2"
	"testing"

	"filippo.io/edwards25519"
)

// The bucket method gives what the library gives, for points of any order, doubled, opposite and
// absent ones, and for the longest and the shortest numbers.
func TestSum(t *testing.T) {
	r := rand.New(rand.NewPCG(1, 2))
	for round := range 60 {
		var numbers []*edwards25519.Scalar
		var points []*edwards25519.Point
		for i := range 1 + r.IntN(1<<(round%9)) {
			n, p := anyNumber(t, r), anyPoint(t, r)
			if i > 0 && r.IntN(4) == 0 { // again, or its opposite
				n = numbers[i-1]
				if p = points[i-1]; r.IntN(2) == 0 {
					p = new(edwards25519.Point).Negate(p)
				}
			}
			numbers, points = append(numbers, n), append(points, p)
		}
		want := new(edwards25519.Point).VarTimeMultiScalarMult(numbers, points)
		got, ok := sum(numbers, points)
		if !ok || got.Equal(want) != 1 {
			t.Fatalf("round %d: the sum of %d points is another than the library's, %v", round, len(points), ok)
		}
	}
}

func anyNumber(t *testing.T, r *rand.Rand) *edwards25519.Scalar {
	t.Helper()
	var b [64]byte
	for i := range []int{0, 1, 16, 31, 64}[r.IntN(5)] {
		b[i] = byte(r.Uint32())
		if r.IntN(8) == 0 {
			b[i] = 0x80 // where digits carry
		}
	}
	s, err := edwards25519.NewScalar().SetUniformBytes(b[:])
	if err != nil {
		t.Fatal(err)
	}
	if r.IntN(8) == 0 {
		s.Subtract(edwards25519.NewScalar(), s) // among them the largest
	}
	return s
}

// anyPoint decodes a point, so that z is 1. One in eight of them is of small order.
func anyPoint(t *testing.T, r *rand.Rand) *edwards25519.Point {
	t.Helper()
	for {
		var b [32]byte
		if r.IntN(8) > 0 {
			for i := range b {
				b[i] = byte(r.Uint32())
			}
		} else {
			b[0] = byte(r.IntN(2)) // of order 4, and the identity
		}
		if p, err := new(edwards25519.Point).SetBytes(b[:]); err == nil {
			return p
		}
	}
}

// A key is remembered once it is good, and no others.
func TestKeysRemembered(t *testing.T) {
	k := new(Keys)
	good, small := edwards25519.NewGeneratorPoint().Bytes(), edwards25519.NewIdentityPoint().Bytes()
	for range 2 {
		var p edwards25519.Point
		if !k.decode(&p, good) || p.Equal(edwards25519.NewGeneratorPoint()) != 1 {
			t.Error("a good key was refused, or is another")
		}
		if k.decode(&p, small) {
			t.Error("a key of small order was taken")
		}
	}
	if len(k.x) != 1 {
		t.Errorf("%d keys are remembered, want 1", len(k.x))
	}
}
