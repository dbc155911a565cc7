package sqlstore

import (
	"cmp"
	"database/sql"
	"slices"
	"strconv"
	"strings"
	"sync"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// A search for modules looks for each term in the facets, of which there are few, in the IMEI,
// and in the words of the gateway. It splits the cohorts: of the whole ones every module
// matches, and is listed as by any filter. Of the others, the partly ones, those modules do
// whose gateway or IMEI has the terms that the facets lack.

// partly finds the modules of cohorts that lack some of the terms.
type partly struct {
	l       *lister
	cohorts []*store.Cohort
	lacks   map[int64][]string
	// but leaves out modules whose IMEI begins so, which were listed before. "": none.
	but string
	// rows are all that match, in order of gateway and id, where whole says so.
	rows  []place
	whole bool
	seek  seeker // for a walk
}

// place is a module in as much as a search needs of it.
type place struct {
	store.ModuleKey
	cohort int64
}

// search splits the cohorts that pass the filter by the query.
func (l *lister) search() (whole []*store.Cohort, p *partly) {
	p = &partly{l: l, lacks: map[int64][]string{}}
	for i := range l.cohorts.all {
		c := &l.cohorts.all[i]
		if c.Modules == 0 || len(l.terms) == 0 || !l.f.Match(&c.Facets) {
			continue
		}
		text := l.s.texts.of(c)
		lacks := slices.DeleteFunc(slices.Clone(l.terms), func(t string) bool { return strings.Contains(text, t) })
		if len(lacks) == 0 {
			whole = append(whole, c)
			continue
		}
		p.cohorts = append(p.cohorts, c)
		p.lacks[c.Number()] = lacks
	}
	return whole, p
}

// texts are what cohorts are found by.
type texts struct {
	mu sync.Mutex
	by map[store.Facets]string
}

// mostTexts bounds what is kept; a fleet has few cohorts.
const mostTexts = 20_000

func (t *texts) of(c *store.Cohort) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	text, ok := t.by[c.Facets]
	if !ok {
		if t.by == nil || len(t.by) >= mostTexts {
			t.by = map[store.Facets]string{}
		}
		text = c.SearchText()
		t.by[c.Facets] = text
	}
	return text
}

// accept says whether a module of a cohort matches.
func (p *partly) accept(cohort int64, imei, words string) bool {
	lacks, ok := p.lacks[cohort]
	return ok && (p.but == "" || !strings.HasPrefix(imei, p.but)) && !slices.ContainsFunc(lacks, func(t string) bool {
		return !has(words, imei, t)
	})
}

// has says whether a term is one of the words of the gateway, or begins the IMEI.
func has(words, imei, term string) bool {
	return store.HasTerm(words, term) || store.IMEITerm(term) && strings.HasPrefix(imei, term)
}

// matches says whether each term is found in the facets, the IMEI or the words of the gateway.
func matches(terms []string, facets, imei, words string) bool {
	return len(terms) > 0 && !slices.ContainsFunc(terms, func(t string) bool {
		return !strings.Contains(facets, t) && !has(words, imei, t)
	})
}

// prepare finds all where they are few, and else says how to walk.
func (p *partly) prepare() error {
	modules := 0
	sets := map[string][]string{}
	imeis := map[string]bool{}
	for _, c := range p.cohorts {
		modules += c.Modules
		lacks := p.lacks[c.Number()]
		sets[strings.Join(lacks, " ")] = lacks
		for _, t := range lacks {
			if store.IMEITerm(t) {
				imeis[t] = true
			}
		}
	}
	var full, walked [][]string
	for _, set := range sets {
		full = append(full, set)
		walked = append(walked, slices.DeleteFunc(slices.Clone(set), store.IMEITerm))
	}
	l := p.l
	p.seek = seeker{s: l.s, ctx: l.ctx, tx: l.tx, sets: minimal(walked)}
	if len(p.cohorts) == 0 {
		p.whole = true
		return nil
	}
	var err error
	if modules <= l.s.d.Search.Few {
		p.whole, err = true, p.take("m.cohort IN ("+list(p.cohorts)+")", nil)
	} else {
		p.whole, err = p.gather(minimal(full), imeis)
	}
	slices.SortFunc(p.rows, func(a, b place) int { return comparePlaces(&a.ModuleKey, &b.ModuleKey) })
	p.rows = slices.Compact(p.rows)
	return err
}

func comparePlaces(a, b *store.ModuleKey) int {
	return cmp.Or(compare(a.Gateway, b.Gateway), compare(a.ID, b.ID))
}

