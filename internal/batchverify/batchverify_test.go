package batchverify_test

import (
	"bytes"
	"crypto/ed25519"
	"crypto/sha512"
	"encoding/hex"
	"math/rand/v2"
	"strconv"
	"testing"

	"filippo.io/edwards25519"

	"github.com/rollcall-iot/rollcall/internal/batchverify"
)

// maker makes claims of every kind from a seed.
type maker struct{ *rand.Rand }

func newMaker(seed uint64) maker { return maker{rand.New(rand.NewPCG(seed, 25519))} }

func (m maker) bytes(n int) []byte {
	b := make([]byte, n)
	for i := range b {
		b[i] = byte(m.Uint32())
	}
	return b
}

func (m maker) scalar() *edwards25519.Scalar {
	s, err := edwards25519.NewScalar().SetUniformBytes(m.bytes(64))
	if err != nil {
		panic(err)
	}
	return s
}

// torsion gives one of the seven points of small order other than the identity.
func (m maker) torsion() *edwards25519.Point {
	p, err := edwards25519.NewIdentityPoint().SetBytes(fromHex("c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a"))
	if err != nil {
		panic(err)
	}
	t := edwards25519.NewIdentityPoint()
	for range 1 + m.IntN(7) {
		t.Add(t, p)
	}
	return t
}

func fromHex(s string) []byte {
	b, err := hex.DecodeString(s)
	if err != nil {
		panic(err)
	}
	return b
}

// honest is what an agent sends.
func (m maker) honest() batchverify.Claim {
	key := ed25519.NewKeyFromSeed(m.bytes(32))
	c := batchverify.Claim{Key: key.Public().(ed25519.PublicKey), Prefix: []byte("rollcall report v1\x00"), Message: m.bytes(m.IntN(200))}
	c.Signature = ed25519.Sign(key, signed(c))
	return c
}

func signed(c batchverify.Claim) []byte { return append(bytes.Clone(c.Prefix), c.Message...) }

// odd is signed by who knows the private key and chooses what is added to A and R.
func (m maker) odd(addA, addR *edwards25519.Point) batchverify.Claim {
	a, r := m.scalar(), m.scalar()
	return m.sign(a, r, new(edwards25519.Point).Add(new(edwards25519.Point).ScalarBaseMult(a), addA).Bytes(),
		new(edwards25519.Point).Add(new(edwards25519.Point).ScalarBaseMult(r), addR).Bytes())
}

func (m maker) sign(a, r *edwards25519.Scalar, key, point []byte) batchverify.Claim {
	c := batchverify.Claim{Key: key, Message: m.bytes(30)}
	h := sha512.New()
	h.Write(point)
	h.Write(key)
	h.Write(c.Message)
	k, err := edwards25519.NewScalar().SetUniformBytes(h.Sum(nil))
	if err != nil {
		panic(err)
	}
	c.Signature = append(bytes.Clone(point), edwards25519.NewScalar().MultiplyAdd(k, a, r).Bytes()...)
	return c
}

var (
	zero     = edwards25519.NewScalar()
	identity = edwards25519.NewIdentityPoint()
	// order is that of the group, little endian.
	order = fromHex("edd3f55c1a631258d69cf7a2def9de1400000000000000000000000000000010")
)

// plusOrder adds the group's order to S: the same number to the equation, another to RFC 8032.
func plusOrder(sig []byte) []byte {
	out := bytes.Clone(sig)
	carry := 0
	for i := range order {
		carry += int(out[32+i]) + int(order[i])
		out[32+i], carry = byte(carry), carry>>8
	}
	return out
}

