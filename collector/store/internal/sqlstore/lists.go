package sqlstore

import (
	"context"
	"database/sql"
	"slices"
	"strconv"
	"strings"

	"github.com/rollcall-iot/rollcall/collector/store"
)

// Gateway implements [store.Reader].
func (s *Store) Gateway(ctx context.Context, id string) (store.Gateway, error) {
	var g store.Gateway
	err := s.view(ctx, "find gateway "+strconv.Quote(id), func(tx *sql.Tx) (err error) {
		g, err = scanGateway(tx.QueryRowContext(ctx, s.sql("SELECT "+gatewayColumns+" FROM gateways WHERE id = ?"), lookedFor(id)))
		return err
	})
	return g, err
}

// gatewayStates are the conditions of GatewayFilter.State.
var gatewayStates = map[string]string{"": "1 = 1", "silent": "silent = 1", "heard": "silent = 0", "conflict": "conflict <> ''"}

const gatewayCursor = "gateways"

// Gateways implements [store.Reader].
func (s *Store) Gateways(ctx context.Context, f store.GatewayFilter, p store.Page) (store.GatewayList, error) {
	at, err := store.DecodeCursor(gatewayCursor, p.Cursor, 1)
	if err != nil {
		return store.GatewayList{}, err
	}
	from := ""
	if at != nil {
		from = at[0]
	}
	var list store.GatewayList
	err = s.view(ctx, "list gateways", func(tx *sql.Tx) (err error) {
		if f.Query != "" {
			list, err = s.searchGateways(ctx, tx, f, from, p.Rows())
			return err
		}
		figures, err := s.gatewayFigures(ctx, tx)
		if err != nil {
			return err
		}
		list.Total = map[string]int{"": figures.Gateways, "silent": figures.Silent,
			"heard": figures.Gateways - figures.Silent, "conflict": figures.Conflicts}[f.State]
		list.Items, err = s.gatewayPage(ctx, tx, f.State, from, p.Rows()+1)
		return err
	})
	if n := p.Rows(); len(list.Items) > n {
		list.Items = list.Items[:n]
		list.Next = store.EncodeCursor(gatewayCursor, list.Items[n-1].ID)
	}
	return list, err
}

func (s *Store) gatewayPage(ctx context.Context, tx *sql.Tx, name, from string, rows int) ([]store.Gateway, error) {
	state, ok := gatewayStates[name]
	if !ok {
		return nil, nil
	}
	var items []store.Gateway
	q := "SELECT " + gatewayColumns + " FROM gateways WHERE " + state + " AND id > ? ORDER BY id LIMIT ?"
	err := s.each(ctx, tx, q, []any{from, rows}, func(r *sql.Rows) error {
		g, err := scanGateway(r)
		items = append(items, g)
		return err
	})
	return items, err
}

// Events implements [store.Reader].
func (s *Store) Events(ctx context.Context, f store.EventFilter, p store.Page) (store.EventList, error) {
	at, err := store.DecodeCursor("events", p.Cursor, 1)
	if err != nil {
		return store.EventList{}, err
	}
	where, args := []string{"1 = 1"}, []any{}
	if f.Gateway != "" {
		where, args = append(where, "gateway = ?"), append(args, lookedFor(f.Gateway))
	}
	if f.Module != "" {
		where, args = append(where, "module = ?"), append(args, lookedFor(f.Module))
	}
	if len(f.Kind) > 0 {
		where = append(where, "kind IN ("+strings.TrimSuffix(strings.Repeat("?, ", len(f.Kind)), ", ")+")")
		for _, k := range f.Kind {
			args = append(args, string(k))
		}
	}
	if where, args, err = behind(where, args, at); err != nil {
		return store.EventList{}, err
	}
	var list store.EventList
	q := "SELECT " + eventColumns + " FROM events WHERE " + strings.Join(where, " AND ") + " ORDER BY no DESC LIMIT ?"
	err = s.view(ctx, "list events", func(tx *sql.Tx) error {
		return s.each(ctx, tx, q, append(args, p.Rows()+1), func(r *sql.Rows) error {
			e, err := scanEvent(r)
			list.Items = append(list.Items, e)
			return err
		})
	})
	if n := p.Rows(); len(list.Items) > n {
		list.Items = list.Items[:n]
		list.Next = store.EncodeCursor("events", strconv.FormatInt(list.Items[n-1].No, 10))
	}
	return list, err
}

