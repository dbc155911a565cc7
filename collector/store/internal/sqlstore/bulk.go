package sqlstore

import (
	"strings"
)

// kind is the type of a column, as a mark behind its name: none for text, # for a whole
// number, . for a fraction, ! for bytes.
type kind byte

const marksOfKinds = "#.!"

func readColumns(spec string) (names []string, kinds []kind) {
	for _, c := range strings.Fields(spec) {
		k := kind(0)
		if i := strings.IndexByte(marksOfKinds, c[len(c)-1]); i >= 0 {
			k, c = kind(marksOfKinds[i]), c[:len(c)-1]
		}
		names, kinds = append(names, c), append(kinds, k)
	}
	return names, kinds
}

// array is how a database that takes arrays is told of a column's.
func (k kind) array() string {
	return "CAST(? AS " + map[kind]string{0: "text", '#': "bigint", '.': "double precision", '!': "bytea"}[k] + "[])"
}

// bulk is a statement over several rows. Which form it takes is the database's choice: rows
// of values, one row at a time, or one array for each column.
type bulk struct {
	kinds  []kind
	insert bool   // else it changes rows that exist, by the first column
	head   string // of rows of values, up to VALUES
	tail   string // after them
	one    string // changes one row; its first columns, the keys, are the last parameters, unless whole
	keys   int
	whole  bool
	arrays string
}

// insertion makes a bulk that inserts, and on a conflict of keys writes all other columns.
// Without keys it only inserts; with only "-" it leaves the row that is there.
func insertion(table, columns, keys string) bulk {
	names, kinds := readColumns(columns)
	b := bulk{kinds: kinds, insert: true, head: " INTO " + table + " (" + strings.Join(names, ", ") + ") "}
	switch keys {
	case "":
	case "-":
		b.tail = " ON CONFLICT DO NOTHING"
	default:
		var set []string
		for _, c := range names {
			if !strings.Contains(" "+keys+" ", " "+c+" ") {
				set = append(set, c+" = excluded."+c)
			}
		}
		b.tail = " ON CONFLICT (" + strings.Join(strings.Fields(keys), ", ") + ") DO UPDATE SET " + strings.Join(set, ", ")
	}
	b.arrays = "SELECT * FROM unnest(" + arrays(kinds) + ")"
	return b
}

// change makes a bulk that writes the columns of rows that exist; the first are their key. An
// upsert would do, but costs SQLite a journal of its own for each statement. SQLite writes an
// entry of each index that has one of the columns, also where its value stays.
func change(table, columns string, keys int) bulk {
	names, kinds := readColumns(columns)
	var one, many, where, join []string
	for _, c := range names[keys:] {
		one, many = append(one, c+" = ?"), append(many, c+" = v."+c)
	}
	for _, c := range names[:keys] {
		where, join = append(where, c+" = ?"), append(join, table+"."+c+" = v."+c)
	}
	return bulk{kinds: kinds, keys: keys,
		one: "UPDATE " + table + " SET " + strings.Join(one, ", ") + " WHERE " + strings.Join(where, " AND "),
		arrays: "UPDATE " + table + " SET " + strings.Join(many, ", ") + " FROM unnest(" + arrays(kinds) + ") AS v(" +
			strings.Join(names, ", ") + ") WHERE " + strings.Join(join, " AND ")}
}

// deletion makes a bulk that deletes rows by all of the columns.
func deletion(table, columns string) bulk {
	names, kinds := readColumns(columns)
	var one, many []string
	for _, c := range names {
		one, many = append(one, c+" = ?"), append(many, table+"."+c+" = v."+c)
	}
	return bulk{kinds: kinds, whole: true, one: "DELETE FROM " + table + " WHERE " + strings.Join(one, " AND "),
		arrays: "DELETE FROM " + table + " USING unnest(" + arrays(kinds) + ") AS v(" + strings.Join(names, ", ") + ") WHERE " + strings.Join(many, " AND ")}
}

