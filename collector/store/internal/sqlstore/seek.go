package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"math/rand/v2"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// How gateways are found by their words:
//
//   - a sample of the fleet shows how frequent each term is;
//   - where the rarest is rare, the index gives all gateways that have it, and the other terms
//     are looked for in those: the list is complete, and can be counted and sorted;
//   - else the table is walked in its order until the page is full. That passes over many rows
//     only where the matching ones lie far apart, and then the page ends early, with a cursor.

// seeker finds gateways that have all terms of one of its sets.
type seeker struct {
	s    *Store
	ctx  context.Context
	tx   *sql.Tx
	sets [][]string
	// also narrows them down further, in SQL about s, a row of the table search.
	also string
}

// worded is a gateway and its words.
type worded struct{ gateway, words string }

// mostSets bounds what one statement has to look for, and seekSets how often the index is asked.
const (
	mostSets = 16
	seekSets = 8
)

func (k *seeker) match(words string) bool {
	return slices.ContainsFunc(k.sets, func(set []string) bool {
		return !slices.ContainsFunc(set, func(t string) bool { return !store.HasTerm(words, t) })
	})
}

// where is the condition in SQL; it may let more pass than match.
func (k *seeker) where() (string, []any) {
	var sets []string
	var args []any
	for _, set := range k.sets {
		if len(set) == 0 || len(k.sets) > mostSets {
			sets, args = nil, nil
			break
		}
		var terms []string
		for _, t := range set {
			terms, args = append(terms, k.s.d.Search.Contains+"(s.words, ?) > 0"), append(args, " "+t)
		}
		sets = append(sets, strings.Join(terms, " AND "))
	}
	q := "1 = 1"
	if len(sets) > 0 {
		q = "(" + strings.Join(sets, " OR ") + ")"
	}
	if k.also != "" {
		q += " AND " + k.also
	}
	return q, args
}

func (k *seeker) read(q string, args []any) ([]worded, error) {
	var out []worded
	err := k.s.each(k.ctx, k.tx, q, args, func(r *sql.Rows) error {
		var w worded
		err := r.Scan(&w.gateway, &w.words)
		out = append(out, w)
		return err
	})
	return out, err
}

// all gives all that match, in order of gateway, or false where there may be too many.
func (k *seeker) all() ([]worded, bool, error) {
	var gateways int
	err := k.tx.QueryRowContext(k.ctx, k.s.sql("SELECT COALESCE((SELECT n FROM marks WHERE name = ?), 0)"), markGateways).Scan(&gateways)
	if err != nil {
		return nil, false, err
	}
	if gateways <= k.s.d.Search.Few {
		where, args := k.where()
		out, err := k.read("SELECT s.gateway, s.words FROM search s WHERE "+where+" ORDER BY s.gateway", args)
		return slices.DeleteFunc(out, func(w worded) bool { return !k.match(w.words) }), true, err
	}
	if len(k.sets) > seekSets || k.also != "" || slices.ContainsFunc(k.sets, func(set []string) bool { return len(set) == 0 }) {
		return nil, false, nil
	}
	share, err := k.shares()
	if err != nil {
		return nil, false, err
	}
	var out []worded
	for _, set := range k.sets {
		some, whole, err := k.rarest(set, func(t string) int { return share[t] * gateways / k.s.d.Search.Sample })
		if err != nil || !whole {
			return nil, false, err
		}
		out = append(out, some...)
	}
	out = slices.DeleteFunc(out, func(w worded) bool { return !k.match(w.words) })
	slices.SortFunc(out, func(a, b worded) int { return compare(a.gateway, b.gateway) })
	return slices.CompactFunc(out, func(a, b worded) bool { return a.gateway == b.gateway }), true, nil
}

// mostAsked is how many terms of a set the index is asked for.
const mostAsked = 3

// rarest gives the gateways that have the rarest term, or false where even these are too many.
func (k *seeker) rarest(set []string, about func(term string) int) ([]worded, bool, error) {
	set = slices.Clone(set)
	slices.SortStableFunc(set, func(a, b string) int { // of two equally rare ones the longer
		return cmp.Or(cmp.Compare(about(a), about(b)), cmp.Compare(len(b), len(a)))
	})
	for _, t := range set[:min(len(set), mostAsked)] {
		if about(t) > 4*k.s.d.Search.Few {
			break
		}
		if some, whole, err := k.begins(t); whole || err != nil {
			return some, whole, err
		}
	}
	return nil, false, nil
}

// begins asks the index for the gateways with a word that begins with a term, or gives false
// where they are too many.
func (k *seeker) begins(term string) ([]worded, bool, error) {
	d := &k.s.d.Search
	if d.Before != "" {
		if _, err := k.tx.ExecContext(k.ctx, d.Before); err != nil {
			return nil, false, err
		}
	}
	out, err := k.read(d.Begin, []any{d.Pattern(term), d.Few + 1})
	return out, len(out) <= d.Few, err
}

