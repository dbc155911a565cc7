// Package findings judges modules for people: it loads lists and rules with the user's own
// files over them, judges, and chooses what stands beside a module on a screen.
//
//	policy files ── Load ──► policy.Policy ── Judge ──► []policy.Finding ── Beside ──► lines of a card
//	                                                                   └── Gate ────► does a script stop here?
//
// It promises that what a module's card shows anyway is not said there twice, that a rule
// which could not be judged is always shown, and that a finding which makes a script stop is
// shown, too.
//
// It never makes a finding of its own and never leaves one out of what machines read.
package findings
