// Package policy judges modules: pure judgement, from what was found, what lists say and
// what rules ask.
//
// A rule is a CEL expression over module, gateway, lists, sets and now, with a severity and
// a message. Rules, sets of names, oldest accepted firmware and exceptions are data: the
// starter policy ([Starter]) and the user's own files on top of it.
//
//	starter.yaml + own files ── Load ──► Policy ── Evaluate(module, gateway, now) ──► []Finding
//	                                        └─ With(proposal) ──► Policy ── WhatIf ──► what would change, where
//
// It promises that a Policy is immutable and safe for concurrent use, that loading is all or
// nothing with every fault named by file and line, that every expression is checked against
// its types when it is loaded and bounded when it runs, and that a rule that cannot be judged
// is a finding that says so ([Finding.Failed]), never silence. A finding that an exception
// covers is still given, marked with the exception.
//
// It never does I/O, never reads a clock, and never judges by a list entry that is not
// confirmed. The text of a finding may quote what a module said: whoever shows it encodes it.
//
// # The language of rules
//
// The variables: module (as in its JSON: module.identity.model, module.origin.country,
// module.conflicts, …, without transcript and banner), gateway (id, hostname, labels, agent,
// os, arch, last_seen, clock_synced; of a collector also silent, conflict, duplicates), lists, sets, now, and hit in rules with "each".
//
//	lists.naming(maker)          the entries that name the maker now: list, name, edition, since, status,
//	                             concern, effect, source, sentence, printed, reason
//	lists.named(maker)           whether any list does; lists.named(maker, "dod-1260h"): whether that one does
//	sets.NAME                    a set of names from the policy; "CN" in sets.NAME
//	sets.NAME.covers(module)     whether "maker/model" is in it; an entry may end in *
//	floor(module)                the oldest accepted firmware for the module, or ""
//	a.olderThan(b)               firmware order, see [CompareFirmware]; false if they cannot be compared
//	a.comparableWith(b)          whether they can
//	validIMEI(text)              15 digits with a right check digit
//
// A policy file may also hold cases: a module in a gateway, and what must be found of it or not.
// They change nothing in judgement; [Policy.Test] judges them.
//
//	cases:
//	  - name: a substation takes no module of that origin
//	    module: {identity: {maker: quectel, model: EC25-E}, origin: {country: CN}}
//	    gateway: {labels: {site: substation}}
//	    finds: [substation-origin, named-in-list/dod-1260h]
//
// A label that is not set is "", so that a rule about labels needs no guard; whether it is
// set is asked as "site" in gateway.labels.
package policy
