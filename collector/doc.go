// Package collector turns what gateways publish into the state of a fleet.
//
//	JetStream ─► verify ─► identify again ─► order, compare ─► store ─► acknowledge
//	             signature   (judge)          (fold)            └─► events, pages, API
//	             key, schema
//
// It promises:
//   - A message is acknowledged only after what it says is on disk, so a crash at any
//     moment loses nothing.
//   - The state is a function of the set of reports alone: repeated, late, replayed or in any
//     order, they lead to the same modules and the same events.
//   - Order is boot and sequence, never a clock. Two reports that claim one place are a
//     conflict that a person sees; both are kept, and they are never mixed.
//   - Signatures count, subjects do not. What is not believed is kept with the reason, and
//     counted.
//   - A heartbeat of findings that are not known here makes the collector ask for them, so
//     that a lost report, stream or database heals.
//
// It never changes a stream's configuration that it did not make, never publishes on a
// gateway's subjects, and serves nothing beyond this machine unless it is told to.
package collector
