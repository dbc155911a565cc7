package batchverify

import (
	"filippo.io/edwards25519"
	"filippo.io/edwards25519/field"
)

// sum adds up multiples of many points by the bucket method (Pippenger; as in Bernstein, Doumen, Lange,
// Oosterwijk: "Faster Batch Forgery Identification", 2012, section 3): the numbers are written in signed
// digits, all points that have one digit in one place are added up, and these sums then count as often as
// their digit says. For some hundred points that takes fewer additions than a table for each of them, and
// what it works on stays in the processor's nearest cache. False: the result is no point of the curve.
func sum(numbers []*edwards25519.Scalar, points []*edwards25519.Point) (*edwards25519.Point, bool) {
	s := newSummer(numbers, points)
	total, part := edwards25519.NewIdentityPoint(), new(edwards25519.Point)
	for place := s.places - 1; place >= 0; place-- {
		for range s.width {
			total.Double(total)
		}
		p := s.at(place)
		if _, err := part.SetExtendedCoordinates(&p.x, &p.y, &p.z, &p.t); err != nil {
			return nil, false
		}
		total.Add(total, part)
	}
	return total, true
}

// summer is a sum on its way.
type summer struct {
	twoD    field.Element // twice the d of the curve's equation
	width   int           // bits of a digit
	places  int           // of the longest number
	terms   []term
	digits  []int16    // those of the lowest place first, each place in the order of terms
	buckets []extended // by digit, from 1 on
}

// term is a point of which z is 1, as additions need it.
type term struct{ plus, minus, product field.Element } // y+x, y-x, 2·d·x·y

// extended is a point as (x:y:z:t), where x·y = z·t (RFC 8032, section 5.1.4).
type extended struct{ x, y, z, t field.Element }

// d is that of the curve's equation (RFC 8032, section 5.1), little endian.
const d = "\xa3\x78\x59\x13\xca\x4d\xeb\x75\xab\xd8\x41\x41\x4d\x0a\x70\x00\x98\xe8\x79\x77\x79\x40\xc7\x8c\x73\xfe\x6f\x2b\xee\x6c\x03\x52"

func newSummer(numbers []*edwards25519.Scalar, points []*edwards25519.Point) *summer {
	s := &summer{width: widthFor(len(points)), terms: make([]term, len(points))}
	s.places = 253/s.width + 1
	s.digits, s.buckets = make([]int16, s.places*len(points)), make([]extended, 1<<(s.width-1))
	_, _ = s.twoD.SetBytes([]byte(d)) // has the length of one
	s.twoD.Add(&s.twoD, &s.twoD)
	for i, p := range points {
		x, y, _, xy := p.ExtendedCoordinates()
		t := &s.terms[i]
		t.plus.Add(y, x)
		t.minus.Subtract(y, x)
		t.product.Multiply(xy, &s.twoD)
		s.write(i, numbers[i].Bytes())
	}
	return s
}

// widthFor gives the bits of a digit for which n points take the fewest additions: one for each point
// and two for each bucket in each place.
func widthFor(n int) int {
	best, least := 0, 0
	for width := 4; width <= 12; width++ {
		if cost := (253/width + 1) * (n + 2<<(width-1)); best == 0 || cost < least {
			best, least = width, cost
		}
	}
	return best
}

// write takes apart the number of a term.
func (s *summer) write(term int, number []byte) {
	half := int16(1) << (s.width - 1)
	var carry int16
	for place := range s.places {
		digit := carry
		for bit := range s.width {
			at := place*s.width + bit
			if at < 8*len(number) {
				digit += int16(number[at/8]>>(at%8)&1) << bit
			}
		}
		carry = 0
		if digit > half {
			digit, carry = digit-2*half, 1
		}
		s.digits[place*len(s.terms)+term] = digit
	}
}

// at adds up what the digits of one place stand for.
func (s *summer) at(place int) *extended {
	for i := range s.buckets {
		s.buckets[i].identity()
	}
	for i, digit := range s.digits[place*len(s.terms):][:len(s.terms)] {
		switch {
		case digit > 0:
			s.buckets[digit-1].add(&s.terms[i])
		case digit < 0:
			s.buckets[-digit-1].subtract(&s.terms[i])
		}
	}
	var higher, total extended // higher: of this digit and those above it
	higher.identity()
	total.identity()
	for i := len(s.buckets) - 1; i >= 0; i-- {
		s.both(&higher, &s.buckets[i])
		s.both(&total, &higher)
	}
	return &total
}

func (p *extended) identity() {
	p.x.Zero()
	p.y.One()
	p.z.One()
	p.t.Zero()
}

// add adds q to p, as Hisil, Wong, Carter, Dawson: "Twisted Edwards Curves Revisited", 2008, section 3.1.
// It is good for any two points of this curve.
func (p *extended) add(q *term) {
	var a, b, c, d, t field.Element
	a.Multiply(t.Subtract(&p.y, &p.x), &q.minus)
	b.Multiply(t.Add(&p.y, &p.x), &q.plus)
	c.Multiply(&p.t, &q.product)
	d.Add(&p.z, &p.z)
	p.set(&a, &b, t.Subtract(&d, &c), d.Add(&d, &c))
}

// subtract adds -q, of which x and t have the other sign.
func (p *extended) subtract(q *term) {
	var a, b, c, d, t field.Element
	a.Multiply(t.Subtract(&p.y, &p.x), &q.plus)
	b.Multiply(t.Add(&p.y, &p.x), &q.minus)
	c.Multiply(&p.t, &q.product)
	d.Add(&p.z, &p.z)
	p.set(&a, &b, t.Add(&d, &c), d.Subtract(&d, &c))
}

// both adds q to p.
func (s *summer) both(p, q *extended) {
	var a, b, c, d, t, u field.Element
	a.Multiply(t.Subtract(&p.y, &p.x), u.Subtract(&q.y, &q.x))
	b.Multiply(t.Add(&p.y, &p.x), u.Add(&q.y, &q.x))
	c.Multiply(c.Multiply(&p.t, &q.t), &s.twoD)
	d.Multiply(&p.z, &q.z)
	d.Add(&d, &d)
	p.set(&a, &b, t.Subtract(&d, &c), d.Add(&d, &c))
}

func (p *extended) set(a, b, f, g *field.Element) {
	var e, h field.Element
	e.Subtract(b, a)
	h.Add(b, a)
	p.x.Multiply(&e, f)
	p.y.Multiply(g, &h)
	p.t.Multiply(&e, &h)
	p.z.Multiply(f, g)
}
