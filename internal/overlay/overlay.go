// Package overlay loads the embedded knowledge with a directory of the user's own files over it.
//
// It promises that a file which is wrong is an error that names it, and that a file which
// anybody may write is refused. A directory that is not there is none. It never looks below
// the directory.
package overlay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rollcall-iot/rollcall/fingerprint"
)

// Load gives the knowledge with the *.yaml of dir over it, in order of their names. An empty dir means none.
func Load(dir string) (*fingerprint.Base, error) {
	overlays, err := read(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot load your own fingerprints: %w", err)
	}
	return fingerprint.Load(overlays...)
}

func read(dir string) ([]fingerprint.Overlay, error) {
	if dir == "" {
		return nil, nil
	}
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	var overlays []fingerprint.Overlay
	for _, e := range entries {
		if e.IsDir() || filepath.Ext(e.Name()) != ".yaml" {
			continue
		}
		path := filepath.Join(dir, e.Name())
		info, err := os.Stat(path)
		if err != nil {
			return nil, err
		}
		if mode := info.Mode().Perm(); mode&0o002 != 0 {
			return nil, fmt.Errorf("%s is writable by everybody (mode %04o): chmod o-w it", path, mode)
		}
		b, err := os.ReadFile(path)
		if err != nil {
			return nil, err
		}
		overlays = append(overlays, fingerprint.Overlay{Name: path, Data: b})
	}
	return overlays, nil
}
