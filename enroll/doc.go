// Package enroll makes and takes back the credentials with which gateways log in to NATS.
//
// An [Authority] is a directory of a person: keys, accounts, and one record for each name that
// was enrolled. [Init] makes one, in one of two kinds. With [JWT] a broker trusts the operator's
// key; each gateway gets a user token, signed by a scoped signing key whose template names what a
// gateway may do, so that no broker is told of a new gateway. With [NKey] all users stand in a
// file that the broker includes and reloads.
//
//	GATEWAYS  gateways log in here; no JetStream      COLLECTOR  stream, collectors
//	   rollcall.v1.report.*, heartbeat.*  ──── service ────►  ROLLCALL
//	   agents  ◄──── service ────  rollcall.v1.scan.*, status.*, version.*, $SRV.>
//
// The two accounts are a defence: JetStream publishes its acknowledgement on whatever reply subject a
// message names, past the permissions of whoever sent it. In one account a gateway could so put a
// message under the name of another, or on JetStream's own API; across accounts it cannot.
//
// It promises that a key which was handed out is recorded before it is, so that it can be taken
// back; that directories are made 0700 and files 0600, and that looser ones are refused; and
// that a killed run leaves each file as it was or as it should be.
//
// It never prints or logs a seed, never holds the key that signs reports for longer than it takes
// to make it, and never talks to a broker unless told to ([Authority.Push]).
package enroll
