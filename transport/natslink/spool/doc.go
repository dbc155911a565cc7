// Package spool keeps envelopes until a receipt for them has come.
//
// One envelope is one file that is written once and never changed: a header with
// length and CRC-32C, what the envelope says of itself, and its signed bytes. The name
// is boot counter, sequence and a piece of the id, so that names sort in the order of
// making without any clock.
//
//	Put ── temp, write, fsync, rename, fsync dir ──► <boot>-<seq>-<id>.rcl ── Next ──► … ── Remove
//	                                                   └─ damaged or refused ──► bad/
//
// There is no index, no ledger and no database, so after a crash there is nothing to
// repair: each file is good or bad alone.
//
// It promises:
//   - what [Spool.Put] confirmed with nil is not lost by a crash, kill or power cut, given
//     a disk that honours fsync, and comes out of [Spool.Next] with exactly its bytes;
//   - it stays within its [Limits]; when full the oldest superseded envelope goes first,
//     the newest full report of a gateway stays, and every drop is counted;
//   - a damaged record costs that record alone, which is set aside in bad/ (bounded);
//   - where the disk refuses, it goes on in memory, says so in [Spool.Health] and in the
//     error of Put, and returns to the disk by itself.
//
// It never syncs the same file twice, never follows a link, never deletes a file that is
// not its own, and never needs a person to delete files.
package spool
