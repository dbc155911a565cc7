// Package atcmd asks a cellular module who it is, and changes nothing in it.
//
// A [Session] is one visit to one port. It wakes the module, asks catalogued
// queries one at a time and keeps everything that came back in a [Transcript]:
//
//	s := atcmd.New(port, atcmd.Settings{Name: "/dev/ttyUSB2"})
//	defer s.Close()
//	if err := s.Wake(ctx); err != nil { … }
//	query, _ := atcmd.Parse("AT+CGMR")
//	answer, err := s.Ask(ctx, query)
//
// # From byte to answer
//
// The dialogue runs on github.com/warthog618/modem/at, which never touches the port.
// Between the two sits the guard:
//
//	at ── command ──► guard ── catalogued? CR only, write deadline ──► port
//	at ◄── one well-formed answer ── session ◄── lexer ◄── record ◄── port
//
// Bytes are recorded before anything else sees them, cut into bounded lines, sorted
// into echo, information, unsolicited lines and final result code, and only then given
// to at as one complete answer.
//
// # Late answers
//
// A module that misses its deadline may still answer, and nothing in V.250 says whose
// answer that is. So answers that are owed are counted. While d are owed, an answer
// counts only when d+1 answers to the same command agree: at most d of them are stale,
// so at least one is the command's own. That holds in any order of arrival.
//
// # Promises
//
//   - The bytes written to a port are catalogued queries, each ended by one CR. The
//     catalogue is compiled in; no file, rule or setting adds to it.
//   - Every wait ends: each answer, write, visit and Close has a limit, and silence,
//     endless lines and endless text end in an [Error] whose [Kind] says which.
//   - Memory is bounded whatever the module says: 4 KiB a line, 64 KiB and 512 lines an
//     answer, 256 KiB a transcript.
//   - What is attributed to a command is that command's answer, or nothing.
//   - The transcript is valid at any time, also after an error.
//
// # Never
//
// It never sends ESC, Ctrl-Z, +++ or LF; never changes echo, verbosity or any other
// setting; never touches SIM, messages or network; never opens a device, and knows
// neither files nor sockets. It does not say who made a module: that is the
// fingerprint package's task.
package atcmd
