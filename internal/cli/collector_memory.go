package cli

import (
	"os"
	"runtime/debug"
)

// collectorHeap is when the collector's garbage is collected sooner than Go would by itself. The
// database takes up to 256 MiB beside it, so that both stay within 512 MiB.
const collectorHeap = 160 << 20

// boundMemory keeps the collector small, unless its operator said how much it may have.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(collectorHeap)
	}
}
