// Package backup copies a collector's store and brings copies back.
//
//	store ── Write ──► file ── Restore ──► store ── Reread ──► the stream from its beginning
//
// It promises that a restored store ends up as the lost one was, as long as the stream still
// holds what came since the copy: Restore gives the store a new identity, and with it a
// consumer of its own that reads all that the stream keeps. What the copy has already comes
// again and changes nothing, since a collector's state is a function of the set of reports.
//
// It never writes over a file or a store, and never runs a program: a PostgreSQL database is
// copied with PostgreSQL's own tools, and Reread is called afterwards.
package backup
