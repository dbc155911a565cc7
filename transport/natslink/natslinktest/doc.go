// Package natslinktest gives tests a real NATS server with JetStream, and a wire that fails.
//
// [Start] runs a server in the test's process, in a directory of its own; it can be
// stopped, started again on the same store and the same port, and given other users while
// it runs. [StartProcess] runs one as a child process that can be killed. [NewProxy] is a
// TCP proxy that cuts, swallows one or both directions, or slows down.
//
// It promises to listen on the loopback address alone and to end with the test. It never
// runs outside of tests.
package natslinktest
