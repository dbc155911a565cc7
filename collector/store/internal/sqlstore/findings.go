package sqlstore

import (
	"cmp"
	"context"
	"database/sql"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// verdictQuery gives what the policy says by number, without gateway, module and when it was opened.
const verdictQuery = "SELECT v.no, v.edition, v.words, v.source, v.since, v.failed, v.exception, v.owner, v.until, k.rule, k.list, k.severity " +
	"FROM verdicts v JOIN finding_kinds k ON k.no = v.kind WHERE v.no {in}"

// Findings implements [store.Tx].
func (t *tx) Findings(gateways []string) (map[string][]store.Finding, error) {
	for _, g := range gateways {
		t.found[g] = nil
	}
	var all []store.Finding
	var verdicts []int64
	q := "SELECT gateway, module, verdict, opened, report FROM findings WHERE gateway {in}"
	err := t.load(q, gateways, func(r Row) error {
		var f store.Finding
		var no, opened int64
		err := r.Scan(&f.Gateway, &f.Module, &no, &opened, &f.Report)
		f.Opened = fromMicros(opened)
		all, verdicts = append(all, f), append(verdicts, no)
		return err
	})
	if err != nil {
		return nil, t.w.s.fail("load findings", err)
	}
	said, err := t.w.s.verdicts.of(t, verdictQuery, verdicts, scanVerdict)
	if err != nil {
		return nil, t.w.s.fail("load what findings say", err)
	}
	found := map[string][]store.Finding{}
	for i := range all {
		f := said[verdicts[i]]
		f.Gateway, f.Module, f.Opened, f.Report = all[i].Gateway, all[i].Module, all[i].Opened, all[i].Report
		found[f.Gateway] = append(found[f.Gateway], f)
	}
	for g, fs := range found {
		slices.SortFunc(fs, store.CompareFindings)
		t.found[g] = slices.Clone(fs)
	}
	return found, nil
}

func scanVerdict(r Row) (no int64, f store.Finding, err error) {
	var k store.Kind
	var since, failed, until int64
	err = r.Scan(&no, &f.Edition, &f.Text, &f.Source, &since, &failed, &f.Exception, &f.Owner, &until, &k.Rule, &k.List, &k.Severity)
	f.Since, f.Until, f.Failed = maybeTime(since), maybeTime(until), failed != 0
	name(&f, k)
	return no, f, err
}

// name gives f what its kind says.
func name(f *store.Finding, k store.Kind) {
	f.Rule, f.List, f.Severity, f.Key = k.Rule, k.List, k.Severity, k.Rule
	if k.List != "" {
		f.Key = k.Rule + "/" + k.List
	}
}

// maybeMicros keeps a time that may be none, as 0.
func maybeMicros(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return micros(t)
}

func maybeTime(n int64) time.Time {
	if n == 0 {
		return time.Time{}
	}
	return fromMicros(n)
}

// foundChange is what a batch changes of findings.
type foundChange struct {
	kinds    map[store.Kind]*[2]int // modules, gateways
	verdicts map[int64]*verdictUse
	// opened are in no row yet, put in place of one, out in none any more.
	opened, put, out []store.Finding
}

type verdictUse struct {
	f *store.Finding
	n int
}

// putFindings keeps the counts in step with the findings.
func (t *tx) putFindings(b *store.Batch) error {
	if len(b.Findings) == 0 {
		return nil
	}
	var missing []string
	for _, g := range b.Findings {
		if _, ok := t.found[g.Gateway]; !ok && t.known[g.Gateway] != nil {
			missing = append(missing, g.Gateway)
		}
	}
	if _, err := t.Findings(missing); err != nil {
		return err
	}
	c := &foundChange{kinds: map[store.Kind]*[2]int{}, verdicts: map[int64]*verdictUse{}}
	for _, g := range b.Findings {
		c.gateway(g.Gateway, t.found[g.Gateway], g.Findings)
	}
	t.counts = append(t.counts, func() error { return t.putKinds(c) })
	err := t.run(&t.w.s.st.closed, len(c.out), func(i int) []any {
		f := &c.out[i]
		return []any{f.Gateway, f.Module, f.Kind().Number()}
	})
	if err != nil {
		return err
	}
	if err := t.run(&t.w.s.st.findings, len(c.put), func(i int) []any { return findingArgs(&c.put[i]) }); err != nil {
		return err
	}
	return t.run(&t.w.s.st.opened, len(c.opened), func(i int) []any { return findingArgs(&c.opened[i]) })
}

func findingArgs(f *store.Finding) []any {
	return []any{f.Gateway, f.Module, f.Kind().Number(), f.Number(), micros(f.Opened), f.Report}
}

// gateway compares the findings of one gateway with those that are stored.
func (c *foundChange) gateway(id string, before, now []store.Finding) {
	type place struct {
		module string
		kind   store.Kind
	}
	was := map[place]*store.Finding{}
	had, has := map[store.Kind]bool{}, map[store.Kind]bool{}
	for i := range before {
		f := &before[i]
		was[place{f.Module, f.Kind()}] = f
		had[f.Kind()] = true
	}
	is := map[place]bool{}
	for i := range now {
		f := now[i]
		f.Gateway = id
		k := place{f.Module, f.Kind()}
		if is[k] {
			continue
		}
		is[k], has[f.Kind()] = true, true
		old := was[k]
		delete(was, k)
		if old == nil {
			c.count(&f, 1)
			c.opened = append(c.opened, f)
			continue
		}
		if old.Number() != f.Number() {
			c.count(old, -1)
			c.count(&f, 1)
		} else if old.Opened.Equal(f.Opened) && old.Report == f.Report {
			continue
		}
		c.put = append(c.put, f)
	}
	for _, f := range was {
		c.count(f, -1)
		c.out = append(c.out, *f)
	}
	for k := range had {
		if !has[k] {
			c.kind(k)[1]--
		}
	}
	for k := range has {
		if !had[k] {
			c.kind(k)[1]++
		}
	}
}

func (c *foundChange) kind(k store.Kind) *[2]int {
	if c.kinds[k] == nil {
		c.kinds[k] = new([2]int)
	}
	return c.kinds[k]
}

func (c *foundChange) count(f *store.Finding, n int) {
	if f.Module != "" {
		c.kind(f.Kind())[0] += n
	}
	no := f.Number()
	if c.verdicts[no] == nil {
		own := *f
		c.verdicts[no] = &verdictUse{f: &own}
	}
	c.verdicts[no].n += n
}

// putKinds writes the counts. Always in one order, so that two collectors never wait for
// each other.
func (t *tx) putKinds(c *foundChange) error {
	type numbered struct {
		no int64
		k  store.Kind
		n  *[2]int
	}
	var kinds []numbered
	for k, n := range c.kinds {
		kinds = append(kinds, numbered{k.Number(), k, n})
	}
	slices.SortFunc(kinds, func(a, b numbered) int { return cmp.Compare(a.no, b.no) })
	err := t.run(&t.w.s.st.kinds, len(kinds), func(i int) []any {
		k := &kinds[i]
		return []any{k.no, k.k.Rule, k.k.List, k.k.Severity, number(k.k.Covered), int64(k.n[0]), int64(k.n[1])}
	})
	if err != nil {
		return err
	}
	var nos []int64
	for no := range c.verdicts {
		nos = append(nos, no)
	}
	slices.Sort(nos)
	return t.run(&t.w.s.st.verdicts, len(nos), func(i int) []any {
		u := c.verdicts[nos[i]]
		return verdictArgs(nos[i], u.f, u.n)
	})
}

func verdictArgs(no int64, f *store.Finding, uses int) []any {
	return []any{no, f.Kind().Number(), f.Edition, f.Text, f.Source, maybeMicros(f.Since), number(f.Failed), f.Exception, f.Owner,
		maybeMicros(f.Until), int64(uses)}
}

// kindCount is a kind of findings and how many there are.
type kindCount struct {
	store.Kind
	no                int64
	modules, gateways int
}

// findings is how many findings there are of the kind: of modules, or of gateways.
func (k *kindCount) findings() int {
	if k.modules > 0 {
		return k.modules
	}
	return k.gateways
}

func (s *Store) kinds(ctx context.Context, tx *sql.Tx) ([]kindCount, error) {
	var out []kindCount
	q := "SELECT no, rule, list, severity, covered, modules, gateways FROM finding_kinds WHERE modules > 0 OR gateways > 0"
	err := s.each(ctx, tx, q, nil, func(r *sql.Rows) error {
		var k kindCount
		var covered int64
		err := r.Scan(&k.no, &k.Rule, &k.List, &k.Severity, &covered, &k.modules, &k.gateways)
		k.Covered = covered != 0
		out = append(out, k)
		return err
	})
	slices.SortFunc(out, func(a, b kindCount) int {
		return cmp.Or(-cmp.Compare(store.SeverityRank(a.Severity), store.SeverityRank(b.Severity)),
			cmp.Compare(a.Rule, b.Rule), cmp.Compare(a.List, b.List), cmp.Compare(a.no, b.no))
	})
	return out, err
}

// FindingCounts implements [store.Reader].
func (s *Store) FindingCounts(ctx context.Context) ([]store.FindingCount, error) {
	var out []store.FindingCount
	err := s.view(ctx, "count findings", func(tx *sql.Tx) error {
		kinds, err := s.kinds(ctx, tx)
		for _, k := range kinds {
			out = append(out, store.FindingCount{Rule: k.Rule, List: k.List, Severity: k.Severity, Covered: k.Covered, Modules: k.modules, Gateways: k.gateways})
		}
		return err
	})
	return out, err
}

// policies fills in by which policy the gateways of a page were judged.
func (s *Store) policies(ctx context.Context, tx *sql.Tx, fs []store.Finding) error {
	if len(fs) == 0 {
		return nil
	}
	by := map[string]string{}
	var ids []any
	for i := range fs {
		if _, ok := by[fs[i].Gateway]; !ok {
			by[fs[i].Gateway] = ""
			ids = append(ids, fs[i].Gateway)
		}
	}
	q := "SELECT id, policy FROM gateways WHERE id IN (" + strings.TrimSuffix(strings.Repeat("?, ", len(ids)), ", ") + ")"
	err := s.each(ctx, tx, q, ids, func(r *sql.Rows) error {
		var id, policy string
		err := r.Scan(&id, &policy)
		by[id], _, _ = strings.Cut(policy, "@")
		return err
	})
	for i := range fs {
		fs[i].Policy = by[fs[i].Gateway]
	}
	return err
}