// behind goes on before the number in a cursor.
func behind(where []string, args []any, at []string) ([]string, []any, error) {
	if at == nil {
		return where, args, nil
	}
	no, err := strconv.ParseInt(at[0], 10, 64)
	if err != nil {
		return nil, nil, store.ErrCursor
	}
	return append(where, "no < ?"), append(args, no), nil
}

// Reports implements [store.Reader].
func (s *Store) Reports(ctx context.Context, gateway string, p store.Page) (store.ReportList, error) {
	at, err := store.DecodeCursor("reports", p.Cursor, 3)
	if err != nil {
		return store.ReportList{}, err
	}
	where, args := "gateway = ?", []any{lookedFor(gateway)}
	if at != nil {
		boot, err1 := strconv.ParseInt(at[0], 10, 64)
		seq, err2 := strconv.ParseInt(at[1], 10, 64)
		if err1 != nil || err2 != nil {
			return store.ReportList{}, store.ErrCursor
		}
		where, args = where+" AND (boot, seq, id) < (?, ?, ?)", append(args, boot, seq, at[2])
	}
	var list store.ReportList
	err = s.view(ctx, "list reports", func(tx *sql.Tx) error {
		q := "SELECT " + reportColumns + " FROM reports WHERE " + where + " ORDER BY boot DESC, seq DESC, id DESC LIMIT ?"
		return s.each(ctx, tx, q, append(args, p.Rows()+1), func(r *sql.Rows) error {
			_, rep, err := scanReport(r)
			list.Items = append(list.Items, rep)
			return err
		})
	})
	if n := p.Rows(); len(list.Items) > n {
		list.Items = list.Items[:n]
		last := &list.Items[n-1]
		list.Next = store.EncodeCursor("reports", strconv.FormatUint(last.Boot, 10), strconv.FormatUint(last.Seq, 10), last.ID)
	}
	return list, err
}

// Evidence implements [store.Reader].
func (s *Store) Evidence(ctx context.Context, gateway, digest string) (store.Evidence, error) {
	var e store.Evidence
	err := s.view(ctx, "find evidence of gateway "+strconv.Quote(gateway), func(tx *sql.Tx) (err error) {
		e, err = scanEvidence(tx.QueryRowContext(ctx, s.sql(evidenceQuery), lookedFor(gateway), lookedFor(digest)))
		return err
	})
	return e, err
}

// Keys implements [store.Reader].
func (s *Store) Keys(ctx context.Context, gateway string) ([]store.Key, error) {
	var keys []store.Key
	err := s.view(ctx, "list keys", func(tx *sql.Tx) error {
		q := "SELECT " + keyColumns + " FROM keys WHERE gateway = ? ORDER BY first_seen, report_key"
		return s.each(ctx, tx, q, []any{lookedFor(gateway)}, func(r *sql.Rows) error {
			k, err := scanKey(r)
			keys = append(keys, k)
			return err
		})
	})
	return keys, err
}

// Rejected implements [store.Reader].
func (s *Store) Rejected(ctx context.Context, p store.Page) (store.RejectedList, error) {
	at, err := store.DecodeCursor("rejected", p.Cursor, 1)
	if err != nil {
		return store.RejectedList{}, err
	}
	where, args, err := behind([]string{"1 = 1"}, nil, at)
	if err != nil {
		return store.RejectedList{}, err
	}
	var list store.RejectedList
	q := "SELECT no, received, sequence, subject, gateway, report_key, reason, words, size, body FROM rejected WHERE " +
		strings.Join(where, " AND ") + " ORDER BY no DESC LIMIT ?"
	err = s.view(ctx, "list rejected messages", func(tx *sql.Tx) error {
		return s.each(ctx, tx, q, append(slices.Clone(args), p.Rows()+1), func(r *sql.Rows) error {
			var j store.Rejected
			var received int64
			err := r.Scan(&j.No, &received, &j.Sequence, &j.Subject, &j.Gateway, &j.Key, &j.Reason, &j.Text, &j.Size, &j.Body)
			j.Received = fromMicros(received)
			list.Items = append(list.Items, j)
			return err
		})
	})
	if n := p.Rows(); len(list.Items) > n {
		list.Items = list.Items[:n]
		list.Next = store.EncodeCursor("rejected", strconv.FormatInt(list.Items[n-1].No, 10))
	}
	return list, err
}
