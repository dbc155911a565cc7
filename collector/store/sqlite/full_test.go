package sqlite

import (
	"errors"
	"path/filepath"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

// G06: a disk without room is told apart from other failures, costs nothing that was stored,
// and the store goes on when there is room again.
func TestG06Full(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	lock, err := lockFile(path)
	if err != nil {
		t.Fatal(err)
	}
	s, err := open(t.Context(), path, lock.Close, "max_page_count(120)")
	if err != nil {
		t.Fatal(err)
	}
	stored := 0
	var failed error
	for n := 0; n < 1000 && failed == nil; n++ {
		g := storetest.Gateway(storetest.FleetID(n), 1)
		failed = s.Update(t.Context(), []string{g.ID}, func(tx store.Tx, _ map[string]*store.Gateway) error {
			return tx.Put(&store.Batch{Gateways: []store.Gateway{g}, Modules: storetest.FleetModules(n)})
		})
		if failed == nil {
			stored++
		}
	}
	if !errors.Is(failed, store.ErrFull) {
		t.Fatalf("after %d gateways: %v", stored, failed)
	}
	if f, err := s.Figures(t.Context()); err != nil || f.Gateways != stored {
		t.Errorf("%d gateways of %d are there: %v", f.Gateways, stored, err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	again, err := Open(t.Context(), path) // with room
	if err != nil {
		t.Fatal(err)
	}
	defer again.Close()
	if _, err := storetest.Fleet(t.Context(), again, stored+100); err != nil {
		t.Error(err)
	}
	if f, err := again.Figures(t.Context()); err != nil || f.Gateways != stored+100 {
		t.Errorf("%d gateways, want %d: %v", f.Gateways, stored+100, err)
	}
}
