package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// cohorts is all kinds of modules in one snapshot.
type cohorts struct {
	all   []store.Cohort
	by    map[int64]*store.Cohort
	total int
}

func (s *Store) cohorts(ctx context.Context, tx *sql.Tx) (*cohorts, error) {
	c := &cohorts{by: map[int64]*store.Cohort{}}
	var numbers []int64
	err := s.each(ctx, tx, "SELECT c.no, c.modules, "+facetColumns+" FROM cohorts c", nil, func(r *sql.Rows) error {
		var co store.Cohort
		var no int64
		err := r.Scan(append([]any{&no, &co.Modules}, facetTargets(&co.Facets)...)...)
		c.all, numbers, c.total = append(c.all, co), append(numbers, no), c.total+co.Modules
		return err
	})
	for i, no := range numbers {
		c.by[no] = &c.all[i]
	}
	return c, err
}

// Cohorts implements [store.Reader].
func (s *Store) Cohorts(ctx context.Context) ([]store.Cohort, error) {
	var out []store.Cohort
	err := s.view(ctx, "list kinds of modules", func(tx *sql.Tx) error {
		c, err := s.cohorts(ctx, tx)
		out = slices.DeleteFunc(c.all, func(co store.Cohort) bool { return co.Modules == 0 })
		return err
	})
	slices.SortFunc(out, store.CompareCohorts("maker"))
	return out, err
}

// Module implements [store.Reader].
func (s *Store) Module(ctx context.Context, k store.ModuleKey) (store.Module, error) {
	var m store.Module
	err := s.view(ctx, "find module "+strconv.Quote(k.ID)+" of gateway "+strconv.Quote(k.Gateway), func(tx *sql.Tx) (err error) {
		q := "SELECT " + moduleColumns + ", " + facetColumns + " FROM modules m JOIN cohorts c ON c.no = m.cohort WHERE m.gateway = ? AND m.id = ?"
		m, _, err = scanModuleFacets(tx.QueryRowContext(ctx, s.sql(q), lookedFor(k.Gateway), lookedFor(k.ID)))
		return err
	})
	return m, err
}

// SameIMEI implements [store.Reader].
func (s *Store) SameIMEI(ctx context.Context, imei string, limit int) ([]store.ModuleKey, error) {
	var keys []store.ModuleKey
	if imei == "" {
		return nil, nil
	}
	err := s.view(ctx, "look up an IMEI", func(tx *sql.Tx) error {
		q := "SELECT gateway, id FROM modules WHERE imei = ? AND imei <> '' ORDER BY gateway, id LIMIT ?"
		return s.each(ctx, tx, q, []any{lookedFor(imei), limit}, func(r *sql.Rows) error {
			var k store.ModuleKey
			err := r.Scan(&k.Gateway, &k.ID)
			keys = append(keys, k)
			return err
		})
	})
	return keys, err
}

// Modules implements [store.Reader].
func (s *Store) Modules(ctx context.Context, f store.ModuleFilter, p store.Page) (store.ModuleList, error) {
	var list store.ModuleList
	f.Gateway = lookedFor(f.Gateway)
	err := s.view(ctx, "list modules", func(tx *sql.Tx) error {
		c, err := s.cohorts(ctx, tx)
		if err != nil {
			return err
		}
		l := &lister{s: s, ctx: ctx, tx: tx, cohorts: c, f: f, page: p}
		l.sort, l.desc = strings.CutPrefix(p.Sort, "-")
		l.terms = store.SearchTerms(f.Query)
		list, err = l.list()
		return err
	})
	return list, err
}

// lister makes one page of modules.
type lister struct {
	s       *Store
	ctx     context.Context
	tx      *sql.Tx
	cohorts *cohorts
	f       store.ModuleFilter
	page    store.Page
	sort    string
	desc    bool
	terms   []string // of the query
}

func (l *lister) list() (store.ModuleList, error) {
	switch {
	case l.f.Gateway != "":
		return l.ofGateway()
	case len(l.terms) == 1 && store.IMEITerm(l.terms[0]):
		return l.byIMEI()
	case slices.Contains(store.ModuleSorts()[1:], l.sort):
		return l.byFacet()
	default:
		return l.byGateway()
	}
}

