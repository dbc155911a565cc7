package cli

import (
	"bytes"
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/enroll"
)

// keyStore counts what is written.
type keyStore struct {
	keys []store.Key
	puts int
}

func (s *keyStore) Keys(_ context.Context, gateway string) (all []store.Key, _ error) {
	for _, k := range s.keys {
		if k.Gateway == gateway {
			all = append(all, k)
		}
	}
	return all, nil
}

func (s *keyStore) PutKey(_ context.Context, k store.Key) error {
	s.puts++
	s.keys = slices.DeleteFunc(s.keys, func(x store.Key) bool { return x.Gateway == k.Gateway && x.Key == k.Key })
	s.keys = append(s.keys, k)
	return nil
}

func (s *keyStore) state(gateway, key string) store.KeyState {
	for _, k := range s.keys {
		if k.Gateway == gateway && k.Key == key {
			return k.State
		}
	}
	return ""
}

// TestKeysFile: what the file says is in force, a change too; what is told already is not written again; a file that
// is wrong leaves all as it was.
func TestKeysFile(t *testing.T) {
	a, err := enroll.Init(filepath.Join(t.TempDir(), "authority"), enroll.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	defer a.Close()
	_, key, err := enroll.NewReportKey()
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "keys.jsonl")
	export := func() {
		t.Helper()
		var b bytes.Buffer
		if err := a.Export(&b); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, b.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
		at := time.Now().Add(time.Duration(b.Len()) * time.Second) // another time than before, however coarse clocks are
		if err := os.Chtimes(path, at, at); err != nil {
			t.Fatal(err)
		}
	}
	s := &keyStore{keys: []store.Key{{Gateway: "gw1", Key: "pinned", State: store.KeyPinned}}}
	f := &keysFile{path: path, store: s, log: slog.New(slog.DiscardHandler), told: map[string]store.Key{}}
	if err := f.read(t.Context()); err == nil || !strings.Contains(err.Error(), "keys_file") {
		t.Errorf("no file: %v", err)
	}
	if _, err := a.Enroll("gw1", enroll.Options{ReportKey: key}); err != nil {
		t.Fatal(err)
	}
	export()
	for range 2 {
		if err := f.read(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if s.state("gw1", key) != store.KeyEnrolled || s.state("gw1", "pinned") != store.KeyRevoked || s.puts != 2 {
		t.Errorf("the store holds %+v after %d writes", s.keys, s.puts)
	}
	again := &keysFile{path: path, store: s, log: f.log, told: map[string]store.Key{}} // the next start
	if err := again.read(t.Context()); err != nil || s.puts != 2 {
		t.Errorf("%d writes for what is known, %v", s.puts, err)
	}
	if _, err := a.Revoke("gw1"); err != nil {
		t.Fatal(err)
	}
	export()
	if err := f.read(t.Context()); err != nil || s.state("gw1", key) != store.KeyRevoked {
		t.Errorf("after it was taken back the store holds %+v, %v", s.keys, err)
	}
	before := s.puts
	if err := os.WriteFile(path, []byte("{"), 0o644); err != nil {
		t.Fatal(err)
	}
	if err := f.read(t.Context()); err == nil || s.puts != before {
		t.Errorf("a damaged file: %v, %d writes", err, s.puts-before)
	}
	export()
	if err := os.Chmod(path, 0o666); err != nil {
		t.Fatal(err)
	}
	if err := f.read(t.Context()); err == nil || !strings.Contains(err.Error(), "changed by others") {
		t.Errorf("a file for everybody: %v", err)
	}
}
