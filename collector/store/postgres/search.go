package postgres

import "github.com/rollcall-iot/rollcall/collector/store/internal/sqlstore"

// lexemes are the words as they are: no parser cuts them in another way than SQLite's.
const lexemes = "array_to_tsvector(string_to_array(ltrim(words), ' '))"

// searchIndex is complete at once: what a pending list holds, each search would read.
const searchIndex = "CREATE INDEX search_words ON search USING gin ((" + lexemes + ")) WITH (fastupdate = off)"

func search() sqlstore.Search {
	return sqlstore.Search{
		Contains: "strpos",
		Before:   "SET LOCAL enable_seqscan = off", // without statistics a search for nothing would read the table
		Begin:    "SELECT gateway, words FROM search WHERE " + lexemes + " @@ CAST(? AS tsquery) LIMIT ?",
		Pattern:  func(term string) string { return "'" + term + "':*" }, // letters, digits and hyphens only
	}
}
