// Package lists holds what authorities have published about the makers of modules, as
// dated data, and says which makers are named where.
//
// One YAML file is one list: who publishes it, on which legal basis, which edition, when
// it was last read and from where, what it does to a module in neutral words, and who is
// named, as printed. [Embedded] loads the lists that this version carries, [Load] adds the
// user's own. A [Set] answers one question: [Set.Naming], who is named, where, at that time.
//
//	*.yaml ── Load ──► Set ── Naming("maker", at) ──► []Hit ── Sentence ──► "named in the …, edition …"
//
// It promises that only confirmed entries of confirmed lists are ever a [Hit], that a hit
// carries its edition and its source, that a parent's entry is never taken for a subsidiary's,
// and that a list that was not read for long says so itself ([Set.Warnings]). A letter, a
// referral or a report is not a list and is not here.
//
// It never does I/O, never reads a clock, never judges: what a finding is worth, rules decide
// (package policy). It is small enough for the agent: no expression language is linked.
package lists
