// Package webhook tells other systems what happened in the fleet: each stored event is sent to
// each hook that wants it, as a CloudEvent, signed as Standard Webhooks asks.
//
//	POST https://…
//	content-type: application/cloudevents+json
//	webhook-id: <key of the event>      webhook-timestamp: <seconds>      webhook-signature: v1,<base64>
//	{"specversion":"1.0","type":"rollcall.finding-opened","source":…,"subject":"gw-17/usb:1-1","data":{…}}
//
// An event goes to a hook in the order in which it was stored, and counts as sent when the
// answer's status is 2xx. Anything else is tried again with growing pauses, no sooner than
// Retry-After. An event that the receiver refuses by itself (400, 413, 415, 422) is given up
// after some tries; when a hook has failed for days, what is as old is given up; both go to the
// dead letters first. 410 closes the hook until the next start.
//
// It promises that an event is sent at least once or is a dead letter, that of several
// collectors only one sends, and that an event comes twice only where a program or a connection
// ended between the sending and the note of it. How far a hook came is kept in the store. A new
// hook begins with what happens from then on.
//
// It never follows a redirect, never skips the verification of a certificate, never sends to a
// link-local address (where clouds keep credentials), and never writes a secret to a log.
package webhook
