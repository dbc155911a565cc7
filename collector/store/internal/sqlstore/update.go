package sqlstore

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// tx is one running Update.
type tx struct {
	ctx   context.Context
	w     *writer
	brief bool // known has no whole rows
	known map[string]*store.Gateway
	// stored is the same, out of reach for who changes what was handed out.
	stored map[string]*store.Gateway
	// cohorts holds where each loaded module stands now, by gateway and id.
	cohorts map[string]map[string]stands
	// found holds the stored findings of each gateway that was asked for.
	found map[string][]store.Finding
	// counts write what follows from the rows that Put writes.
	counts []func() error
	put    bool
}

var (
	// errTwice: the rows already written would not be counted rightly.
	errTwice = errors.New("put was called twice in one update")
	// errBrief: what was not loaded would be lost.
	errBrief = errors.New("whole rows of gateways were put in an update that loads them briefly")
)

// Writers implements [store.Writer]: half of them are left for what is not intake.
func (s *Store) Writers() int { return (s.d.Writers + 1) / 2 }

// Update implements [store.Writer].
func (s *Store) Update(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	return s.update(ctx, gateways, false, fn)
}

// UpdateBriefly implements [store.Writer].
func (s *Store) UpdateBriefly(ctx context.Context, gateways []string, fn func(store.Tx, map[string]*store.Gateway) error) error {
	return s.update(ctx, gateways, true, fn)
}

func (s *Store) update(ctx context.Context, gateways []string, brief bool, fn func(store.Tx, map[string]*store.Gateway) error) error {
	ids := slices.Compact(slices.Sorted(slices.Values(gateways)))
	var own error // fn's, which is handed back as it is
	err := s.change(ctx, func(w *writer) error {
		t := &tx{ctx: context.WithoutCancel(ctx), w: w, brief: brief, known: map[string]*store.Gateway{}, stored: map[string]*store.Gateway{},
			cohorts: map[string]map[string]stands{}, found: map[string][]store.Finding{}}
		if err := t.hold(ids); err != nil {
			return err
		}
		own = fn(t, t.known)
		return own
	})
	if own != nil && err != nil {
		return own
	}
	return s.fail("store", err)
}

// hold loads what is known of the gateways and keeps others from changing it. Of one that is
// not known there is no row to hold, and a lock for each would be too many for the server, all
// collectors together: what only one gateway is touched by waits for all others. Then it may be
// known after all.
func (t *tx) hold(ids []string) error {
	d := &t.w.s.d
	if err := t.loadGateways(ids); err != nil || d.Unknown == "" {
		return err
	}
	missing := slices.DeleteFunc(slices.Clone(ids), func(id string) bool { return t.known[id] != nil })
	if len(missing) == 0 {
		return nil
	}
	lock := d.Unknown
	if len(ids) == 1 {
		lock = d.UnknownAlone
	}
	if err := t.w.later(t.ctx, lock); err != nil {
		return err
	}
	return t.loadGateways(missing)
}

func (t *tx) loadGateways(ids []string) error {
	if t.brief {
		return t.load("SELECT "+briefColumns+" FROM gateways WHERE id {in}"+t.w.s.d.Hold, ids, func(r Row) error {
			g, err := scanBrief(r)
			t.known[g.ID] = &g
			return err
		})
	}
	return t.load("SELECT "+gatewayColumns+" FROM gateways WHERE id {in}"+t.w.s.d.Hold, ids, func(r Row) error {
		g, err := scanGateway(r)
		own := g
		t.known[g.ID], t.stored[g.ID] = &g, &own
		return err
	})
}

