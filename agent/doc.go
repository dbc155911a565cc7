// Package agent is the daemon of a gateway: it decides when to look at the modules, and
// sees to it that what was found arrives.
//
//	start · hot-plug · interval with jitter · request ─► survey ─► Report ─► sign ─► spool ─► link
//	nothing changed ─────────────────────────────────────────────► Heartbeat ─► memory ─┘
//
// An [Agent] makes the reports and hands them to an [Outbox]; a [Daemon] is an agent with
// its spool, its link, a service that answers requests over NATS, and a status file.
//
// A report is always a full picture of the gateway, ordered by boot and sequence. While
// nothing changes, a small signed heartbeat with the digest of the last report goes out
// instead of it, and nothing is written to disk. Where the server turns out to have lost
// what it confirmed, the full picture goes out again by itself.
//
// It promises that trouble is a named warning in every report, that looks do not overlap
// and a look which hangs is named and holds up nothing else, that a stepped clock neither
// delays nor multiplies rounds, and that Run returns within five seconds after its context
// ends, with all ports closed.
//
// It never orders reports by a clock, never signs with the key that logs in to NATS, never
// writes a module's text to a log as it is, and with privacy on never lets a whole
// equipment identifier out.
package agent
