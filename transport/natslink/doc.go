// Package natslink carries envelopes from a gateway to JetStream.
//
//	spool ──Next──► Sender ──► Link.Publish ──► JetStream ──PubAck──► Receipt ──► Remove
//
// A [Link] is one connection that never gives up: it retries for as long as it lives,
// with full jitter and at most five minutes between tries, and tells in [Link.Health] what
// is wrong in words that say what to do. [Link.Publish] waits for JetStream's
// acknowledgement and names every failure by what to do next ([Kind]). A [Sender] drains
// a store of envelopes through it, oldest first and one at a time.
//
// It promises that an envelope leaves the store only after a receipt for its bytes; that
// an acknowledgement which calls a first attempt a duplicate is no receipt (somebody else
// used the id); and that a refusal by permission is known within one round trip.
//
// It never uses the plain publish of NATS, which says yes while disconnected and loses the
// message; never falls back from TLS to plain text; never signs a report with the key that
// logs in; and never looks into an envelope's body.
package natslink
