// Package fleet gives a broker and a collector the load of a fleet that is not there: many
// gateways that sign and publish reports and heartbeats as agents do, over few connections.
//
//	seed ─► gateway ─► its key, site and modules ─► report ─► signed ─► JetStream ─► figures
//	                   (real transcripts)
//
// It promises that everything but clocks follows from the seed and the boot number: the same
// gateways have the same keys and modules, change them in the same reports, and give them
// the same ids. Each report is what an agent would send, byte for byte canonical, with the
// verdict of the fingerprints. What the broker has not acknowledged is sent again, so that
// in the end all of it is there.
//
// It never opens a port, never reads answers of a collector, and never writes to a disk.
package fleet
