// Package sqlite keeps the collector's store in one file, without cgo and without a server.
//
// There is one connection that writes and several that read; the log is written ahead (WAL)
// and synced at every commit, so that what was acknowledged to a gateway survives a crash
// and a power cut. A lock keeps a second collector from the same file: share a PostgreSQL
// store instead.
//
// It never changes a file that is not its own: a database of another program is refused.
package sqlite