// split gives the cohorts of which every module matches, and with a query those of which some may.
// Those whose IMEI begins as but are left out of the latter; "": none.
func (l *lister) split(but string) (whole []*store.Cohort, p *partly, err error) {
	if l.f.Query != "" {
		whole, p = l.search()
		p.but = but
		return whole, p, p.prepare()
	}
	for i := range l.cohorts.all {
		if c := &l.cohorts.all[i]; c.Modules > 0 && l.f.Match(&c.Facets) {
			whole = append(whole, c)
		}
	}
	return whole, &partly{l: l, whole: true}, nil
}

// finish cuts the extra row that says that there is a next page, and makes its cursor.
func (l *lister) finish(items []store.Module, cursor func(last *store.Module) string) store.ModuleList {
	list := store.ModuleList{Items: items}
	if n := l.page.Rows(); len(items) > n {
		list.Items = items[:n]
		list.Next = cursor(&items[n-1])
	}
	return list
}

// fetch reads modules and gives them their facets.
func (l *lister) fetch(q string, args []any) ([]store.Module, error) {
	var out []store.Module
	err := l.s.each(l.ctx, l.tx, q, args, func(r *sql.Rows) error {
		m, no, err := scanModule(r)
		if c := l.cohorts.by[no]; c != nil {
			c.Fill(&m)
		}
		out = append(out, m)
		return err
	})
	return out, err
}

// byIMEI lists those whose IMEI begins with the query, in its order, and then those that are
// found by it otherwise, in the order of gateways.
func (l *lister) byIMEI() (store.ModuleList, error) {
	l.desc = false
	rest := *l
	if at, err := store.DecodeCursor("modules/gateway", l.page.Cursor, 2); err == nil && at != nil {
		l.page.Limit, l.page.Cursor = 1, "" // for the count
		first, err := l.imeis(nil)
		if err != nil {
			return store.ModuleList{}, err
		}
		list, err := rest.byGatewayBut(l.terms[0])
		list.Total, list.AtLeast = list.Total+first.Total, list.AtLeast || first.AtLeast
		return list, err
	}
	at, err := store.DecodeCursor("modules/imei", l.page.Cursor, 3)
	if err != nil {
		return store.ModuleList{}, err
	}
	list, err := l.imeis(at)
	if err != nil {
		return store.ModuleList{}, err
	}
	room := l.page.Rows() - len(list.Items)
	rest.page.Limit, rest.page.Cursor = max(1, room), "" // one, to see whether there are more
	others, err := rest.byGatewayBut(l.terms[0])
	list.Total, list.AtLeast = list.Total+others.Total, list.AtLeast || others.AtLeast
	switch {
	case list.Next != "":
	case room > 0:
		list.Items, list.Next = append(list.Items, others.Items...), others.Next
	case len(others.Items) > 0 || others.Next != "":
		list.Next = store.EncodeCursor("modules/gateway", "", "")
	}
	return list, err
}

func (l *lister) imeis(at []string) (store.ModuleList, error) {
	var keep []*store.Cohort
	for i := range l.cohorts.all {
		if c := &l.cohorts.all[i]; c.Modules > 0 && l.f.Match(&c.Facets) {
			keep = append(keep, c)
		}
	}
	if len(keep) == 0 {
		return store.ModuleList{}, nil
	}
	in, few := l.in(keep)
	span := imeiSpan{where: "m.imei >= ? AND m.imei < ? AND m.imei <> ''", args: []any{l.terms[0], after(l.terms[0])}}
	counted, more, err := l.bound(span, few)
	if err != nil {
		return store.ModuleList{}, err
	}
	total, atLeast, err := l.count(in+" AND "+counted.where, counted.args)
	if err != nil {
		return store.ModuleList{}, err
	}
	if at != nil { // in place of the lower bound: the database would use the looser of two
		span.where = strings.Replace(span.where, "m.imei >= ?", "(m.imei, m.gateway, m.id) > (?, ?, ?)", 1)
		span.args = append([]any{at[0], at[1], at[2]}, span.args[1:]...)
	}
	span, end, err := l.bound(span, few)
	if err != nil {
		return store.ModuleList{}, err
	}
	order := "m.imei, m.gateway, m.id"
	if few { // read by cohort and sorted: expressions, so that no index in that order tempts the planner
		order = "m.imei || '', m.gateway || '', m.id || ''"
	}
	q := "SELECT " + moduleColumns + " FROM modules m WHERE " + in + " AND " + span.where + " ORDER BY " + order + " LIMIT ?"
	items, err := l.fetch(q, append(span.args, l.page.Rows()+1))
	list := l.finish(items, func(m *store.Module) string {
		return store.EncodeCursor("modules/imei", m.Identity.IMEI, m.Gateway, m.ID)
	})
	if list.Next == "" && end != nil {
		list.Next = store.EncodeCursor("modules/imei", end...)
	}
	list.Total, list.AtLeast = total, atLeast || more != nil
	return list, err
}

