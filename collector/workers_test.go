package collector

import (
	"runtime"
	"testing"
)

// Intake and re-judgement both take this number: on one processor half of them would be nobody.
func TestWorkersOnOneProcessor(t *testing.T) {
	defer runtime.GOMAXPROCS(runtime.GOMAXPROCS(1))
	if n := (&collector{}).workers(); n != 1 {
		t.Errorf("%d workers on one processor, want 1", n)
	}
}
