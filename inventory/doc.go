// Package inventory is the data model that gateway and collector share.
//
// One [Report] says what one gateway saw at one moment: a full picture, never a
// delta. It holds one [Module] for every cellular device that the kernel shows or
// a person named, asked or not, each with its evidence and, where it was asked,
// the transcript that proves it. A [Heartbeat] says "unchanged since that report".
// An [Envelope] is either of them as exact signed bytes: what is spooled, sent,
// verified and stored.
//
//	Report ── Encode ──► canonical bytes ── Sign ──► Envelope ── Verify, Decode ──► Report
//	   └─ Digest: what changes only when the findings change
//
// It promises that the same value always encodes to the same bytes, that the JSON
// names documented here stay, and that decoding is bounded: what is too large, too
// deep or of another schema is refused with an error that says which.
//
// It never does I/O, never reads a clock, never trusts what it decodes, and knows
// no maker, list or country.
package inventory
