// Package query answers questions about the fleet over NATS, as the API does over HTTP: for
// programs that are on the broker anyway.
//
//	rollcall.v1.query.modules   rollcall.v1.query.gateways   rollcall.v1.query.events
//	rollcall.v1.query.findings  rollcall.v1.query.summary   rollcall.v1.query.rejected
//
// They are endpoints of the micro service rollcall-collector. A request is empty, or JSON with
// the parameters of the API, one value or a list of them each: {"state": ["held"], "limit": 10}.
// The answer is the API's. Who may ask is what the broker's permissions say: whoever may
// publish on these subjects may read the fleet. Collectors that share a broker share the
// questions.
//
// It promises that an error has the headers of the service framework with the API's status,
// and that an answer is never larger than the broker takes. It never changes anything.
package query