// gather finds the modules by their gateways and IMEIs, or gives false where they are too many.
func (p *partly) gather(sets [][]string, imeis map[string]bool) (bool, error) {
	few := p.l.s.d.Search.Few
	for t := range imeis {
		if t == p.but {
			continue // those are left out
		}
		var n int
		q := "SELECT count(*) FROM (SELECT 1 FROM modules m WHERE m.imei >= ? AND m.imei < ? AND m.imei <> '' LIMIT ?) AS few"
		if err := p.l.tx.QueryRowContext(p.l.ctx, p.l.s.sql(q), t, after(t), few+1).Scan(&n); err != nil || n > few {
			return false, err
		}
		if err := p.take("m.imei >= ? AND m.imei < ? AND m.imei <> ''", []any{t, after(t)}); err != nil {
			return false, err
		}
	}
	k := p.seek
	k.sets = sets
	all, whole, err := k.all()
	if err != nil || !whole {
		return false, err
	}
	for some := range slices.Chunk(all, 500) {
		in, args := inGateways(some)
		if err := p.take(in, args); err != nil {
			return false, err
		}
	}
	return true, nil
}

func inGateways(ws []worded) (string, []any) {
	ids := make([]string, len(ws))
	for i := range ws {
		ids[i] = ws[i].gateway
	}
	in, args := listed(ids)
	return "m.gateway IN " + in, args
}

// take adds those of some modules that match.
func (p *partly) take(where string, args []any) error {
	q := "SELECT m.gateway, m.id, m.cohort, m.imei, COALESCE(s.words, '') FROM modules m LEFT JOIN search s ON s.gateway = m.gateway WHERE " + where
	return p.l.s.each(p.l.ctx, p.l.tx, q, args, func(r *sql.Rows) error {
		var at place
		var imei, words string
		err := r.Scan(&at.Gateway, &at.ID, &at.cohort, &imei, &words)
		if p.accept(at.cohort, imei, words) {
			p.rows = append(p.rows, at)
		}
		return err
	})
}

// total counts what matches; of what is walked, what was seen on the page at least.
func (p *partly) total(whole []*store.Cohort, seen int) (n int, atLeast bool) {
	for _, c := range whole {
		n += c.Modules
	}
	if p.whole {
		// Of the whole ones some may have an IMEI that begins so, and were counted before.
		return n + len(p.rows), p.but != "" && len(whole) > 0
	}
	return n + seen, true
}

// inOrder gives the next n modules behind a cursor, in the order of gateways. Where it had to
// end early, cut is the key that a page goes on behind.
func (p *partly) inOrder(at []string, n int) (items []store.Module, cut *store.ModuleKey, err error) {
	if !p.whole {
		return p.walk(at, n)
	}
	rows := p.rows
	if p.l.desc {
		rows = slices.Clone(rows)
		slices.Reverse(rows)
	}
	if at != nil {
		from := store.ModuleKey{Gateway: at[0], ID: at[1]}
		rows = slices.DeleteFunc(slices.Clone(rows), func(r place) bool { return p.l.turned(comparePlaces(&r.ModuleKey, &from)) <= 0 })
	}
	items, err = p.read(rows[:min(n, len(rows))])
	return items, nil, err
}

// turned is a comparison in the order of the page.
func (l *lister) turned(c int) int {
	if l.desc {
		return -c
	}
	return c
}

// read reads modules at some places, in their order.
func (p *partly) read(places []place) ([]store.Module, error) {
	if len(places) == 0 {
		return nil, nil
	}
	order := map[store.ModuleKey]int{}
	var ids []string
	for i, r := range places {
		order[r.ModuleKey] = i
		ids = append(ids, r.Gateway)
	}
	slices.Sort(ids)
	in, args := listed(slices.Compact(ids))
	items, err := p.l.fetch("SELECT "+moduleColumns+" FROM modules m WHERE m.gateway IN "+in, args)
	items = slices.DeleteFunc(items, func(m store.Module) bool { _, ok := order[m.ModuleKey]; return !ok })
	slices.SortFunc(items, func(a, b store.Module) int { return order[a.ModuleKey] - order[b.ModuleKey] })
	return items, err
}

// walkStep is how many gateways' modules are read at once.
const walkStep = 64

// walk goes along the gateways until there are n modules, or it has looked at too many.
func (p *partly) walk(at []string, n int) (items []store.Module, cut *store.ModuleKey, err error) {
	r := &stretch{desc: p.l.desc}
	if at != nil {
		r.from, r.itself = at[0], at[1] != last(p.l.desc)
	}
	looked := 0
	end, err := p.seek.along(r, walkStep, func(found []worded) (bool, error) {
		more, err := p.modulesOf(found, at)
		items, looked = append(items, more...), looked+len(found)
		return len(items) >= n || looked >= p.l.s.d.Search.Few, err
	})
	if err != nil {
		return nil, nil, err
	}
	switch {
	case len(items) >= n:
		return items[:n], nil, nil
	case end == "":
		return items, nil, nil
	}
	return items, &store.ModuleKey{Gateway: end, ID: last(p.l.desc)}, nil
}

