package collectortest

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
)

// Store opens an empty store for the length of the test.
func Store(t testing.TB) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), filepath.Join(t.TempDir(), "rollcall.db"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() })
	return s
}

// Fleet answers from a store at the end of the day on which made gateways report.
func Fleet(s store.Store) *fleet.Fleet {
	return &fleet.Fleet{Store: s, Base: &Base{Data: "test-1"}, Silence: time.Hour, Now: func() time.Time { return Start.Add(12 * time.Hour) }}
}
