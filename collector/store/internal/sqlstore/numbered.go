package sqlstore

import (
	"fmt"
	"slices"
	"strings"
	"sync"
)

// numbered remembers what numbers stand for. Each is a hash of it, so it stands for nothing else
// ever, and modules and findings can be loaded without the texts that thousands of them share.
type numbered[T any] struct {
	mu sync.RWMutex
	by map[int64]T
}

const (
	// mostNumbered bounds what is remembered, of some hundred bytes each.
	mostNumbered = 4096
	// numbersAtOnce are asked for together.
	numbersAtOnce = 16
)

// of gives what the numbers stand for. q finds those that are not remembered, by {in}, and scan
// reads one.
func (n *numbered[T]) of(t *tx, q string, nos []int64, scan func(Row) (int64, T, error)) (map[int64]T, error) {
	out := map[int64]T{}
	var missing []any
	n.mu.RLock()
	for _, no := range nos {
		if _, done := out[no]; done {
			continue
		}
		v, ok := n.by[no]
		if out[no] = v; !ok {
			missing = append(missing, no)
		}
	}
	n.mu.RUnlock()
	q = strings.Replace(q, "{in}", "IN ("+strings.Repeat("?, ", numbersAtOnce-1)+"?)", 1)
	found := 0
	for some := range slices.Chunk(missing, numbersAtOnce) {
		params := slices.Clone(some)
		for len(params) < numbersAtOnce { // so that there is one statement
			params = append(params, some[0])
		}
		err := t.w.query(t.ctx, q, params, func(r Row) error {
			no, v, err := scan(r)
			if err == nil {
				out[no] = v
				found++
				n.put(no, v)
			}
			return err
		})
		if err != nil {
			return nil, err
		}
	}
	if found < len(missing) {
		return nil, fmt.Errorf("%d of %d numbers stand for nothing: the store is damaged", len(missing)-found, len(missing))
	}
	return out, nil
}

func (n *numbered[T]) put(no int64, v T) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.by == nil || len(n.by) >= mostNumbered {
		n.by = map[int64]T{}
	}
	n.by[no] = v
}
