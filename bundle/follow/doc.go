// Package follow keeps a program at the newest bundle that it may believe: from a file, from
// an object store of JetStream, or both.
//
//	file ─────┐
//	          ├─ signed by a trusted key? newer? does it load? ─► kept on disk ─► in use
//	bucket ───┘
//
// It promises that what is in use was signed by a key that is trusted now, that a lower
// version never follows a higher one unless that is allowed, that a bundle which is refused
// changes nothing, and that the last good one is there at the next start, also without a
// broker. Every refusal is told once, with the reason. What did not load is tried once more by
// [Follower.Again].
//
// It never writes to the bucket, except by [Push], and never to the file.
package follow
