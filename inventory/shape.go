package inventory

import (
	"bytes"
	"encoding/json"
	"fmt"
)

// Bounds on the shape of what is decoded. They are far above what any report holds
// and far below what hurts: a list element costs three bytes in a message and a few
// hundred in memory.
const (
	maxDepth   = 32
	maxValues  = 40_000
	maxModules = 1024
	maxKeys    = 128
)

// checkShape refuses what no report has before the decoder walks it: deep nesting,
// very many values, and an object that says the same key twice, where one reader
// takes the first and another the last (RFC 8259, section 4).
func checkShape(b []byte) error {
	var s shape
	for i := 0; i < len(b); i++ {
		switch b[i] {
		case '"':
			end := stringEnd(b, i)
			if err := s.text(b[i:end]); err != nil {
				return err
			}
			i = end - 1
		case '{', '[':
			if err := s.open(b[i]); err != nil {
				return err
			}
		case '}', ']':
			s.close()
		case ',':
			if err := s.comma(); err != nil {
				return err
			}
		case ':':
			s.colon()
		}
	}
	return nil
}

// shape is what checkShape knows while it reads.
type shape struct {
	values int
	stack  []level
}

// level is one open object or list.
type level struct {
	object  bool
	wantKey bool
	labels  bool // keys are a person's own and may differ in case alone
	key     []byte
	keys    [][]byte
	commas  int
}

func (s *shape) top() *level {
	if len(s.stack) == 0 {
		return nil
	}
	return &s.stack[len(s.stack)-1]
}

func (s *shape) open(c byte) error {
	if len(s.stack) == maxDepth {
		return fmt.Errorf("nested deeper than %d", maxDepth)
	}
	l := level{object: c == '{', wantKey: c == '{'}
	if t := s.top(); t != nil {
		l.labels = string(t.key) == `"labels"`
	}
	// Levels are used again, with the room for keys that they have already.
	if n := len(s.stack); n < cap(s.stack) {
		l.keys = s.stack[:n+1][n].keys[:0]
	}
	s.stack = append(s.stack, l)
	return nil
}

func (s *shape) close() {
	if len(s.stack) > 0 {
		s.stack = s.stack[:len(s.stack)-1]
	}
}

func (s *shape) comma() error {
	if s.values++; s.values > maxValues {
		return fmt.Errorf("more than %d values", maxValues)
	}
	t := s.top()
	if t == nil {
		return nil
	}
	t.wantKey = t.object
	// The list of modules is the outermost one; its elements are the costly ones.
	if t.commas++; !t.object && len(s.stack) == 2 && t.commas >= maxModules {
		return fmt.Errorf("more than %d modules", maxModules)
	}
	return nil
}

func (s *shape) colon() {
	if t := s.top(); t != nil {
		t.wantKey = false
	}
}

// text takes a string with its quotes: a key where one is due.
func (s *shape) text(q []byte) error {
	t := s.top()
	if t == nil || !t.wantKey {
		return nil
	}
	key := q
	if bytes.IndexByte(q, '\\') >= 0 {
		var plain string
		if err := json.Unmarshal(q, &plain); err != nil {
			return fmt.Errorf("key %q is no string", q)
		}
		key = []byte(`"` + plain + `"`)
	}
	if len(t.keys) == maxKeys {
		return fmt.Errorf("an object of more than %d keys", maxKeys)
	}
	if !t.labels && !ascii(key) {
		return fmt.Errorf("key %q is not of ASCII", key)
	}
	for _, k := range t.keys {
		if sameKey(k, key, t.labels) {
			return fmt.Errorf("key %q stands twice in one object", key)
		}
	}
	t.key, t.keys = key, append(t.keys, key)
	return nil
}

// sameKey compares as the decoder does, to which "ID" is "id" too.
func sameKey(a, b []byte, exact bool) bool {
	if exact {
		return bytes.Equal(a, b)
	}
	return len(a) == len(b) && bytes.EqualFold(a, b)
}

// ascii: no field has another name, and the decoder takes U+212A for a "k".
func ascii(key []byte) bool {
	for _, c := range key {
		if c >= 0x80 {
			return false
		}
	}
	return true
}

// stringEnd gives the index behind the string that starts at i.
func stringEnd(b []byte, i int) int {
	for i++; i < len(b); i++ {
		switch b[i] {
		case '\\':
			i++
		case '"':
			return i + 1
		}
	}
	return len(b)
}
