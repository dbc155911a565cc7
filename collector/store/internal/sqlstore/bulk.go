package sqlstore

import (
	"database/sql"
	"strings"
)

// bulk is a statement over several rows of values.
type bulk struct {
	head string // up to VALUES
	row  string // "(?, ?)"
	tail string // after the rows
}

// upsert makes a bulk that inserts, and on a conflict of keys writes all other columns.
// Without keys it only inserts; with only "-" it leaves the row that is there.
func upsert(table, columns string, keys string) bulk {
	cols := strings.Fields(columns)
	b := bulk{
		head: " INTO " + table + " (" + strings.Join(cols, ", ") + ") VALUES ",
		row:  "(" + strings.TrimSuffix(strings.Repeat("?, ", len(cols)), ", ") + ")",
	}
	switch keys {
	case "":
	case "-":
		b.tail = " ON CONFLICT DO NOTHING"
	default:
		var set []string
		for _, c := range cols {
			if !strings.Contains(" "+keys+" ", " "+c+" ") {
				set = append(set, c+" = excluded."+c)
			}
		}
		b.tail = " ON CONFLICT (" + strings.Join(strings.Fields(keys), ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
	}
	return b
}

// update makes a statement that writes all columns but the first, which is the key.
func update(table, columns, key string) string {
	cols := strings.Fields(columns)[1:]
	return "UPDATE " + table + " SET " + strings.Join(cols, " = ?, ") + " = ? WHERE " + key + " = ?"
}

func (b *bulk) text(insert string, rows int) string {
	return insert + b.head + strings.TrimSuffix(strings.Repeat(b.row+", ", rows), ", ") + b.tail
}

func (b *bulk) params() int { return strings.Count(b.row, "?") }

// run executes b for n rows, in statements of as many rows as the database likes.
func (t *tx) run(b *bulk, n int, args func(i int) []any) error {
	chunk := max(1, t.w.s.d.Params/b.params())
	for at := 0; at < n; {
		size := 1
		if n-at >= chunk {
			size = chunk
		}
		params := make([]any, 0, size*b.params())
		for i := at; i < at+size; i++ {
			params = append(params, args(i)...)
		}
		if _, err := t.w.exec(t.ctx, b.text(t.w.s.d.Insert, size), params...); err != nil {
			return err
		}
		at += size
	}
	return nil
}

// load runs a query with one parameter for each key, a chunk of keys at a time. The query
// has {in} where the parameters stand.
func (t *tx) load(q string, keys []string, scan func(*sql.Rows) error) error {
	for len(keys) > 0 {
		n := 1
		if chunk := max(1, t.w.s.d.Params); len(keys) >= chunk {
			n = chunk
		} else if len(keys) >= 8 {
			n = 8
		}
		params := make([]any, n)
		for i, k := range keys[:n] {
			params[i] = k
		}
		in := strings.TrimSuffix(strings.Repeat("?, ", n), ", ")
		if err := t.w.query(t.ctx, strings.Replace(q, "{in}", in, 1), params, scan); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}
