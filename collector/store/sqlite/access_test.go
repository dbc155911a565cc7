package sqlite_test

import (
	"database/sql"
	"errors"
	"path/filepath"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

func TestAccess(t *testing.T) {
	storetest.Access(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "rollcall.db")) })
}

// Tokens are made and revoked while a collector has the store open, which sees it at once; and
// not where the collector's tables are others.
func TestAccessBesideACollector(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	running := open(t, path)
	if _, err := storetest.Fleet(t.Context(), running, 10); err != nil {
		t.Fatal(err)
	}
	beside, err := sqlite.OpenAccess(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	token := store.Token{Name: "alice", ID: "x", Role: "read", Hash: []byte{1}, Created: time.Unix(1, 0).UTC()}
	if err := beside.PutToken(t.Context(), token); err != nil {
		t.Fatal(err)
	}
	if got, err := running.Token(t.Context(), token.Hash); err != nil || got.Name != "alice" {
		t.Errorf("the collector sees %+v, %v", got, err)
	}
	if err := beside.RevokeToken(t.Context(), "alice", time.Unix(2, 0)); err != nil {
		t.Fatal(err)
	}
	if got, err := running.Token(t.Context(), token.Hash); err != nil || got.Revoked.IsZero() {
		t.Errorf("the collector sees %+v, %v", got, err)
	}
	if err := beside.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("a second collector: %v", err)
	}

	db, err := sql.Open("sqlite", "file:"+path)
	if err != nil {
		t.Fatal(err)
	}
	defer db.Close()
	if _, err := db.Exec("DELETE FROM schema_version WHERE n = (SELECT max(n) FROM schema_version)"); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.OpenAccess(t.Context(), path); !errors.Is(err, sqlite.ErrVersion) {
		t.Errorf("beside a collector of another version: %v", err)
	}
}

// Where no collector runs, the store is opened as a collector opens it.
func TestAccessAlone(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	s, err := sqlite.OpenAccess(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, sqlite.ErrInUse) {
		t.Errorf("a collector meanwhile: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, path)
}
