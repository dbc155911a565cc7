package sqlite

import "github.com/rollcall-iot/rollcall/collector/store/internal/sqlstore"

// searchTables keep words in an FTS5 index without their text, which the table search has. The
// tokenizer cuts at blanks alone: whatever is not ASCII, and the hyphen, belongs to a word.
const searchTables = `CREATE VIRTUAL TABLE search_words USING fts5(words, content='', contentless_delete=1, detail=none, tokenize="ascii tokenchars '-'")`

func search() sqlstore.Search {
	return sqlstore.Search{
		Contains: "instr",
		Begin: "SELECT s.gateway, s.words FROM (SELECT rowid AS no FROM search_words WHERE search_words MATCH ? LIMIT ?) AS f " +
			"CROSS JOIN search s ON s.no = f.no", // in this order: the planner would begin with the larger table
		Pattern: func(term string) string { return `"` + term + `" *` }, // letters, digits and hyphens only
		Put:     "INSERT OR REPLACE INTO search_words (rowid, words) VALUES (?, ?)",
		Clear:   "INSERT INTO search_words (search_words) VALUES ('delete-all')",
	}
}
