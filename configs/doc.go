// Package configs reads the configuration of the agent and of the collector.
//
// Each program has one flat list of options. A value comes, in rising precedence,
// from its default, the YAML file, a ROLLCALL_ environment variable (upper case, _
// for the dot: nats.urls is ROLLCALL_NATS_URLS) and a command-line flag.
//
// It promises that an unknown key, in the file or in a ROLLCALL_ variable, is an
// error that names it, that every option stands with its meaning in the commented
// example beside this file ([AgentExample], [CollectorExample]), and that a file which
// anybody may write is refused.
//
// It never opens a device or a connection, and never reads a secret: options that
// concern secrets are paths of files that hold them.
package configs
