// Package cli is the command rollcall: flags, output and exit statuses. One file holds
// one sub-command; what it does stands in other packages.
//
// It promises that what a sub-command was asked for goes to standard output and all else
// to standard error, that progress is shown only on a terminal, that nothing which a
// module said reaches either of them unescaped, and that every error says what to do.
//
// It never ends the process: only main does.
package cli