func arrays(kinds []kind) string {
	var list []string
	for _, k := range kinds {
		list = append(list, k.array())
	}
	return strings.Join(list, ", ")
}

// rows is the statement for some rows of values.
func (b *bulk) rows(d *Dialect, n int) string {
	row := "(" + strings.TrimSuffix(strings.Repeat("?, ", len(b.kinds)), ", ") + ")"
	return d.Insert + b.head + "VALUES " + strings.TrimSuffix(strings.Repeat(row+", ", n), ", ") + b.tail
}

// run runs b for n rows, each given as its columns in order.
func (t *tx) run(b *bulk, n int, row func(i int) []any) error {
	d := &t.w.s.d
	switch {
	case n == 0:
		return nil
	case d.Arrays:
		return t.runArrays(b, n, row)
	case !b.insert:
		for i := range n {
			cells := row(i)
			if !b.whole {
				cells = append(cells[b.keys:len(cells):len(cells)], cells[:b.keys]...)
			}
			if err := t.w.later(t.ctx, b.one, cells...); err != nil {
				return err
			}
		}
		return nil
	}
	chunk := max(1, d.Params/len(b.kinds))
	for at := 0; at < n; {
		size := 1
		if n-at >= chunk {
			size = chunk
		}
		params := make([]any, 0, size*len(b.kinds))
		for i := at; i < at+size; i++ {
			params = append(params, row(i)...)
		}
		if err := t.w.later(t.ctx, b.rows(d, size), params...); err != nil {
			return err
		}
		at += size
	}
	return nil
}

func (t *tx) runArrays(b *bulk, n int, row func(i int) []any) error {
	rows := make([][]any, n)
	for i := range rows {
		rows[i] = row(i)
	}
	params := make([]any, len(b.kinds))
	for c, k := range b.kinds {
		switch k {
		case '#':
			params[c] = column[int64](rows, c)
		case '.':
			params[c] = column[float64](rows, c)
		case '!':
			params[c] = column[[]byte](rows, c)
		default:
			params[c] = column[string](rows, c)
		}
	}
	q := b.arrays
	if b.insert {
		q = t.w.s.d.Insert + b.head + b.arrays + b.tail
	}
	return t.w.later(t.ctx, q, params...)
}

func column[T any](rows [][]any, c int) []T {
	out := make([]T, len(rows))
	for i, r := range rows {
		out[i] = r[c].(T)
	}
	return out
}

// load runs a query for many keys. The query has {in} where they stand: "id {in}".
func (t *tx) load(q string, keys []string, scan func(Row) error) error {
	return t.byKeys(keys, func(in string, keys []any) error {
		return t.w.query(t.ctx, strings.Replace(q, "{in}", in, 1), keys, scan)
	})
}

// onKeys runs a statement for many keys, which stand behind all other parameters.
func (t *tx) onKeys(q string, args []any, keys []string) error {
	return t.byKeys(keys, func(in string, keys []any) error {
		return t.w.later(t.ctx, strings.Replace(q, "{in}", in, 1), append(args[:len(args):len(args)], keys...)...)
	})
}

// byKeys calls run with all keys in one array, or with some at a time.
func (t *tx) byKeys(keys []string, run func(in string, keys []any) error) error {
	if len(keys) == 0 {
		return nil
	}
	if t.w.s.d.Arrays {
		return run("= ANY (CAST(? AS text[]))", []any{keys})
	}
	for len(keys) > 0 {
		n := 1
		for _, size := range []int{t.w.s.d.Params, 8} {
			if len(keys) >= size {
				n = size
				break
			}
		}
		params := make([]any, n)
		for i, k := range keys[:n] {
			params[i] = k
		}
		if err := run("IN ("+strings.TrimSuffix(strings.Repeat("?, ", n), ", ")+")", params); err != nil {
			return err
		}
		keys = keys[n:]
	}
	return nil
}
