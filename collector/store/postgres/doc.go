// Package postgres keeps the collector's store in a PostgreSQL database, which several
// collectors may share.
//
// The SQL is that of the SQLite store. A gateway is locked while one collector works on its
// messages, and events become visible in the order of their numbers, so that whoever reads on
// from a number misses none.
//
// It never creates a database or a role, and needs no right but to create and use tables in
// its schema.
package postgres