// otherEncodings are points that RFC 8032 writes differently: y = p, y = p+1, and 1 and -1 with a sign.
func otherEncodings() [][]byte {
	return [][]byte{
		fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		fromHex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff7f"),
		fromHex("edffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
		fromHex("eeffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
		fromHex("0100000000000000000000000000000000000000000000000000000000000080"),
		fromHex("ecffffffffffffffffffffffffffffffffffffffffffffffffffffffffffffff"),
	}
}

// kinds are claims and what has to be said of them.
var kinds = []struct {
	name string
	good bool
	make func(m maker) batchverify.Claim
}{
	{"honest", true, maker.honest},
	{"key and R of mixed order", true, func(m maker) batchverify.Claim { return m.odd(m.torsion(), m.torsion()) }},
	{"key of mixed order", true, func(m maker) batchverify.Claim { return m.odd(m.torsion(), identity) }},
	{"R of mixed order", true, func(m maker) batchverify.Claim { return m.odd(identity, m.torsion()) }},
	{"R of small order", true, func(m maker) batchverify.Claim {
		a := m.scalar()
		return m.sign(a, zero, new(edwards25519.Point).ScalarBaseMult(a).Bytes(), m.torsion().Bytes())
	}},
	{"key of small order", false, func(m maker) batchverify.Claim {
		r := m.scalar()
		return m.sign(zero, r, m.torsion().Bytes(), new(edwards25519.Point).ScalarBaseMult(r).Bytes())
	}},
	{"key and R of small order", false, func(m maker) batchverify.Claim { return m.sign(zero, zero, m.torsion().Bytes(), m.torsion().Bytes()) }},
	{"key is the identity", false, func(m maker) batchverify.Claim { return m.sign(zero, zero, identity.Bytes(), identity.Bytes()) }},
	{"R in another encoding", false, func(m maker) batchverify.Claim {
		a, es := m.scalar(), otherEncodings()
		return m.sign(a, zero, new(edwards25519.Point).ScalarBaseMult(a).Bytes(), es[m.IntN(len(es))])
	}},
	{"key in another encoding", false, func(m maker) batchverify.Claim {
		r, es := m.scalar(), otherEncodings()
		return m.sign(zero, r, es[m.IntN(len(es))], new(edwards25519.Point).ScalarBaseMult(r).Bytes())
	}},
	{"S over the order", false, func(m maker) batchverify.Claim { c := m.honest(); c.Signature = plusOrder(c.Signature); return c }},
	{"S changed", false, func(m maker) batchverify.Claim {
		c := m.honest()
		c.Signature[32+m.IntN(31)] ^= 1 << m.IntN(8)
		return c
	}},
	{"R changed", false, func(m maker) batchverify.Claim { c := m.honest(); c.Signature[m.IntN(32)] ^= 1 << m.IntN(8); return c }},
	{"key changed", false, func(m maker) batchverify.Claim { c := m.honest(); c.Key[m.IntN(32)] ^= 1 << m.IntN(8); return c }},
	{"message changed", false, func(m maker) batchverify.Claim { c := m.honest(); c.Message = append(c.Message, 0); return c }},
	{"purpose changed", false, func(m maker) batchverify.Claim {
		c := m.honest()
		c.Prefix = []byte("rollcall heartbeat v1\x00")
		return c
	}},
	{"somebody else's key", false, func(m maker) batchverify.Claim { c := m.honest(); c.Key = m.honest().Key; return c }},
	{"no key", false, func(m maker) batchverify.Claim { c := m.honest(); c.Key = nil; return c }},
	{"signature cut", false, func(m maker) batchverify.Claim { c := m.honest(); c.Signature = c.Signature[:m.IntN(64)]; return c }},
	{"empty", false, func(maker) batchverify.Claim { return batchverify.Claim{} }},
}

func TestEachKindAloneAndInCompany(t *testing.T) {
	for i, kind := range kinds {
		t.Run(kind.name, func(t *testing.T) {
			for n := range 40 {
				m := newMaker(uint64(1000*i + n))
				c := kind.make(m)
				if got := batchverify.One(c); got != kind.good {
					t.Fatalf("alone it is %v, want %v: %+v", got, kind.good, c)
				}
				if got := batchverify.Verify([]batchverify.Claim{m.honest(), c, m.honest()}); got[1] != kind.good || !got[0] || !got[2] {
					t.Fatalf("in company: %v, want the middle one %v and the others good", got, kind.good)
				}
			}
		})
	}
}

// Whatever stands beside a claim, the judgement is the one that it gets alone.
func TestBatchAgreesWithSingle(t *testing.T) {
	for seed := range uint64(60) {
		checkMix(t, seed, 1+int(seed*7%90), int(seed%4))
	}
	checkMix(t, 99, 600, 0) // more than one equation takes
}

// checkMix mixes n claims of which 1 in 2^rare is of another kind than honest.
func checkMix(t *testing.T, seed uint64, n, rare int) {
	t.Helper()
	m := newMaker(seed)
	claims, want := make([]batchverify.Claim, n), make([]bool, n)
	for i := range claims {
		kind := kinds[0]
		if m.IntN(1<<rare) == 0 {
			kind = kinds[m.IntN(len(kinds))]
		}
		claims[i], want[i] = kind.make(m), kind.good
	}
	var keys batchverify.Keys
	got, again := keys.Verify(claims), keys.Verify(claims) // by keys that are remembered by then
	for i, c := range claims {
		if one := batchverify.One(c); got[i] != one || again[i] != one || one != want[i] {
			t.Errorf("seed %d, claim %d of %d: %v in the batch, %v alone, want %v", seed, i, n, got[i], one, want[i])
		}
	}
}

// Two bad signatures whose faults cancel out pass a plain sum, and must not pass here.
func TestFaultsDoNotCancel(t *testing.T) {
	for seed := range uint64(20) {
		m := newMaker(seed)
		a, b := m.honest(), m.honest()
		fault := m.scalar()
		shift := func(c *batchverify.Claim, by *edwards25519.Scalar) {
			s, err := edwards25519.NewScalar().SetCanonicalBytes(c.Signature[32:])
			if err != nil {
				t.Fatal(err)
			}
			copy(c.Signature[32:], s.Add(s, by).Bytes())
		}
		shift(&a, fault)
		shift(&b, edwards25519.NewScalar().Negate(fault))
		if got := batchverify.Verify([]batchverify.Claim{a, m.honest(), b}); got[0] || !got[1] || got[2] {
			t.Fatalf("seed %d: %v, want only the middle one good", seed, got)
		}
	}
}

func TestNothing(t *testing.T) {
	if got := batchverify.Verify(nil); len(got) != 0 {
		t.Errorf("Verify(nil) = %v", got)
	}
}

// usual says whether a key is one that RFC 8032 decodes and that is not of small order.
func usual(key []byte) bool {
	p, err := new(edwards25519.Point).SetBytes(key)
	return err == nil && bytes.Equal(p.Bytes(), key) && new(edwards25519.Point).MultByCofactor(p).Equal(identity) == 0
}

// What the standard library accepts is accepted, and company changes nothing.
func FuzzVerify(f *testing.F) {
	m := newMaker(7)
	for _, kind := range kinds {
		c := kind.make(m)
		f.Add(c.Key, c.Message, c.Signature, uint64(1))
	}
	f.Fuzz(func(t *testing.T, key, message, signature []byte, seed uint64) {
		c := batchverify.Claim{Key: key, Message: message, Signature: signature}
		m := newMaker(seed)
		alone := batchverify.One(c)
		claims := []batchverify.Claim{m.honest(), kinds[m.IntN(len(kinds))].make(m), c, m.honest()}
		if got := batchverify.Verify(claims); got[2] != alone || !got[0] || !got[3] {
			t.Fatalf("alone %v, in company %v", alone, got)
		}
		if len(key) == ed25519.PublicKeySize && ed25519.Verify(key, message, signature) && usual(key) && !alone {
			t.Fatalf("the standard library accepts what is refused here")
		}
	})
}

// What a gateway sends, judged as many at a time as the name says; std is crypto/ed25519. Keys are known.
func BenchmarkVerify(b *testing.B) {
	m := newMaker(1)
	var keys batchverify.Keys
	claims := make([]batchverify.Claim, 1024)
	for i := range claims {
		claims[i] = m.honest()
	}
	b.Run("std", func(b *testing.B) {
		for i := range b.N {
			c := claims[i%len(claims)]
			if !ed25519.Verify(c.Key, signed(c), c.Signature) {
				b.Fatal("a good signature was refused")
			}
		}
	})
	for _, n := range []int{1, 8, 32, 128, 256, 1024} {
		b.Run(strconv.Itoa(n), func(b *testing.B) {
			b.ReportAllocs()
			for i := 0; i < b.N; i += n {
				for _, good := range keys.Verify(claims[:n]) {
					if !good {
						b.Fatal("a good signature was refused")
					}
				}
			}
		})
	}
	bad := bytes.Clone(claims[5].Signature)
	bad[40]++
	for _, n := range []int{1, 16, 256} {
		spoilt := append([]batchverify.Claim{}, claims[:256]...)
		for i := 0; i < 256; i += 256 / n {
			spoilt[i].Signature = bad
		}
		b.Run("bad-"+strconv.Itoa(n)+"-of-256", func(b *testing.B) {
			for i := 0; i < b.N; i += 256 {
				batchverify.Verify(spoilt)
			}
		})
	}
}
