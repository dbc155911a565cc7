package batchverify

import (
	"crypto/rand"
	"crypto/sha512"

	"filippo.io/edwards25519"
)

// Claim says that the owner of Key signed Prefix and Message, one right after the other.
type Claim struct {
	Key             []byte
	Prefix, Message []byte
	Signature       []byte
}

const (
	// large bounds the memory of one equation, below a kilobyte a claim.
	large = 1024
	// fewest is how many claims the bucket method is worth its buckets for.
	fewest = 100
)

// Verify says of each claim whether it is good.
func Verify(claims []Claim) []bool { return new(Keys).Verify(claims) }

// Verify says of each claim whether it is good.
func (k *Keys) Verify(claims []Claim) []bool {
	good := make([]bool, len(claims))
	es := make([]equation, 0, len(claims))
	for i := range claims {
		if e, ok := newEquation(&claims[i], k.decode); ok {
			e.good = &good[i]
			es = append(es, e)
		}
	}
	split(es, large)
	return good
}

// One says whether a single claim is good, just as Verify does.
func One(c Claim) bool {
	e, ok := newEquation(&c, decode)
	return ok && e.holds()
}

// equation is a claim decoded: 8·s·B = 8·r + 8·k·a.
type equation struct {
	a, r edwards25519.Point
	s, k edwards25519.Scalar
	good *bool
}

func newEquation(c *Claim, decode func(*edwards25519.Point, []byte) bool) (e equation, ok bool) {
	if len(c.Key) != 32 || len(c.Signature) != 64 {
		return e, false
	}
	if !decode(&e.a, c.Key) || !point(&e.r, c.Signature[:32]) {
		return e, false
	}
	if _, err := e.s.SetCanonicalBytes(c.Signature[32:]); err != nil {
		return e, false
	}
	h := sha512.New()
	h.Write(c.Signature[:32])
	h.Write(c.Key)
	h.Write(c.Prefix)
	h.Write(c.Message)
	var sum [sha512.Size]byte
	_, err := e.k.SetUniformBytes(h.Sum(sum[:0]))
	return e, err == nil
}

// point decodes b as RFC 8032, section 5.1.3, has it. The library also takes encodings that
// the RFC does not: y not reduced, and zero with a sign.
func point(p *edwards25519.Point, b []byte) bool {
	if _, err := p.SetBytes(b); err != nil {
		return false
	}
	if b[31]&0x7f != 0x7f && b[31] != 0x80 {
		return true // what is not reduced, and -1 and 1 with a sign, end otherwise
	}
	return [32]byte(p.Bytes()) == [32]byte(b)
}

func smallOrder(p *edwards25519.Point) bool {
	var q edwards25519.Point
	return isIdentity(q.MultByCofactor(p))
}

func isIdentity(p *edwards25519.Point) bool { return p.Equal(edwards25519.NewIdentityPoint()) == 1 }

// holds judges one equation alone.
func (e *equation) holds() bool {
	var p, minusA edwards25519.Point
	p.VarTimeDoubleScalarBaseMult(&e.k, minusA.Negate(&e.a), &e.s)
	return smallOrder(p.Subtract(&p, &e.r))
}

// split judges batches of n, and smaller ones where one does not hold. A single bad claim then costs
// little, and a flood of them about twice their single price.
func split(es []equation, n int) {
	for len(es) > 0 {
		batch := es[:min(n, len(es))]
		es = es[len(batch):]
		switch {
		case len(batch) == 1:
			*batch[0].good = batch[0].holds()
		case hold(batch):
			for i := range batch {
				*batch[i].good = true
			}
		case len(batch) > 128:
			split(batch, 128)
		case len(batch) > 8:
			split(batch, 8)
		default:
			split(batch, 1)
		}
	}
}

// hold judges all equations at once, each with a random weight:
//
//	8·(Σ zᵢ·sᵢ)·B - Σ 8·zᵢ·rᵢ - Σ 8·zᵢ·kᵢ·aᵢ = 0
func hold(es []equation) bool {
	n := 2*len(es) + 1
	made := make([]edwards25519.Scalar, n)
	scalars, points := make([]*edwards25519.Scalar, n), make([]*edwards25519.Point, n)
	for i := range made {
		scalars[i] = &made[i]
	}
	random := make([]byte, 16*len(es))
	_, _ = rand.Read(random) // never fails: crypto/rand ends the process instead
	base := scalars[n-1]
	for i := range es {
		e := &es[i]
		var wide [32]byte
		copy(wide[:16], random[16*i:])
		z, zk := scalars[2*i], scalars[2*i+1]
		_, _ = z.SetCanonicalBytes(wide[:]) // below 2¹²⁸, so below the group's order
		zk.Multiply(z, &e.k)
		base.MultiplyAdd(z, &e.s, base)
		points[2*i], points[2*i+1] = &e.r, &e.a
	}
	base.Negate(base)
	points[n-1] = edwards25519.NewGeneratorPoint()
	if len(es) >= fewest {
		p, ok := sum(scalars, points)
		return ok && smallOrder(p)
	}
	var p edwards25519.Point
	return smallOrder(p.VarTimeMultiScalarMult(scalars, points))
}
