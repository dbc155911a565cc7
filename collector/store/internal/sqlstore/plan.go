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
func (l *lister) byGateway() (store.ModuleList, error) { return l.byGatewayBut("") }

// byGatewayBut leaves out those whose IMEI begins so; "": none.
func (l *lister) byGatewayBut(imei string) (store.ModuleList, error) {
	name := "modules/gateway"
	if l.desc {
		name = "modules/-gateway"
	}
	at, err := store.DecodeCursor(name, l.page.Cursor, 2)
	if err != nil {
		return store.ModuleList{}, err
	}
	whole, part, err := l.split(imei)
	if err != nil {
		return store.ModuleList{}, err
	}
	items, cut, err := part.inOrder(at, l.page.Rows()+1)
	if err != nil {
		return store.ModuleList{}, err
	}
	total, atLeast := part.total(whole, len(items))
	if arms := l.arms(whole, imei); len(arms) > 0 {
		q, args := l.union(arms, at)
		more, err := l.fetch(q, args)
		if err != nil {
			return store.ModuleList{}, err
		}
		items = l.merged(items, more, cut)
	}
	list := l.finish(items, func(m *store.Module) string { return store.EncodeCursor(name, m.Gateway, m.ID) })
	if list.Next == "" && cut != nil {
		list.Next = store.EncodeCursor(name, cut.Gateway, cut.ID)
	}
	list.Total, list.AtLeast = total, atLeast
	return list, nil
}

// merged puts two parts of a page in order, up to where one of them was cut.
func (l *lister) merged(a, b []store.Module, cut *store.ModuleKey) []store.Module {
	all := append(a, b...)
	slices.SortFunc(all, func(a, b store.Module) int { return l.turned(comparePlaces(&a.ModuleKey, &b.ModuleKey)) })
	return slices.DeleteFunc(all, func(m store.Module) bool { return cut != nil && l.turned(comparePlaces(&m.ModuleKey, cut)) > 0 })
}

// arms gives the parts that hold all modules of the cohorts, but for those whose IMEI begins so.
func (l *lister) arms(cs []*store.Cohort, imei string) []arm {
	arms := l.allArms(cs)
	for i := range arms {
		if imei != "" {
			arms[i].where, arms[i].args = arms[i].where+" AND NOT (m.imei >= ? AND m.imei < ?)", []any{imei, after(imei)}
		}
	}
	return arms
}

func (l *lister) allArms(cs []*store.Cohort) (arms []arm) {
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
			q, args = q+" AND (m.gateway, m.id) "+beyond+" (?, ?)", append(args, at[0], at[1])
		}
		if own := len(arms) == 1; own || a.sort || l.s.d.Parts {
			order := " ORDER BY m.gateway" + dir + ", m.id" + dir
			if a.sort { // expressions, so that no index in that order tempts the planner
				order = " ORDER BY m.gateway || ''" + dir + ", m.id || ''" + dir
			}
			q, args = q+order+" LIMIT ?", append(args, l.page.Rows()+1)
			if !own {
				q = "SELECT * FROM (" + q + ") AS sorted"
			}
		}
		parts = append(parts, q)
	}
	if len(parts) == 1 {
		return parts[0], args
	}
	return strings.Join(parts, " UNION ALL ") + " ORDER BY 1" + dir + ", 2" + dir + " LIMIT ?", append(args, l.page.Rows()+1)
}

// byFacet walks the cohorts in their order until the page is full.
func (l *lister) byFacet() (store.ModuleList, error) {
	name := "modules/" + l.page.Sort
	at, err := store.DecodeCursor(name, l.page.Cursor, 3)
	if err != nil {
		return store.ModuleList{}, err
	}
	whole, part, err := l.split("")
	if err != nil {
		return store.ModuleList{}, err
	}
	order, err := l.ordered(append(slices.Clone(whole), part.cohorts...), at)
	if err != nil {
		return store.ModuleList{}, err
	}
	items, next, err := l.along(order, part, at)
	if err != nil {
		return store.ModuleList{}, err
	}
	cursor := func(cohort int64, gateway, id string) string {
		return store.EncodeCursor(name, strconv.FormatInt(cohort, 10), gateway, id)
	}
	result := l.finish(items, func(m *store.Module) string {
		f := m.Facets()
		return cursor(f.Number(), m.Gateway, m.ID)
	})
	if result.Next == "" && next != nil {
		result.Next = cursor(next.cohort, next.Gateway, next.ID)
	}
	result.Total, result.AtLeast = part.total(whole, len(items))
	return result, nil
}

// along lists cohorts one after the other until there is a page, and one row more. Where it had to
// end early, it says where.
func (l *lister) along(order []*store.Cohort, part *partly, at []string) (items []store.Module, next *place, err error) {
	budget := part.budget()
	for i, c := range order {
		if i > 0 {
			at = nil // the cursor stands in the first
		}
		var more []store.Module
		var cut *store.ModuleKey
		rest := l.page.Rows() + 1 - len(items)
		switch _, some := part.lacks[c.Number()]; {
		case !some:
			more, err = l.within(c, at, rest)
		case budget <= 0:
			cut = &store.ModuleKey{}
		default:
			more, cut, err = part.ofCohort(c, at, rest, &budget)
		}
		if err != nil {
			return nil, nil, err
		}
		items = append(items, more...)
		if cut != nil {
			return items, &place{*cut, c.Number()}, nil
		}
		if len(items) > l.page.Rows() {
			break
		}
	}
	return items, nil, nil
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
func (l *lister) within(c *store.Cohort, at []string, limit int) ([]store.Module, error) {
	q := "SELECT " + moduleColumns + " FROM modules m WHERE m.cohort = ?"
	args := []any{c.Number()}
	if at != nil {
		q += " AND (m.gateway, m.id) > (?, ?)"
		args = append(args, at[1], at[2])
	}
	return l.fetch(q+" ORDER BY m.gateway, m.id LIMIT ?", append(args, limit))
}
