package nats

import "embed"

// Files are the configurations by name.
//
//go:embed *.conf
var Files embed.FS

// For names the files that an authority of a kind (jwt or nkey) puts beside its users.
func For(kind string) []string {
	if kind == "nkey" {
		return []string{"common.conf", "tls.conf", "nkey.conf"}
	}
	return []string{"common.conf", "tls.conf", "jwt.conf", "jwt-memory.conf", "hub.conf", "leaf.conf"}
}
