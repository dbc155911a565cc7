package sqlstore

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// findingLister makes one page of findings. A list is made of groups of kinds; within a group
// the index (kind, opened, gateway, module) has each kind in order, and the database merges them.
type findingLister struct {
	s      *Store
	ctx    context.Context
	tx     *sql.Tx
	f      store.FindingFilter
	page   store.Page
	kinds  []kindCount
	by     map[int64]store.Kind
	name   string   // of the list, in cursors
	oldest bool     // first
	terms  []string // of the query
}

// Findings implements [store.Reader].
func (s *Store) Findings(ctx context.Context, f store.FindingFilter, p store.Page) (store.FindingList, error) {
	var list store.FindingList
	f.Gateway, f.Module = lookedFor(f.Gateway), lookedFor(f.Module)
	err := s.view(ctx, "list findings", func(tx *sql.Tx) error {
		kinds, err := s.kinds(ctx, tx)
		if err != nil {
			return err
		}
		l := &findingLister{s: s, ctx: ctx, tx: tx, f: f, page: p, kinds: kinds, by: map[int64]store.Kind{}, name: "findings/" + p.Sort, terms: store.SearchTerms(f.Query)}
		for _, k := range kinds {
			l.by[k.no] = k.Kind
		}
		if list, err = l.list(); err != nil {
			return err
		}
		return s.policies(ctx, tx, list.Items)
	})
	return list, err
}

func (l *findingLister) list() (store.FindingList, error) {
	sort, desc := strings.CutPrefix(l.page.Sort, "-")
	switch whole, _ := l.split(); {
	case l.f.Gateway != "":
		return l.ofGateway()
	case len(whole) == 0 && l.f.Query != "":
		return l.search(desc && sort == "gateway")
	case sort == "gateway":
		return l.byGateway(desc)
	case sort == "severity":
		return l.grouped(func(k *kindCount) string { return strconv.Itoa(store.SeverityRank(k.Severity)) }, desc)
	case sort == "rule":
		return l.grouped(func(k *kindCount) string { return k.Rule + " " + k.List }, desc)
	}
	l.oldest = sort == "opened" && !desc
	return l.grouped(func(*kindCount) string { return "" }, false)
}

// split gives the kinds of which every finding matches, or where there are none, what each lacks
// of the terms of the query, which their gateways may have.
func (l *findingLister) split() (whole []kindCount, lacks map[int64][]string) {
	lacks = map[int64][]string{}
	for _, k := range l.kinds {
		if !l.f.Match(k.Kind) || l.f.Query != "" && len(l.terms) == 0 {
			continue
		}
		text := k.SearchText()
		missing := slices.DeleteFunc(slices.Clone(l.terms), func(t string) bool { return strings.Contains(text, t) })
		if len(missing) == 0 {
			whole = append(whole, k)
			continue
		}
		lacks[k.no] = missing
	}
	if len(whole) > 0 {
		lacks = nil
	}
	return whole, lacks
}

// mark is the row that a page goes on behind.
type mark struct {
	group           string
	opened          int64
	gateway, module string
	kind            int64
}

// grouped walks groups of kinds in the order of their names until the page is full.
func (l *findingLister) grouped(name func(*kindCount) string, desc bool) (store.FindingList, error) {
	at, err := store.DecodeCursor(l.name, l.page.Cursor, 5) // group, opened, gateway, module, kind
	if err != nil {
		return store.FindingList{}, err
	}
	var from *mark
	if at != nil {
		opened, err1 := strconv.ParseInt(at[1], 10, 64)
		kind, err2 := strconv.ParseInt(at[4], 10, 64)
		if err1 != nil || err2 != nil {
			return store.FindingList{}, store.ErrCursor
		}
		from = &mark{at[0], opened, at[2], at[3], kind}
	}
	whole, _ := l.split()
	groups := map[string][]int64{}
	for i := range whole {
		n := name(&whole[i])
		groups[n] = append(groups[n], whole[i].no)
	}
	var names []string
	for n := range groups {
		names = append(names, n)
	}
	slices.Sort(names)
	if desc {
		slices.Reverse(names)
	}
	var items []found
	for _, n := range names {
		if from != nil && n != from.group {
			if n < from.group != desc {
				continue // before the cursor
			}
			from = nil
		}
		more, err := l.merge(groups[n], from, l.page.Rows()+1-len(items))
		if err != nil {
			return store.FindingList{}, err
		}
		for i := range more {
			more[i].group = n
		}
		if items = append(items, more...); len(items) > l.page.Rows() {
			break
		}
	}
	list := l.finish(items, func(f *found) string {
		return store.EncodeCursor(l.name, f.group, strconv.FormatInt(micros(f.Opened), 10), f.Gateway, f.Module, strconv.FormatInt(f.kind, 10))
	})
	list.Total = total(whole)
	return list, err
}

