// Package sqlstore is the store over database/sql: one text of SQL for SQLite and
// PostgreSQL, with a [Dialect] for what differs.
//
// Writes go through prepared statements of several rows on one connection or, where the
// server has many writers, on one for each Update. Reads take a snapshot of their own.
// Values are always parameters; the only numbers written into SQL are cohort hashes.
//
// It never opens a database itself and never decides what is stored.
package sqlstore