// imeiSpan is a part of the index of IMEIs; the last of its parameters is the upper bound.
type imeiSpan struct {
	where string
	args  []any
}

// bound ends a span after as many rows as are passed over for one page, at the row end. Where few
// modules are read by their cohorts, there is no need.
func (l *lister) bound(span imeiSpan, few bool) (imeiSpan, []string, error) {
	if few {
		return span, nil, nil
	}
	var end []string
	q := "SELECT m.imei, m.gateway, m.id FROM modules m WHERE " + span.where + " ORDER BY m.imei, m.gateway, m.id LIMIT 1 OFFSET ?"
	err := l.s.each(l.ctx, l.tx, q, append(slices.Clone(span.args), max(1, l.s.d.Search.Walk/2)), func(r *sql.Rows) error {
		end = make([]string, 3)
		return r.Scan(&end[0], &end[1], &end[2])
	})
	if end != nil {
		span.where = strings.Replace(span.where, "m.imei < ?", "(m.imei, m.gateway, m.id) <= (?, ?, ?)", 1)
		span.args = append(slices.Clone(span.args[:len(span.args)-1]), end[0], end[1], end[2])
	}
	return span, end, err
}

// in keeps modules of the cohorts. few says that there are so few of them that they are
// read by cohort; else another index has to lead, and others are passed over.
func (l *lister) in(cs []*store.Cohort) (where string, few bool) {
	modules := 0
	for _, c := range cs {
		modules += c.Modules
	}
	switch {
	case modules == l.cohorts.total:
		return "1 = 1", false
	case modules*fairShare < l.cohorts.total:
		return "m.cohort IN (" + list(cs) + ")", true
	}
	return "+m.cohort IN (" + list(cs) + ")", false
}

// countMost bounds what is counted row by row.
const countMost = 1000

func (l *lister) count(where string, args []any) (n int, more bool, err error) {
	q := "SELECT count(*) FROM (SELECT 1 FROM modules m WHERE " + where + " LIMIT ?) AS few"
	err = l.tx.QueryRowContext(l.ctx, l.s.sql(q), append(slices.Clone(args), countMost+1)...).Scan(&n)
	return min(n, countMost), n > countMost, err
}

// after gives the first text that stands behind all that begin with s.
func after(s string) string { return s + "\U0010FFFF" }

// ofGateway lists one gateway's modules, of which there are few.
func (l *lister) ofGateway() (store.ModuleList, error) {
	at, err := store.DecodeCursor("modules/of", l.page.Cursor, 1)
	if err != nil {
		return store.ModuleList{}, err
	}
	items, err := l.fetch("SELECT "+moduleColumns+" FROM modules m WHERE m.gateway = ? ORDER BY m.id", []any{l.f.Gateway})
	if err != nil {
		return store.ModuleList{}, err
	}
	words, err := l.s.wordsOf(l.ctx, l.tx, l.f.Gateway, l.f.Query)
	if err != nil {
		return store.ModuleList{}, err
	}
	items = slices.DeleteFunc(items, func(m store.Module) bool {
		f := m.Facets()
		return !l.f.Match(&f) || l.f.Query != "" && !matches(l.terms, f.SearchText(), m.Identity.IMEI, words)
	})
	total := len(items)
	if at != nil {
		items = slices.DeleteFunc(items, func(m store.Module) bool { return m.ID <= at[0] })
	}
	list := l.finish(items, func(m *store.Module) string { return store.EncodeCursor("modules/of", m.ID) })
	list.Total = total
	return list, nil
}