// found is a row of a page.
type found struct {
	store.Finding
	kind  int64
	group string
}

// mergeKinds is how many kinds one statement merges.
const mergeKinds = 50

// merge gives the next rows of some kinds in the order of their time.
func (l *findingLister) merge(kinds []int64, at *mark, limit int) ([]found, error) {
	dir, beyond := " DESC", "<"
	if l.oldest {
		dir, beyond = "", ">"
	}
	var all []found
	for chunk := range slices.Chunk(kinds, mergeKinds) {
		var arms []string
		var args []any
		for _, no := range chunk {
			q := "SELECT f.opened, f.gateway, f.module, f.kind, f.verdict, f.report FROM findings f WHERE f.kind = " + strconv.FormatInt(no, 10)
			if at != nil {
				op := beyond
				if (no < at.kind) == (beyond == "<") && no != at.kind { // of what is equal but for the kind, this one comes later
					op += "="
				}
				q, args = q+" AND (f.opened, f.gateway, f.module) "+op+" (?, ?, ?)", append(args, at.opened, at.gateway, at.module)
			}
			if l.s.d.Parts {
				q = "SELECT * FROM (" + q + fmt.Sprintf(" ORDER BY f.opened%[1]s, f.gateway%[1]s, f.module%[1]s LIMIT ?) AS sorted", dir)
				args = append(args, limit)
			}
			arms = append(arms, q)
		}
		q := strings.Join(arms, " UNION ALL ") + fmt.Sprintf(" ORDER BY 1%[1]s, 2%[1]s, 3%[1]s, 4%[1]s LIMIT ?", dir)
		rows, err := l.fetch(q, append(args, limit))
		if err != nil {
			return nil, err
		}
		all = append(all, rows...)
	}
	if len(kinds) > mergeKinds {
		slices.SortFunc(all, func(a, b found) int {
			c := compareOpened(&a, &b)
			if l.oldest {
				return c
			}
			return -c
		})
	}
	return all[:min(len(all), limit)], nil
}

func compareOpened(a, b *found) int {
	if c := a.Opened.Compare(b.Opened); c != 0 {
		return c
	}
	if c := compare(a.Gateway, b.Gateway); c != 0 {
		return c
	}
	if c := compare(a.Module, b.Module); c != 0 {
		return c
	}
	if a.kind < b.kind {
		return -1
	}
	return 1
}

// fetch reads the rows that q gives, in its order, with what their verdicts say.
func (l *findingLister) fetch(q string, args []any) ([]found, error) {
	type key struct{ verdict int64 }
	var out []found
	var nos []key
	err := l.s.each(l.ctx, l.tx, q, args, func(r *sql.Rows) error {
		var f found
		var opened int64
		var k key
		err := r.Scan(&opened, &f.Gateway, &f.Module, &f.kind, &k.verdict, &f.Report)
		f.Opened = fromMicros(opened)
		name(&f.Finding, l.by[f.kind])
		out, nos = append(out, f), append(nos, k)
		return err
	})
	if err != nil || len(out) == 0 {
		return out, err
	}
	var ids []string
	seen := map[int64]bool{}
	for _, k := range nos {
		if !seen[k.verdict] {
			seen[k.verdict] = true
			ids = append(ids, strconv.FormatInt(k.verdict, 10))
		}
	}
	said := map[int64]store.Finding{}
	q = "SELECT no, edition, words, source, since, failed, exception, owner, until FROM verdicts WHERE no IN (" + strings.Join(ids, ",") + ")"
	err = l.s.each(l.ctx, l.tx, q, nil, func(r *sql.Rows) error {
		var v store.Finding
		var no, since, failed, until int64
		err := r.Scan(&no, &v.Edition, &v.Text, &v.Source, &since, &failed, &v.Exception, &v.Owner, &until)
		v.Since, v.Until, v.Failed = maybeTime(since), maybeTime(until), failed != 0
		said[no] = v
		return err
	})
	for i := range out {
		v, f := said[nos[i].verdict], &out[i].Finding
		f.Edition, f.Text, f.Source, f.Since, f.Failed = v.Edition, v.Text, v.Source, v.Since, v.Failed
		f.Exception, f.Owner, f.Until = v.Exception, v.Owner, v.Until
	}
	return out, err
}

