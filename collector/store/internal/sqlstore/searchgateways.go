package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// searchGateways makes a page of those that have all words of the query.
func (s *Store) searchGateways(ctx context.Context, tx *sql.Tx, f store.GatewayFilter, from string, rows int) (store.GatewayList, error) {
	state, ok := gatewayStates[f.State]
	terms := store.SearchTerms(f.Query)
	if !ok || len(terms) == 0 {
		return store.GatewayList{}, nil
	}
	k := &seeker{s: s, ctx: ctx, tx: tx, sets: [][]string{terms}}
	all, whole, err := k.gatewaysIn(f.State, state)
	if err != nil {
		return store.GatewayList{}, err
	}
	if !whole {
		return k.walkGateways(state, from, rows)
	}
	list := store.GatewayList{Total: len(all)}
	first, at := slices.BinarySearch(all, from)
	if at {
		first++
	}
	rest := all[first:]
	if len(rest) > rows {
		rest, list.Next = rest[:rows], store.EncodeCursor(gatewayCursor, rest[rows-1])
	}
	list.Items, err = s.gatewaysNamed(ctx, tx, rest)
	return list, err
}

// gatewaysIn gives the ids of all that match and are in a state, sorted, or false where they
// are too many.
func (k *seeker) gatewaysIn(name, state string) ([]string, bool, error) {
	var all []worded
	whole := true
	var err error
	if name == "silent" || name == "conflict" { // there may be fewer of these than have the words
		q := "SELECT g.id, COALESCE(s.words, '') FROM (SELECT id FROM gateways WHERE " + state + " ORDER BY id LIMIT ?) AS g LEFT JOIN search s ON s.gateway = g.id ORDER BY g.id"
		if all, err = k.read(q, []any{k.s.d.Search.Few + 1}); err != nil {
			return nil, false, err
		}
		whole = len(all) <= k.s.d.Search.Few
	}
	if name == "" || name == "heard" || !whole {
		if all, whole, err = k.all(); err != nil || !whole {
			return nil, false, err
		}
	}
	var ids []string
	for _, w := range all {
		if k.match(w.words) {
			ids = append(ids, w.gateway)
		}
	}
	if name == "" || len(ids) == 0 {
		return ids, true, nil
	}
	in, args := listed(ids)
	ids = nil
	err = k.s.each(k.ctx, k.tx, "SELECT id FROM gateways WHERE "+state+" AND id IN "+in+" ORDER BY id", args, func(r *sql.Rows) error {
		var id string
		err := r.Scan(&id)
		ids = append(ids, id)
		return err
	})
	return ids, true, err
}

// walkGateways makes a page of one walk. How many there are is not known.
func (k *seeker) walkGateways(state, from string, rows int) (store.GatewayList, error) {
	list := store.GatewayList{Total: -1}
	if state != gatewayStates[""] {
		k.also = "EXISTS (SELECT 1 FROM gateways g WHERE g.id = s.gateway AND g." + state + ")"
	}
	var found []worded
	end, err := k.along(&stretch{from: from}, rows, func(some []worded) (bool, error) {
		found = append(found, some...)
		return len(found) >= rows, nil
	})
	if err != nil {
		return list, err
	}
	if len(found) >= rows {
		found, end = found[:rows], found[rows-1].gateway
	}
	if end != "" {
		list.Next = store.EncodeCursor(gatewayCursor, end)
	}
	ids := make([]string, len(found))
	for i := range found {
		ids[i] = found[i].gateway
	}
	list.Items, err = k.s.gatewaysNamed(k.ctx, k.tx, ids)
	return list, err
}

// gatewaysNamed reads those of some ids, in order.
func (s *Store) gatewaysNamed(ctx context.Context, tx *sql.Tx, ids []string) ([]store.Gateway, error) {
	if len(ids) == 0 {
		return nil, nil
	}
	var items []store.Gateway
	in, args := listed(ids)
	err := s.each(ctx, tx, "SELECT "+gatewayColumns+" FROM gateways WHERE id IN "+in+" ORDER BY id", args, func(r *sql.Rows) error {
		g, err := scanGateway(r)
		items = append(items, g)
		return err
	})
	return items, err
}

// listed writes parameters for some texts, which must not be none.
func listed(texts []string) (string, []any) {
	args := make([]any, len(texts))
	for i, t := range texts {
		args[i] = t
	}
	return "(" + strings.TrimSuffix(strings.Repeat("?, ", len(texts)), ", ") + ")", args
}
