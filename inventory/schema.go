package inventory

import _ "embed"

// Schema is the JSON Schema (2020-12) of report, module and heartbeat. Its $defs
// "report", "module" and "heartbeat" stand for one each.
//
//go:embed schema.json
var Schema string
