// Package store says what the collector keeps and how it is asked for.
//
// It holds the types and the contract; [github.com/rollcall-iot/rollcall/collector/store/sqlite]
// keeps it in a file, [github.com/rollcall-iot/rollcall/collector/store/postgres] in a server,
// and one suite, storetest, holds both to the same behaviour.
//
//	gateways ──< modules now >── cohorts (modules alike in every facet, counted)
//	    ├──< findings >── verdicts (what the policy says, once) >── kinds (counted)
//	    ├──< reports ──> evidence (the signed bytes, compressed, one per distinct findings)
//	    ├──< events    what changed, from what, to what, proven by which report
//	    └──< keys      who may speak for it
//	rejected           what came and was not believed, and why
//
// A finding's kind is its rule, list, severity and whether an exception covers it.
//
// Every filter of modules but gateway and IMEI is answered from the cohorts, of which even a million
// modules have few, so that counts are exact and a page costs the rows that it shows.
//
// It promises that an Update is stored whole or not at all, that it is on disk when Update
// returns, and that text is kept as data: it never builds SQL from a value. It never judges
// a module and never reads a clock.
package store
