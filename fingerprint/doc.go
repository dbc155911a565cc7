// Package fingerprint tells which cellular module answered: who made it, which
// model, which firmware, and which line proves each of these.
//
//	Observation ── read ──► readings ── rules, tables ──► evidence ── conclude ──► Verdict
//	(transcript, banner, descriptor)      (knowledge/)
//
// What it knows is data: the files under knowledge/, one a maker, with a source and
// examples for every entry. They are compiled into one compact pack that is embedded;
// users lay their own files over it with [Load]. The package's code knows how replies
// are built, not who builds modules.
//
// It promises the same verdict for the same observation, in whatever order its exchanges
// stand, on every run; that each claim names its evidence; that evidence of different
// sources which disagrees becomes a conflict and is not resolved in silence; that a maker
// which is not proven stays open; and that time and memory stay linear in the input,
// whatever a device says.
//
// It never does I/O, never reads a clock, never asks a device, and never takes a chipset's
// or a badge's name for the maker's.
package fingerprint
