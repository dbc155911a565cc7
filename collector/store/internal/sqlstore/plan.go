package sqlstore

import (
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// How a page in the order of gateways is made of cohorts:
//
//   - few cohorts: the index (cohort, gateway, id) has each in order; the database merges them
//     and stops when the page is full;
//   - many cohorts that are a fair share of the fleet: walk (gateway, id) and pass over the
//     others, of which there are few between two that match;
//   - many cohorts that are a small share: read them all and sort.
const (
	mergeMost = 100
	fairShare = 50 // one in
)

// arm is one sorted part of a page: a WHERE, and whether it must sort for itself.
type arm struct {
	where string
	args  []any
	sort  bool
}

// byGateway lists in the order of gateway and id.
func (l *lister) byGateway() (store.ModuleList, error) {
	name := "modules/gateway"
	if l.desc {
		name = "modules/-gateway"
	}
	at, err := store.DecodeCursor(name, l.page.Cursor, 2)
	if err != nil {
		return store.ModuleList{}, err
	}
	whole, begin := l.split()
	arms := l.arms(whole, nil)
	if begin != nil {
		where, few := l.in(begin)
		arms = append(arms, arm{where: where + beginning, args: []any{l.f.Query, after(l.f.Query)}, sort: few})
	}
	total, atLeast, err := l.total(whole, begin)
	if err != nil || len(arms) == 0 {
		return store.ModuleList{Total: total}, err
	}
	q, args := l.union(arms, at)
	items, err := l.fetch(q, args)
	list := l.finish(items, func(m *store.Module) string { return store.EncodeCursor(name, m.Gateway, m.ID) })
	list.Total, list.AtLeast = total, atLeast
	return list, err
}

// arms gives the parts that hold all modules of the cohorts.
func (l *lister) arms(cs []*store.Cohort, arms []arm) []arm {
	modules := 0
	for _, c := range cs {
		modules += c.Modules
	}
	switch {
	case len(cs) == 0:
		return arms
	case modules == l.cohorts.total:
		return append(arms, arm{where: "1 = 1"})
	case len(cs) <= mergeMost:
		for _, c := range cs {
			arms = append(arms, arm{where: "m.cohort = " + strconv.FormatInt(c.Number(), 10)})
		}
		return arms
	case modules*fairShare >= l.cohorts.total:
		return append(arms, arm{where: "+m.cohort IN (" + list(cs) + ")"})
	default:
		return append(arms, arm{where: "m.cohort IN (" + list(cs) + ")", sort: true})
	}
}

func list(cs []*store.Cohort) string {
	if len(cs) == 0 {
		return "-1" // no cohort has this number
	}
	var b strings.Builder
	for i, c := range cs {
		if i > 0 {
			b.WriteByte(',')
		}
		b.WriteString(strconv.FormatInt(c.Number(), 10))
	}
	return b.String()
}

// beginning chooses by the beginning of the gateway's id.
const beginning = " AND m.gateway >= ? AND m.gateway < ?"

// total counts what matches: exactly from the cohorts, row by row only for the beginnings of ids.
func (l *lister) total(whole, begin []*store.Cohort) (int, bool, error) {
	n := 0
	for _, c := range whole {
		n += c.Modules
	}
	if begin == nil {
		return n, false, nil
	}
	where, _ := l.in(begin)
	rows, more, err := l.count(where+beginning, []any{l.f.Query, after(l.f.Query)})
	return n + rows, more, err
}

// union merges the parts behind the cursor into one page.
func (l *lister) union(arms []arm, at []string) (string, []any) {
	dir, beyond := "", ">"
	if l.desc {
		dir, beyond = " DESC", "<"
	}
	var parts []string
	var args []any
	for _, a := range arms {
		q := "SELECT " + moduleColumns + " FROM modules m WHERE " + a.where
		args = append(args, a.args...)
		if at != nil {
			q, args = l.goOn(q, args, at, beyond)
		}
		switch {
		case len(arms) == 1 && !a.sort:
			q += " ORDER BY m.gateway" + dir + ", m.id" + dir + " LIMIT ?"
			args = append(args, l.page.Rows()+1)
		case a.sort: // expressions, so that no index in that order tempts the planner
			q = "SELECT * FROM (" + q + " ORDER BY m.gateway || ''" + dir + ", m.id || ''" + dir + " LIMIT ?) AS sorted"
			args = append(args, l.page.Rows()+1)
		}
		parts = append(parts, q)
	}
	if len(parts) == 1 {
		return parts[0], args
	}
	return strings.Join(parts, " UNION ALL ") + " ORDER BY 1" + dir + ", 2" + dir + " LIMIT ?", append(args, l.page.Rows()+1)
}

// goOn begins a part behind the cursor. Where it has a lower bound already, the tighter of
// the two stays: the database would use the looser one.
func (l *lister) goOn(q string, args []any, at []string, beyond string) (string, []any) {
	if strings.Contains(q, beginning) && beyond == ">" {
		if at[0] < l.f.Query {
			return q, args
		}
		q = strings.Replace(q, "m.gateway >= ?", "(m.gateway, m.id) > (?, ?)", 1)
		n := len(args)
		return q, append(args[:n-2:n-2], at[0], at[1], args[n-1])
	}
	return q + " AND (m.gateway, m.id) " + beyond + " (?, ?)", append(args, at[0], at[1])
}

// byFacet walks the cohorts in their order until the page is full.
func (l *lister) byFacet() (store.ModuleList, error) {
	name := "modules/" + l.page.Sort
	at, err := store.DecodeCursor(name, l.page.Cursor, 3)
	if err != nil {
		return store.ModuleList{}, err
	}
	whole, begin := l.split()
	total, atLeast, err := l.total(whole, begin)
	if err != nil {
		return store.ModuleList{}, err
	}
	order, err := l.ordered(append(slices.Clone(whole), begin...), at)
	if err != nil {
		return store.ModuleList{}, err
	}
	var items []store.Module
	for i, c := range order {
		if i > 0 {
			at = nil // the cursor stands in the first
		}
		more, err := l.within(c, slices.Contains(begin, c), at, l.page.Rows()+1-len(items))
		if err != nil {
			return store.ModuleList{}, err
		}
		if items = append(items, more...); len(items) > l.page.Rows() {
			break
		}
	}
	result := l.finish(items, func(m *store.Module) string {
		f := m.Facets()
		return store.EncodeCursor(name, strconv.FormatInt(f.Number(), 10), m.Gateway, m.ID)
	})
	result.Total, result.AtLeast = total, atLeast
	return result, nil
}

// ordered sorts the cohorts and leaves out those before the cursor's.
func (l *lister) ordered(cs []*store.Cohort, at []string) ([]*store.Cohort, error) {
	cmp := store.CompareCohorts(l.sort)
	turn := func(a, b *store.Cohort) int { return cmp(*a, *b) }
	if l.desc {
		turn = func(a, b *store.Cohort) int { return cmp(*b, *a) }
	}
	slices.SortFunc(cs, turn)
	if at == nil {
		return cs, nil
	}
	no, err := strconv.ParseInt(at[0], 10, 64)
	here := l.cohorts.by[no]
	if err != nil || here == nil {
		return nil, store.ErrCursor
	}
	if !slices.Contains(cs, here) { // its last module went meanwhile: go on behind it
		cs = append(cs, here)
		slices.SortFunc(cs, turn)
	}
	return cs[slices.Index(cs, here):], nil
}

// within lists one cohort in the order of gateways.
func (l *lister) within(c *store.Cohort, begin bool, at []string, limit int) ([]store.Module, error) {
	q := "SELECT " + moduleColumns + " FROM modules m WHERE m.cohort = ?"
	args := []any{c.Number()}
	if begin {
		q += " AND m.gateway >= ? AND m.gateway < ?"
		args = append(args, l.f.Query, after(l.f.Query))
	}
	if at != nil {
		q += " AND (m.gateway, m.id) > (?, ?)"
		args = append(args, at[1], at[2])
	}
	return l.fetch(q+" ORDER BY m.gateway, m.id LIMIT ?", append(args, limit))
}