// last is what stands behind all modules of a gateway, or turned round before them: a cursor with
// it is done with that gateway.
func last(desc bool) string {
	if desc {
		return ""
	}
	return after("")
}

// modulesOf gives the modules of some gateways that match and stand behind the cursor, in order.
func (p *partly) modulesOf(found []worded, at []string) ([]store.Module, error) {
	if len(found) == 0 {
		return nil, nil
	}
	words := map[string]string{}
	for _, w := range found {
		words[w.gateway] = w.words
	}
	in, args := inGateways(found)
	items, err := p.l.fetch("SELECT "+moduleColumns+" FROM modules m WHERE "+in, args)
	items = slices.DeleteFunc(items, func(m store.Module) bool {
		f := m.Facets()
		if at != nil && p.l.turned(comparePlaces(&m.ModuleKey, &store.ModuleKey{Gateway: at[0], ID: at[1]})) <= 0 {
			return true
		}
		return !p.accept(f.Number(), m.Identity.IMEI, words[m.Gateway])
	})
	slices.SortFunc(items, func(a, b store.Module) int { return p.l.turned(comparePlaces(&a.ModuleKey, &b.ModuleKey)) })
	return items, err
}

// ofCohort gives the next n modules of one cohort, behind gateway and id of a cursor. cut is as
// for inOrder, and budget is how many rows may still be passed over.
func (p *partly) ofCohort(c *store.Cohort, at []string, n int, budget *int) (items []store.Module, cut *store.ModuleKey, err error) {
	if p.whole {
		var rows []place
		for _, r := range p.rows {
			if r.cohort == c.Number() && (at == nil || comparePlaces(&r.ModuleKey, &store.ModuleKey{Gateway: at[1], ID: at[2]}) > 0) {
				rows = append(rows, r)
			}
		}
		items, err = p.read(rows[:min(n, len(rows))])
		return items, nil, err
	}
	start, args := "m.cohort = "+strconv.FormatInt(c.Number(), 10), []any{}
	if at != nil {
		start, args = start+" AND (m.gateway, m.id) > (?, ?)", append(args, at[1], at[2])
	}
	end := &store.ModuleKey{}
	q := "SELECT m.gateway, m.id FROM modules m WHERE " + start + " ORDER BY m.gateway, m.id LIMIT 1 OFFSET ?"
	err = p.l.s.each(p.l.ctx, p.l.tx, q, append(slices.Clone(args), max(0, *budget-1)), func(r *sql.Rows) error {
		cut = end
		return r.Scan(&end.Gateway, &end.ID)
	})
	if err != nil {
		return nil, nil, err
	}
	if cut != nil {
		start, args = start+" AND (m.gateway, m.id) <= (?, ?)", append(args, end.Gateway, end.ID)
	}
	items, err = p.joined(c, start, args, n)
	*budget -= c.Modules
	if len(items) >= n {
		cut = nil
	}
	return items, cut, err
}

// budget is how many modules of cohorts are passed over for one page. Each costs more than a
// gateway does, whose words are walked along.
func (p *partly) budget() int { return max(1, p.l.s.d.Search.Walk/25) }

// joined reads modules of a cohort in the order of gateways, with the words of these.
func (p *partly) joined(c *store.Cohort, start string, args []any, n int) ([]store.Module, error) {
	k := p.seek
	k.sets = [][]string{slices.DeleteFunc(slices.Clone(p.lacks[c.Number()]), store.IMEITerm)}
	where, more := k.where()
	q := "SELECT " + moduleColumns + ", s.words FROM modules m CROSS JOIN search s WHERE s.gateway = m.gateway AND " + start + " AND " + where +
		" ORDER BY m.gateway, m.id LIMIT ?"
	rows, err := p.l.tx.QueryContext(p.l.ctx, p.l.s.sql(q), append(append(args, more...), p.budget())...)
	if err != nil {
		return nil, err
	}
	defer rows.Close()
	var items []store.Module
	for rows.Next() && len(items) < n {
		var words string
		m, no, err := scanModule(rows, &words)
		if err != nil {
			return nil, err
		}
		if p.accept(no, m.Identity.IMEI, words) {
			c.Fill(&m)
			items = append(items, m)
		}
	}
	return items, rows.Err()
}
