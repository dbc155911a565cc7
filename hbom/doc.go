// Package hbom writes hardware bills of materials: which cellular modules sit in which
// gateway, who made them, on which evidence, and what lists and rules say.
//
//	[]Item ─┬─► CycloneDX 1.6 or 1.7 JSON   device → chipset, firmware; evidence; own properties
//	        ├─► SPDX 3.0.1 JSON-LD          software packages of purpose device and firmware
//	        └─► sheet.CSV, sheet.XLSX       (package hbom/sheet)
//
// [CycloneDX] and [SPDX] take what is in memory, [StreamCycloneDX] takes a fleet of any size
// as it comes. [Sign] and [Verify] make and check a detached signature; [Diff] compares two
// documents.
//
// It promises that the same items and settings give the same bytes, in any order of the
// items; that the documents validate against the official schemas, whatever a module has
// said; that IMEIs and numbers like them are left out unless asked for; and that runes which
// a terminal would act on are written as escapes.
//
// What a document does not say: a manufacturer's country is the maker's seat, not the place
// of production, and the parts of a module are those that are known, never all of them
// (composition "incomplete"). SPDX 3.0.1 has no hardware profile, and none is claimed.
//
// It never does I/O of its own and never reads a clock: the time is given.
package hbom
