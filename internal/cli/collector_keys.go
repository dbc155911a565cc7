package cli

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/enroll"
)

// keysEvery is how often a file of recorded report keys is looked at.
const keysEvery = 2 * time.Second

// keysFile makes a store know the report keys of a file.
type keysFile struct {
	path  string
	store enroll.Keys
	log   *slog.Logger
	seen  os.FileInfo
	told  map[string]store.Key // what the store was told, by gateway and key
}

// followKeys tells the store of the keys in a file, then of every change in it until stop is called. No path: nothing.
func followKeys(ctx context.Context, path string, s enroll.Keys, log *slog.Logger) (stop func(), err error) {
	if path == "" {
		return func() {}, nil
	}
	f := &keysFile{path: path, store: s, log: log, told: map[string]store.Key{}}
	// Before any report is judged: one whose key is not known yet would be turned away.
	if err := f.read(ctx); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(ctx)
	var wg sync.WaitGroup
	wg.Go(func() { f.follow(ctx) })
	return func() { cancel(); wg.Wait() }, nil
}

func (f *keysFile) follow(ctx context.Context) {
	t := time.NewTicker(keysEvery)
	defer t.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-t.C:
		}
		if err := f.read(ctx); err != nil && ctx.Err() == nil {
			f.log.Error("recorded report keys are not in force; those read before stay", "error", err)
		}
	}
}

// read tells the store what is new since the last time. A key that the file no longer names stays as it is: what is
// taken back stands there as revoked.
func (f *keysFile) read(ctx context.Context) error {
	info, err := os.Stat(f.path)
	if err != nil {
		return fmt.Errorf("cannot read keys_file: %w", err)
	}
	if f.seen != nil && os.SameFile(info, f.seen) && info.ModTime().Equal(f.seen.ModTime()) && info.Size() == f.seen.Size() {
		return nil
	}
	if mode := info.Mode().Perm(); mode&0o022 != 0 {
		return fmt.Errorf("keys_file %s may be changed by others (mode %04o): chmod go-w it", f.path, mode)
	}
	in, err := os.Open(f.path)
	if err != nil {
		return fmt.Errorf("cannot read keys_file: %w", err)
	}
	defer in.Close()
	keys, err := enroll.ReadKeys(in)
	if err != nil {
		return fmt.Errorf("keys_file %s: %w", f.path, err)
	}
	var fresh []store.Key
	for _, k := range keys {
		if f.told[k.Gateway+" "+k.Key] != k {
			fresh = append(fresh, k)
		}
	}
	if err := enroll.Tell(ctx, f.store, fresh); err != nil {
		return fmt.Errorf("cannot record the keys of keys_file: %w", err)
	}
	for _, k := range fresh {
		f.told[k.Gateway+" "+k.Key] = k
	}
	f.seen = info
	f.log.Info("recorded report keys are in force", "file", f.path, "keys", len(keys), "new", len(fresh))
	return nil
}
