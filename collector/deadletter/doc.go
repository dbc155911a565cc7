// Package deadletter keeps what was given up, with the reason, in a stream of its own:
// messages that are not believed, and events that nobody would take.
//
//	rollcall.v1.dead.<reason>    one for each reason, in stream ROLLCALL_DEAD
//
// A letter's body is the message as it came; its headers say where it came from and why it is
// here, and carry the message's own headers under other names, so that none of them means
// anything to the broker.
//
// It promises that [Box.Put] returns only when the broker has all letters on disk, or with an
// error; and that the same letter is kept once within two minutes. The stream is made if it is
// missing and bounded by size and age, oldest first.
//
// It never changes a stream that is there.
package deadletter
