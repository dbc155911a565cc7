package sqlite_test

import (
	"database/sql"
	"errors"
	"os"
	"path/filepath"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/store/sqlite"
	"github.com/rollcall-iot/rollcall/collector/store/storetest"
)

func open(t testing.TB, path string) store.Store {
	t.Helper()
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) store.Store { return open(t, filepath.Join(t.TempDir(), "rollcall.db")) })
}

func TestSearchOfMany(t *testing.T) {
	storetest.Narrow(t, func(t *testing.T) store.Store {
		s, err := sqlite.OpenNarrow(t.Context(), filepath.Join(t.TempDir(), "rollcall.db"))
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = s.Close() })
		return s
	})
}

func FuzzTerms(f *testing.F) { storetest.FuzzTerms(f) }

// A collector that ends, however it does, between storing a gateway and indexing it finds that
// one the next time; and a store whose index is gone, or of another form, makes it anew.
func TestIndexGoesOn(t *testing.T) {
	path := filepath.Join(t.TempDir(), "rollcall.db")
	finds := func(query string) int {
		t.Helper()
		s := open(t, path)
		defer s.Close()
		storetest.Index(t, s)
		l, err := s.Gateways(t.Context(), store.GatewayFilter{Query: query}, store.Page{})
		if err != nil {
			t.Fatal(err)
		}
		return len(l.Items)
	}
	s := open(t, path)
	if _, err := storetest.Fleet(t.Context(), s, 10); err != nil {
		t.Fatal(err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	if n := finds("gw"); n != 10 {
		t.Fatalf("after opening again, %d gateways are found", n)
	}
	for _, lost := range []string{"DELETE FROM search", "UPDATE marks SET n = 0 WHERE name = 'search-form'; UPDATE search SET words = ' other'; INSERT INTO search_words (search_words) VALUES ('delete-all')"} {
		db, err := sql.Open("sqlite", path)
		if err != nil {
			t.Fatal(err)
		}
		if _, err := db.ExecContext(t.Context(), lost); err != nil {
			t.Fatal(err)
		}
		if err := db.Close(); err != nil {
			t.Fatal(err)
		}
		if n := finds("0000003 host"); n != 1 {
			t.Errorf("after %q, %d gateways are found", lost, n)
		}
	}
}

func TestOpenAgain(t *testing.T) {
	path := filepath.Join(t.TempDir(), "a dir", "roll?call #1.db")
	s := open(t, path)
	if _, err := storetest.Fleet(t.Context(), s, 10); err != nil {
		t.Fatal(err)
	}
	if _, err := sqlite.Open(t.Context(), path); !errors.Is(err, sqlite.ErrInUse) {
		t.Fatalf("a second collector on the same file: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	f, err := open(t, path).Figures(t.Context())
	if err != nil || f.Gateways != 10 || f.Modules != 11 {
		t.Fatalf("after opening again: %+v, %v", f, err)
	}
	info, err := os.Stat(path)
	if err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("the file's mode is %v, %v", info.Mode(), err)
	}
}

func TestRefusesOthersFiles(t *testing.T) {
	dir := t.TempDir()
	text := filepath.Join(dir, "text")
	if err := os.WriteFile(text, []byte("this is a letter, not a database, and it is long enough to be looked at"), 0o600); err != nil {
		t.Fatal(err)
	}
	other := filepath.Join(dir, "other.db")
	db, err := sql.Open("sqlite", other)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := db.Exec("CREATE TABLE theirs (a)"); err != nil {
		t.Fatal(err)
	}
	if err := db.Close(); err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{text, other, dir} {
		before, _ := os.ReadFile(path)
		if s, err := sqlite.Open(t.Context(), path); err == nil {
			s.Close()
			t.Errorf("opened %s", path)
		}
		if after, _ := os.ReadFile(path); string(after) != string(before) {
			t.Errorf("%s was changed", path)
		}
	}
}
