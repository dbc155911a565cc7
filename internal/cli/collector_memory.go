package cli

import (
	"os"
	"runtime/debug"
)

// collectorHeap is when the collector's garbage is collected sooner than Go would by itself. The
// database takes up to 288 MiB beside it, and the program 40, so that all stay within 512 MiB.
const collectorHeap = 160 << 20

// collectorGarbage is how much garbage there may be beside what is in use, in percent, below
// collectorHeap: a report makes some 60 kB of it, and a collector of a small fleet would collect
// all the time.
const collectorGarbage = 200

// boundMemory keeps the collector small, unless its operator said how much it may have.
func boundMemory() {
	if os.Getenv("GOMEMLIMIT") == "" {
		debug.SetMemoryLimit(collectorHeap)
		if os.Getenv("GOGC") == "" {
			debug.SetGCPercent(collectorGarbage)
		}
	}
}
