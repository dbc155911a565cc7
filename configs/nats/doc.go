// Package nats holds the configurations of nats-server that Rollcall ships, as files.
//
// It promises that each of them is tried against a real server, with gateways that attack
// it. It never runs a server: `rollcall enroll init` writes the files out for one.
package nats