// Modules implements [store.Tx].
func (t *tx) Modules(gateways []string) (map[string][]store.Module, error) {
	for _, g := range gateways {
		t.cohorts[g] = map[string]stands{}
	}
	var modules []store.Module
	var cohorts []int64
	err := t.load("SELECT "+moduleColumns+" FROM modules m WHERE m.gateway {in}", gateways, func(r Row) error {
		m, cohort, err := scanModule(r)
		modules, cohorts = append(modules, m), append(cohorts, cohort)
		return err
	})
	if err != nil {
		return nil, t.w.s.fail("load modules", err)
	}
	facets, err := t.w.s.facets.of(t, "SELECT c.no, "+facetColumns+" FROM cohorts c WHERE c.no {in}", cohorts, scanFacets)
	if err != nil {
		return nil, t.w.s.fail("load kinds of modules", err)
	}
	found := map[string][]store.Module{}
	for i, m := range modules {
		f := facets[cohorts[i]]
		f.Fill(&m)
		found[m.Gateway] = append(found[m.Gateway], m)
		t.cohorts[m.Gateway][m.ID] = stands{f, m.Identity.IMEI, m.Duplicate}
	}
	for _, ms := range found {
		slices.SortFunc(ms, func(a, b store.Module) int { return compare(a.ID, b.ID) })
	}
	return found, nil
}

// Keys implements [store.Tx].
func (t *tx) Keys(gateways []string) (map[string][]store.Key, error) {
	keys := map[string][]store.Key{}
	err := t.load("SELECT "+keyColumns+" FROM keys WHERE gateway {in} ORDER BY first_seen, report_key", gateways, func(r Row) error {
		k, err := scanKey(r)
		keys[k.Gateway] = append(keys[k.Gateway], k)
		return err
	})
	return keys, t.w.s.fail("load keys", err)
}

// mostUsers bounds the users of one key, and those of several that are asked for together.
const mostUsers = 100

// KeyUsers implements [store.Tx].
func (t *tx) KeyUsers(keys []string) (map[string][]string, error) {
	users := map[string][]string{}
	most := 64
	if t.w.s.d.Arrays {
		most = 1000
	}
	for some := range slices.Chunk(keys, most) {
		n, err := t.keyUsers(some, users)
		if err == nil && n == mostUsers && len(some) > 1 { // one of them has so many that others may lack theirs
			for _, k := range some {
				delete(users, k)
				if _, err = t.keyUsers([]string{k}, users); err != nil {
					break
				}
			}
		}
		if err != nil {
			return nil, t.w.s.fail("load the users of a key", err)
		}
	}
	return users, nil
}

// keyUsers says how many there were, of all keys.
func (t *tx) keyUsers(keys []string, users map[string][]string) (n int, err error) {
	in, args := "= ANY (CAST(? AS text[]))", []any{keys}
	if !t.w.s.d.Arrays {
		in, args = "IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(keys)), ", ")+")", nil
		for _, k := range keys {
			args = append(args, k)
		}
	}
	q := "SELECT report_key, gateway FROM keys WHERE report_key " + in + " ORDER BY report_key, gateway LIMIT " + strconv.Itoa(mostUsers)
	err = t.w.query(t.ctx, q, args, func(r Row) error {
		var key, id string
		err := r.Scan(&key, &id)
		users[key] = append(users[key], id)
		n++
		return err
	})
	return n, err
}

// Reports implements [store.Tx].
func (t *tx) Reports(gateway string) ([]store.Report, error) {
	var reports []store.Report
	err := t.w.query(t.ctx, "SELECT "+reportColumns+" FROM reports WHERE gateway = ? ORDER BY boot, seq, id", []any{gateway},
		func(r Row) error {
			_, rep, err := scanReport(r)
			reports = append(reports, rep)
			return err
		})
	return reports, t.w.s.fail("load reports", err)
}

// Evidence implements [store.Tx].
func (t *tx) Evidence(gateway, digest string) (store.Evidence, error) {
	var e store.Evidence
	err := sql.ErrNoRows
	q := t.w.query(t.ctx, evidenceQuery, []any{gateway, digest}, func(r Row) error {
		e, err = scanEvidence(r)
		return err
	})
	if q != nil {
		err = q
	}
	return e, t.w.s.fail(fmt.Sprintf("load evidence of gateway %q", gateway), err)
}

// Events implements [store.Tx].
func (t *tx) Events(gateway string) ([]store.Event, error) {
	var events []store.Event
	q := "SELECT " + eventColumns + " FROM events WHERE gateway = ? AND report <> '' ORDER BY boot, seq, report, no"
	err := t.w.query(t.ctx, q, []any{gateway}, func(r Row) error {
		e, err := scanEvent(r)
		events = append(events, e)
		return err
	})
	return events, t.w.s.fail("load events", err)
}
