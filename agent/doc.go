// Package agent decides when a gateway looks at its modules, and hands what it found to
// the spool.
//
//	start · hot-plug · interval with jitter · request ─► survey ─► Report ─► sign ─► Outbox
//	nothing changed ─────────────────────────────────────────────► Heartbeat ─┘
//
// A report is always a full picture of the gateway, ordered by boot and sequence. While
// nothing changes, a small signed heartbeat with the digest of the last report goes out
// instead of it, and nothing is written to disk but what waits for the link.
//
// It promises that trouble is a named warning in every report, that rounds do not overlap,
// that a stepped clock neither delays nor multiplies rounds, and that Run returns soon after
// its context ends, with all ports closed.
//
// It never sends anything itself (the Outbox does), never orders reports by a clock, never
// signs with the key that logs in to NATS, and never writes a module's text to a log as it is.
package agent
