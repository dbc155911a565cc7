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
//   - What is found of modules and gateways (lists, rules) is a function of what is known of
//     them now and of the policy in force. Each report is judged as of the time at which the
//     broker took it, in the transaction that stores it, so that findings, the reports since
//     which they are open and the events of both follow from the set of reports and the
//     policy as well. A gateway's clock and health are those of its last word by that order,
//     report or heartbeat. A module that tells less than it did is judged by what it last
//     told: silence clears nothing.
//   - What newer knowledge, another policy, the calendar, a silence or another gateway changes
//     is told apart from what changed in the field: those events name no report. When
//     knowledge changes, the whole fleet is judged again in the background, and that goes on
//     where it was interrupted.
//   - What is forgotten, by age or size, is never the newest full picture. What people
//     decided (keys, cleared conflicts) is not in the stream: a store rebuilt from it lacks that.
//   - Signatures count, subjects do not. What is not believed is kept with the reason, and
//     counted.
//   - A heartbeat of findings that are not known here makes the collector ask for them, so
//     that a lost report, stream or database heals.
//
// It never changes a stream's configuration that it did not make, never publishes on a
// gateway's subjects, and serves nothing beyond this machine unless it is told to.
package collector