// finish cuts the extra row that says that there is a next page, and makes its cursor.
func (l *findingLister) finish(items []found, cursor func(last *found) string) store.FindingList {
	var list store.FindingList
	if n := l.page.Rows(); len(items) > n {
		items = items[:n]
		list.Next = cursor(&items[n-1])
	}
	for i := range items {
		list.Items = append(list.Items, items[i].Finding)
	}
	return list
}

func total(kinds []kindCount) int {
	n := 0
	for i := range kinds {
		n += kinds[i].findings()
	}
	return n
}

// plus hides a column from the planner, which would lead with its index.
func (l *findingLister) plus(column string) string { return "+" + column }

func kindList(ks []kindCount) string {
	if len(ks) == 0 {
		return "-1" // no kind has this number
	}
	var nos []string
	for i := range ks {
		nos = append(nos, strconv.FormatInt(ks[i].no, 10))
	}
	return strings.Join(nos, ",")
}

// ofGateway lists the findings of one gateway, or one of its modules, the most severe first.
// There are few.
func (l *findingLister) ofGateway() (store.FindingList, error) {
	at, err := store.DecodeCursor("findings/of", l.page.Cursor, 1)
	if err != nil {
		return store.FindingList{}, err
	}
	q, args := "SELECT f.opened, f.gateway, f.module, f.kind, f.verdict, f.report FROM findings f WHERE f.gateway = ?", []any{l.f.Gateway}
	if l.f.Module != "" {
		q, args = q+" AND f.module = ?", append(args, l.f.Module)
	}
	items, err := l.fetch(q, args)
	if err != nil {
		return store.FindingList{}, err
	}
	words, err := l.s.wordsOf(l.ctx, l.tx, l.f.Gateway, l.f.Query)
	if err != nil {
		return store.FindingList{}, err
	}
	items = slices.DeleteFunc(items, func(f found) bool {
		k := l.by[f.kind]
		return !l.f.Match(k) || l.f.Query != "" && !matches(l.terms, k.SearchText(), "", words)
	})
	slices.SortFunc(items, func(a, b found) int {
		if c := store.SeverityRank(b.Severity) - store.SeverityRank(a.Severity); c != 0 {
			return c
		}
		return store.CompareFindings(a.Finding, b.Finding)
	})
	total, from := len(items), 0
	if at != nil {
		if from, err = strconv.Atoi(at[0]); err != nil || from < 0 {
			return store.FindingList{}, store.ErrCursor
		}
		items = items[min(from, len(items)):]
	}
	list := l.finish(items, func(*found) string { return store.EncodeCursor("findings/of", strconv.Itoa(from+l.page.Rows())) })
	list.Total = total
	return list, nil
}

// byGateway walks the table in the order of its key; kinds of which there are few are read by
// kind and sorted.
func (l *findingLister) byGateway(desc bool) (store.FindingList, error) {
	at, err := store.DecodeCursor(l.name, l.page.Cursor, 3)
	if err != nil {
		return store.FindingList{}, err
	}
	whole, _ := l.split()
	dir, beyond := "", ">"
	if desc {
		dir, beyond = " DESC", "<"
	}
	q, few := l.inOrder(whole)
	var args []any
	if at != nil {
		kind, err := strconv.ParseInt(at[2], 10, 64)
		if err != nil {
			return store.FindingList{}, store.ErrCursor
		}
		q, args = q+" AND (f.gateway, f.module, f.kind) "+beyond+" (?, ?, ?)", []any{at[0], at[1], kind}
	}
	order := "f.gateway" + dir + ", f.module" + dir + ", f.kind" + dir
	if few { // expressions, so that no index in that order tempts the planner
		order = "f.gateway || ''" + dir + ", f.module || ''" + dir + ", f.kind + 0" + dir
	}
	items, err := l.fetch(q+" ORDER BY "+order+" LIMIT ?", append(args, l.page.Rows()+1))
	if err != nil {
		return store.FindingList{}, err
	}
	list := l.finish(items, func(f *found) string {
		return store.EncodeCursor(l.name, f.Gateway, f.Module, strconv.FormatInt(f.kind, 10))
	})
	list.Total = total(whole)
	return list, nil
}

// inOrder chooses some kinds. few says that they are read by kind.
func (l *findingLister) inOrder(kinds []kindCount) (q string, few bool) {
	all, some := total(l.kinds), total(kinds)
	q = "SELECT f.opened, f.gateway, f.module, f.kind, f.verdict, f.report FROM findings f WHERE "
	few = some*fairShare < all
	switch {
	case few:
		q += "f.kind IN (" + kindList(kinds) + ")"
	case some == all:
		q += "1 = 1"
	default:
		q += l.plus("f.kind") + " IN (" + kindList(kinds) + ")"
	}
	return q, few
}
