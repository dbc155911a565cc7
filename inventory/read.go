package inventory

import (
	"encoding/base64"
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// reader reads what Encode writes, several times as fast as the general decoder: keys in the order
// of the schema, no blanks, no null. It gives up on all else, also on what is good JSON, and
// then the general decoder decides. Whatever it does not give up on it reads as that one does.
//
// Its texts are parts of one copy of the message: who keeps one for long clones it.
type reader struct {
	s     string
	at    int
	comma bool // one is due before the next key or element
	bad   bool // given up
}

// readCanonical fills v by read. False: the general decoder has to look, and v is of no use.
// No message that is shorter than maxValues has more values than that.
func readCanonical[T any](b []byte, v *T, read func(*reader, *T)) bool {
	if len(b) > maxValues {
		return false
	}
	r := &reader{s: string(b)}
	read(r, v)
	return !r.bad && r.at == len(r.s)
}

// take moves past c, if it is next.
func (r *reader) take(c byte) bool {
	if r.at < len(r.s) && r.s[r.at] == c {
		r.at++
		return true
	}
	return false
}

func (r *reader) open(c byte) {
	r.bad = !r.take(c) || r.bad
	r.comma = false
}

func (r *reader) close(c byte) {
	r.bad = !r.take(c) || r.bad
	r.comma = true
}

// key says whether the key, given as `"name":`, is next, and moves past it.
func (r *reader) key(k string) bool {
	at := r.at
	if r.bad {
		return false
	}
	if r.comma {
		if at == len(r.s) || r.s[at] != ',' {
			return false
		}
		at++
	}
	if !strings.HasPrefix(r.s[at:], k) {
		return false
	}
	r.at, r.comma = at+len(k), true
	return true
}

// literal gives the string that is next with its quotes, and whether it stands for itself.
func (r *reader) literal() (q string, plain bool) {
	from := r.at
	if !r.take('"') {
		r.bad = true
		return `""`, true
	}
	plain = true
	for ; r.at < len(r.s); r.at++ {
		switch c := r.s[r.at]; {
		case c == '"':
			r.at++
			return r.s[from:r.at], plain
		case c == '\\':
			plain = false
			r.at++
		case c < ' ' || c >= 0x80:
			plain = false
		}
	}
	r.at, r.bad = len(r.s), true // behind a last backslash it would be further
	return `""`, true
}

// text gives the string that is next.
func (r *reader) text() string {
	q, plain := r.literal()
	if plain {
		return q[1 : len(q)-1]
	}
	var s string
	if json.Unmarshal([]byte(q), &s) != nil {
		r.bad = true
	}
	return s
}

func readText[S ~string](r *reader, k string, to *S) {
	if r.key(k) {
		*to = S(r.text())
	}
}

func (r *reader) element(to *string) { *to = r.text() }

// readBool reads true or false.
func (r *reader) readBool(k string, to *bool) {
	if !r.key(k) {
		return
	}
	switch rest := r.s[r.at:]; {
	case strings.HasPrefix(rest, "true"):
		*to = true
		r.at += len("true")
	case strings.HasPrefix(rest, "false"):
		r.at += len("false")
	default:
		r.bad = true
	}
}

// number gives the digits that are next, with one dot among them where fraction.
func (r *reader) number(fraction bool) string {
	from, dot := r.at, -1
	for ; r.at < len(r.s); r.at++ {
		if c := r.s[r.at]; c == '.' && fraction && dot < 0 {
			dot = r.at
		} else if c < '0' || c > '9' {
			break
		}
	}
	n := r.s[from:r.at]
	whole := n
	if dot >= 0 {
		whole = n[:dot-from]
	}
	if whole == "" || len(whole) > 1 && whole[0] == '0' || dot == r.at-1 {
		r.bad = true
	}
	return n
}

func (r *reader) readUint(k string, to *uint64) {
	if r.key(k) {
		n, err := strconv.ParseUint(r.number(false), 10, 64)
		*to, r.bad = n, r.bad || err != nil
	}
}

func readInt[I int | int64](r *reader, k string, to *I) {
	if r.key(k) {
		n, err := strconv.ParseInt(r.number(false), 10, strconv.IntSize)
		*to, r.bad = I(n), r.bad || err != nil
	}
}

func (r *reader) readFloat(k string, to *float64) {
	if r.key(k) {
		n, err := strconv.ParseFloat(r.number(true), 64)
		*to, r.bad = n, r.bad || err != nil
	}
}

func (r *reader) readTime(k string, to *time.Time) {
	if r.key(k) {
		q, plain := r.literal()
		r.bad = r.bad || !plain || to.UnmarshalJSON([]byte(q)) != nil
	}
}

func (r *reader) readBytes(k string, to *[]byte) {
	if r.key(k) {
		q, plain := r.literal()
		b, err := base64.StdEncoding.DecodeString(q[1 : len(q)-1])
		*to, r.bad = b, r.bad || !plain || err != nil
	}
}

// readList reads the list at k, of at most maxModules elements.
func readList[T any](r *reader, k string, to *[]T, one func(*reader, *T)) {
	if !r.key(k) {
		return
	}
	r.open('[')
	out := make([]T, 0, 4)
	for !r.bad && !r.take(']') {
		if len(out) == maxModules || len(out) > 0 && !r.take(',') {
			r.bad = true
		}
		out = append(out, *new(T))
		one(r, &out[len(out)-1])
	}
	*to, r.comma = out, true
}

// readObject reads the object at k into a new T.
func readObject[T any](r *reader, k string, to **T, one func(*reader, *T)) {
	if r.key(k) {
		*to = new(T)
		one(r, *to)
	}
}
