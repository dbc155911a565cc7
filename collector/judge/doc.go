// Package judge identifies a reported module again, with the collector's own knowledge.
//
// A gateway's verdict is a claim made with the knowledge of the day on which its image was
// built; the evidence in the report is what counts. The same function serves intake, the
// whole fleet when knowledge changes, and a page that shows one module, so that all agree.
//
// The policy judges the verdicts: [Known.Find] gives all findings about a gateway from its rows.
// [Knowledge] holds both, and lets them be replaced while a collector runs.
//
// It promises the same result for the same report and knowledge, and that a port that was
// held, denied or silent stays so: who holds a port says nothing about the module, and
// knowledge cannot change that it was not asked. It never does I/O and never believes an
// identity that the evidence in the report does not prove, but where a gateway's owner has
// chosen to keep that evidence back.
package judge
