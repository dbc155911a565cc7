// Package join is what a gateway without credentials and an authority say to each other: a signed
// [Request] for credentials and the [Answer] to it.
//
//	gateway: makes its keys ─► Request, signed by both ─► rollcall.v1.join.<id> ─► authority
//	         writes its credentials ◄── token for its key ◄── Answer ◄── a person, or a list
//
// It promises that a request which opens was made by who holds the key that will log in and the key
// that will sign reports; that neither leaves the gateway; and that a gateway takes only an answer to
// its own question: with its nonce, for its key and its name, of the account whose join token it holds.
//
// It never holds a secret of an authority, never decides who may join, and never talks to a broker.
package join