// sample is the words of some gateways, chosen by number, so that it does not matter how those
// that match lie together. It is taken anew when the fleet has grown by a tenth.
type sample struct {
	mu    sync.Mutex
	most  int64 // the largest number at the time
	words []string
}

// shares says of how many gateways of the sample each term is one.
func (k *seeker) shares() (map[string]int, error) {
	words, err := k.sampled()
	share := map[string]int{}
	for _, set := range k.sets {
		for _, t := range set {
			share[t] = 0
			for _, w := range words {
				if store.HasTerm(w, t) {
					share[t]++
				}
			}
		}
	}
	return share, err
}

func (k *seeker) sampled() ([]string, error) {
	var most sql.NullInt64
	if err := k.tx.QueryRowContext(k.ctx, "SELECT max(no) FROM search").Scan(&most); err != nil {
		return nil, err
	}
	s := &k.s.sample
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.words != nil && most.Int64 >= s.most && most.Int64-s.most <= s.most/10 {
		return s.words, nil
	}
	// Not at even distances, which labels may have, too; but always the same ones.
	random := rand.New(rand.NewPCG(1, 2))
	var nos []string
	for range k.s.d.Search.Sample {
		nos = append(nos, strconv.FormatInt(1+random.Int64N(max(1, most.Int64)), 10))
	}
	rows, err := k.read("SELECT gateway, words FROM search WHERE no IN ("+strings.Join(nos, ",")+")", nil)
	if err != nil {
		return nil, err
	}
	s.most, s.words = most.Int64, make([]string, len(rows))
	for i := range rows {
		s.words[i] = rows[i].words
	}
	return s.words, nil
}

// stretch is a part of the table, in its order or turned round: from a gateway on, itself or
// behind it, up to and with another one. "" is no bound.
type stretch struct {
	from   string
	itself bool
	desc   bool
	to     string
}

func (r *stretch) where() (q string, args []any, dir string) {
	beyond, within := ">", "<="
	if r.desc {
		beyond, within, dir = "<", ">=", " DESC"
	}
	if r.itself {
		beyond += "="
	}
	q = "1 = 1"
	if r.from != "" {
		q, args = "s.gateway "+beyond+" ?", append(args, r.from)
	}
	if r.to != "" {
		q, args = q+" AND s.gateway "+within+" ?", append(args, r.to)
	}
	return q, args, dir
}

// windows are the parts in which a walk for one page looks at rows: most are full after the first.
func (d *Search) windows() []int { return []int{max(1, d.Walk/40), max(1, d.Walk/8), d.Walk} }

// bound ends a stretch after some rows, so that no walk is longer.
func (k *seeker) bound(r *stretch, rows int) error {
	r.to = ""
	where, args, dir := r.where()
	last, err := k.read("SELECT s.gateway, '' FROM search s WHERE "+where+" ORDER BY s.gateway"+dir+" LIMIT 1 OFFSET ?", append(args, rows-1))
	if len(last) > 0 {
		r.to = last[0].gateway
	}
	return err
}

// along walks in windows until take has enough. take gets those that match in order; end is the
// last gateway that was looked at, and "" where nothing is left.
func (k *seeker) along(r *stretch, step int, take func([]worded) (enough bool, err error)) (end string, err error) {
	for _, rows := range k.s.d.Search.windows() {
		if err := k.bound(r, rows); err != nil {
			return "", err
		}
		for {
			found, last, err := k.walk(r, step)
			if err != nil {
				return "", err
			}
			end = cmp.Or(last, r.to)
			enough, err := take(found)
			if err != nil || enough {
				return end, err
			}
			if last == "" {
				break
			}
			r.from, r.itself = last, false
		}
		if r.to == "" {
			return "", nil
		}
		r.from, r.itself = r.to, false
	}
	return end, nil
}

// walk gives the first that match in a stretch, in order. It goes on behind last, which is "" where
// nothing is left.
func (k *seeker) walk(r *stretch, limit int) (found []worded, last string, err error) {
	start, args, dir := r.where()
	where, more := k.where()
	q := "SELECT s.gateway, s.words FROM search s WHERE " + start + " AND " + where + " ORDER BY s.gateway" + dir + " LIMIT ?"
	found, err = k.read(q, append(append(args, more...), limit))
	if len(found) == limit {
		last = found[limit-1].gateway
	}
	return slices.DeleteFunc(found, func(w worded) bool { return !k.match(w.words) }), last, err
}

// minimal leaves out the sets that hold all of another one: what has their terms has its, too.
func minimal(sets [][]string) [][]string {
	slices.SortFunc(sets, func(a, b []string) int {
		if len(a) != len(b) {
			return len(a) - len(b)
		}
		return slices.Compare(a, b)
	})
	var out [][]string
	for _, set := range sets {
		holds := func(small []string) bool {
			return !slices.ContainsFunc(small, func(t string) bool { return !slices.Contains(set, t) })
		}
		if !slices.ContainsFunc(out, holds) {
			out = append(out, set)
		}
	}
	return out
}
