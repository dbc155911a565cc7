// Package atcmdtest is a scripted module for tests: over memory or over a real pty.
//
//	m := atcmdtest.Modem(atcmdtest.Answers(map[string]string{"AT+CGMM": "EC25"}))
//	defer m.Close()
//	s := atcmd.New(m.Port(), atcmd.Settings{})
//
// A [FakeModem] answers command lines one after the other, as a module does: what comes
// while one is being answered waits. [Behave] takes a [Behaviour] that decides itself what
// is sent and when; there are ready-made hostile ones.
//
// It promises to keep every byte that was written to it ([FakeModem.Written]), to run
// inside a testing/synctest bubble when used over memory, and that Close ends all of its
// goroutines.
//
// It never changes an answer that it was given, and is no model of any real module.
package atcmdtest
