// Package simulate gives modules without hardware: each is a pseudo terminal that
// answers as a recorded module did.
//
//	capture.Case ── Start ──► goroutine per module ── pty ── /dev/pts/N ◄── DIR/<id>
//
// A module answers what its transcript shows, byte for byte, after the time that such
// modules take, and everything else with the error that it showed elsewhere, or ERROR.
// It keeps to V.250: a command line ends with CR, may be echoed, and its answer stands
// between CR LF. [Cases] are real transcripts with their sources.
//
// It promises that no module outlives its Fleet, that nothing is left behind in the
// directory, and that the slave side is never held open, so that nobody finds the port
// in use.
//
// It never answers what no source showed, and never touches a device.
package simulate
