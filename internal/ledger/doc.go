// Package ledger holds one test: whole sites of real programs, and a ledger that knows the truth.
//
//	scripted modules on ptys ─► rollcall-agent ─► wires that fail ─► NATS server ─► rollcall collector ─► judge
//	        ▲                        └── what its spool confirmed ─────────────► ledger ──────────────────┘
//	        └── a driver plugs, unplugs and swaps them, and notes what each truly is
//
// Faults are drawn from a seed that is printed. Then they stop, and the judge asks for conservation (every
// confirmed report is at the collector), integrity (as it was signed), truth (the table is what
// the ledger says), no harm (only catalogued bytes, only on ports that were named) and liveness (a new module
// appears). See docs/PROMISES.md for how to run it for an hour.
//
// It promises that what it starts ends with the test. It never is part of a program.
package ledger
