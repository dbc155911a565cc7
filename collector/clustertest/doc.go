// Package clustertest holds a test and nothing else: a collector on a JetStream cluster of
// three server processes, whose leaders are killed under load. It stands apart because its
// test binary is also the server.
//
// It never runs outside of tests.
package clustertest
