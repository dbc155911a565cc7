package sqlstore

import (
	"context"
	"database/sql"
	"maps"
	"slices"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
)

// Search is how a database looks for words.
type Search struct {
	// Contains is the function that says where a text stands in another, 0 for nowhere.
	Contains string
	// Before is said in a transaction before Begin, where it is not empty.
	Before string
	// Begin gives gateway and words of those with a word that begins with a term, in any order.
	// Its parameters are Pattern of the term and how many to give at most.
	Begin   string
	Pattern func(term string) string
	// Put keeps words by number beside the table, and Clear forgets all: for a database whose
	// index is a table of its own. Empty: it is not.
	Put, Clear string
	// Few is how many gateways are looked through one by one, Sample how many show how frequent
	// a word is, and Walk how many are passed over for one page. 0 is what suits a million.
	Few, Sample, Walk int
}

func (d *Search) withDefaults() {
	for _, b := range []struct {
		n    *int
		suit int
	}{{&d.Few, 2000}, {&d.Sample, 1000}, {&d.Walk, 50_000}} {
		if *b.n == 0 {
			*b.n = b.suit
		}
	}
}

// markSearch is the form of the words in the table.
const markSearch = "search-form"

// refound says whether a known gateway may be found by other words than before.
func refound(was, g *store.Gateway) bool {
	return was.Hostname != g.Hostname || !maps.Equal(was.Labels, g.Labels)
}

// putWaiting notes the gateways whose words have to be taken over, in the transaction that
// changes what they come from: whatever ends, none is forgotten.
func (t *tx) putWaiting(gateways []*store.Gateway) error {
	return t.run(&t.w.s.st.waiting, len(gateways), func(i int) []any { return []any{gateways[i].ID} })
}

// prepareSearch has the index made anew where it is missing or of another form.
func (s *Store) prepareSearch(ctx context.Context) error {
	return s.change(ctx, func(w *writer) error {
		if err := w.lock(ctx, []string{searchLock}); err != nil { // other collectors may be starting too
			return err
		}
		var form, kept, waiting, gateways int64
		q := "SELECT COALESCE((SELECT n FROM marks WHERE name = ?), 0), (SELECT count(*) FROM (SELECT 1 FROM search LIMIT 1) AS s), " +
			"(SELECT count(*) FROM (SELECT 1 FROM search_waiting LIMIT 1) AS w), (SELECT count(*) FROM (SELECT 1 FROM gateways LIMIT 1) AS g)"
		err := w.query(ctx, q, []any{markSearch}, func(r Row) error { return r.Scan(&form, &kept, &waiting, &gateways) })
		if err != nil || form == store.SearchForm && (kept > 0 || waiting > 0 || gateways == 0) {
			return err
		}
		steps := []string{"DELETE FROM search_waiting", "INSERT INTO search_waiting (gateway) SELECT id FROM gateways ORDER BY id", "DELETE FROM search"}
		if s.d.Search.Clear != "" {
			steps = append(steps, s.d.Search.Clear)
		}
		for _, q := range steps {
			if _, err := w.exec(ctx, q); err != nil {
				return err
			}
		}
		b := insertion("marks", "name n#", "name")
		_, err = w.exec(ctx, b.rows(&s.d, 1), markSearch, int64(store.SearchForm))
		return err
	})
}

// searchLock stands for the index among what collectors lock; no gateway has a blank in its id.
const searchLock = "the search"

// SearchWaiting implements [store.Keeper].
func (s *Store) SearchWaiting(ctx context.Context) (n int, err error) {
	err = s.view(ctx, "count what cannot be searched yet", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) FROM search_waiting").Scan(&n)
	})
	return n, err
}

// IndexSearch implements [store.Keeper].
func (s *Store) IndexSearch(ctx context.Context, limit int) (n int, err error) {
	idle := false
	err = s.view(ctx, "look what cannot be searched yet", func(tx *sql.Tx) error {
		return tx.QueryRowContext(ctx, "SELECT count(*) = 0 FROM (SELECT 1 FROM search_waiting LIMIT 1) AS few").Scan(&idle)
	})
	if err != nil || idle {
		return 0, err
	}
	err = s.change(ctx, func(w *writer) error {
		if err := w.lock(ctx, []string{searchLock}); err != nil { // of two collectors the slower must not write the older words
			return err
		}
		n, err = (&tx{ctx: context.WithoutCancel(ctx), w: w}).takeOver(limit)
		return err
	})
	return n, s.fail("index words", err)
}

// takeOver takes the words of some gateways that wait into the index.
func (t *tx) takeOver(limit int) (int, error) {
	var nos []int64
	var ids []string
	err := t.w.query(t.ctx, "SELECT no, gateway FROM search_waiting ORDER BY no LIMIT ?", []any{limit}, func(r Row) error {
		var no int64
		var id string
		err := r.Scan(&no, &id)
		nos, ids = append(nos, no), append(ids, id)
		return err
	})
	if err != nil {
		return 0, err
	}
	type entry struct {
		gateway, words string
		no             int64
	}
	var entries []entry
	slices.Sort(ids) // in the order of the table
	err = t.load("SELECT no, id, hostname, labels FROM gateways WHERE id {in}", slices.Compact(ids), func(r Row) error {
		var e entry
		var g inventory.Gateway
		var labels string
		err := r.Scan(&e.no, &g.ID, &g.Hostname, &labels)
		if err == nil {
			g.Labels, err = value[map[string]string](labels)
		}
		e.gateway, e.words = g.ID, store.SearchWords(&g)
		entries = append(entries, e)
		return err
	})
	if err != nil {
		return 0, err
	}
	if err := t.run(&t.w.s.st.search, len(entries), func(i int) []any { return []any{entries[i].gateway, entries[i].no, entries[i].words} }); err != nil {
		return 0, err
	}
	if q := t.w.s.d.Search.Put; q != "" {
		for _, e := range entries {
			if _, err := t.w.exec(t.ctx, q, e.no, e.words); err != nil {
				return 0, err
			}
		}
	}
	return len(nos), t.run(&t.w.s.st.indexed, len(nos), func(i int) []any { return []any{nos[i]} })
}

// wordsOf gives the words of one gateway, as they are now, where there is a query that asks for them.
func (s *Store) wordsOf(ctx context.Context, tx *sql.Tx, gateway, query string) (words string, err error) {
	if query == "" {
		return "", nil
	}
	err = s.each(ctx, tx, "SELECT hostname, labels FROM gateways WHERE id = ?", []any{gateway}, func(r *sql.Rows) error {
		g := inventory.Gateway{ID: gateway}
		var labels string
		err := r.Scan(&g.Hostname, &labels)
		if err == nil {
			g.Labels, err = value[map[string]string](labels)
		}
		words = store.SearchWords(&g)
		return err
	})
	return words, err
}
