// Package capture reads what people have: pasted terminal sessions, logs of the
// tools that talk to modems, and JSON Lines of transcripts. It gives observations
// that the fingerprint engine can judge.
//
//	JSON Lines     ── ReadJSONLines ──► Case, Case, …
//	paste or log   ── ReadTerminal ───► Case + which line was used for what
//
// A log is read in layers: terminal escapes and edits are taken out, time stamps,
// log levels and prompts are taken off, marks of direction (-->, TX:, send (…), hex
// dumps) say who spoke, and what has no mark is read as V.250 prescribes: a command,
// its information text, its final result code. Beside the dialogue it reads what lsusb,
// usb-devices, lspci and the kernel say of the device, what mmcli shows of the modem,
// and answers that stand without their question (an exchange without a command).
//
// It promises that every line of an exchange stands in the input, that input is
// bounded and that no input makes it fail other than with an error.
//
// It never completes, corrects or guesses an answer, never decides who made a
// module, and leaves out what commands about the subscriber and the network returned.
package capture
