package sqlstore

import (
	"cmp"
	"maps"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// search lists, in the order of gateways, the findings of gateways that have the words which no
// kind of finding has.
func (l *findingLister) search(desc bool) (store.FindingList, error) {
	at, err := store.DecodeCursor(l.name, l.page.Cursor, 3)
	if err != nil {
		return store.FindingList{}, err
	}
	from, err := findingAt(at)
	if err != nil {
		return store.FindingList{}, err
	}
	_, lacks := l.split()
	if len(lacks) == 0 {
		return store.FindingList{}, nil
	}
	var sets [][]string
	for _, set := range lacks {
		sets = append(sets, set)
	}
	k := &seeker{s: l.s, ctx: l.ctx, tx: l.tx, sets: minimal(sets)}
	turned := func(a, b *found) int {
		if desc {
			a, b = b, a
		}
		return compareFound(a, b)
	}
	gateways, whole, err := k.all()
	if err != nil {
		return store.FindingList{}, err
	}
	var items []found
	var cut string
	n := 0
	if whole {
		items, err = l.of(gateways, lacks)
		n = len(items)
	} else {
		items, cut, err = l.walk(k, lacks, from, desc)
	}
	if err != nil {
		return store.FindingList{}, err
	}
	if from != nil {
		items = slices.DeleteFunc(items, func(f found) bool { return turned(&f, from) <= 0 })
	}
	slices.SortFunc(items, func(a, b found) int { return turned(&a, &b) })
	list := l.finish(items, func(f *found) string {
		return store.EncodeCursor(l.name, f.Gateway, f.Module, strconv.FormatInt(f.kind, 10))
	})
	if list.Next == "" && cut != "" {
		list.Next = store.EncodeCursor(l.name, cut, last(desc), "0")
	}
	list.Total, list.AtLeast = n, !whole
	if !whole {
		list.Total = len(list.Items)
	}
	return list, nil
}

func compareFound(a, b *found) int {
	return cmp.Or(compare(a.Gateway, b.Gateway), compare(a.Module, b.Module), cmp.Compare(a.kind, b.kind))
}

// findingAt is the row that a cursor stands at, or nil.
func findingAt(at []string) (*found, error) {
	if at == nil {
		return nil, nil
	}
	kind, err := strconv.ParseInt(at[2], 10, 64)
	if err != nil {
		return nil, store.ErrCursor
	}
	return &found{kind: kind, Finding: store.Finding{Gateway: at[0], Module: at[1]}}, nil
}

// of gives the findings of some gateways that match.
func (l *findingLister) of(gateways []worded, lacks map[int64][]string) ([]found, error) {
	kinds := make([]string, 0, len(lacks))
	for _, no := range slices.Sorted(maps.Keys(lacks)) {
		kinds = append(kinds, strconv.FormatInt(no, 10))
	}
	words := map[string]string{}
	for _, w := range gateways {
		words[w.gateway] = w.words
	}
	var out []found
	for some := range slices.Chunk(gateways, 500) {
		in, args := inGateways(some)
		q := "SELECT f.opened, f.gateway, f.module, f.kind, f.verdict, f.report FROM findings f WHERE " +
			strings.Replace(in, "m.gateway", "f.gateway", 1) + " AND " + l.plus("f.kind") + " IN (" + strings.Join(kinds, ",") + ")"
		items, err := l.fetch(q, args)
		if err != nil {
			return nil, err
		}
		out = append(out, slices.DeleteFunc(items, func(f found) bool {
			return slices.ContainsFunc(lacks[f.kind], func(t string) bool { return !store.HasTerm(words[f.Gateway], t) })
		})...)
	}
	return out, nil
}

// walk goes along the gateways until there is a page, or it has looked at too many: cut is the
// last one then.
func (l *findingLister) walk(k *seeker, lacks map[int64][]string, from *found, desc bool) (items []found, cut string, err error) {
	r := &stretch{desc: desc}
	if from != nil {
		r.from, r.itself = from.Gateway, from.Module != last(desc) || from.kind != 0
	}
	looked := 0
	cut, err = k.along(r, walkStep, func(found []worded) (bool, error) {
		more, err := l.of(found, lacks)
		items, looked = append(items, more...), looked+len(found)
		return len(items) > l.page.Rows()+1 || looked >= l.s.d.Search.Few, err
	})
	return items, cut, err
}
