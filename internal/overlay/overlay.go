// Package overlay reads the user's own files: knowledge, lists and rules that stand over the
// embedded ones.
//
// It promises that a file which is wrong is an error that names it, and that a file which
// anybody may write is refused. For [Load], a directory that is not there is none. It never
// looks below the directory.
package overlay

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"

	"github.com/rollcall-iot/rollcall/fingerprint"
)

// File is one file of the user's own. It converts to the overlays of the packages that read it.
type File struct {
	// Name is its path, for messages.
	Name string
	Data []byte
}

// Load gives the knowledge with the *.yaml and *.yml of dir over it, in order of their names. An empty dir means none.
func Load(dir string) (*fingerprint.Base, error) {
	if _, err := os.Stat(dir); errors.Is(err, fs.ErrNotExist) {
		dir = ""
	}
	files, err := Files(dir)
	if err != nil {
		return nil, fmt.Errorf("cannot load your own fingerprints: %w", err)
	}
	overlays := make([]fingerprint.Overlay, len(files))
	for i, f := range files {
		overlays[i] = fingerprint.Overlay(f)
	}
	return fingerprint.Load(overlays...)
}

// Named is Load for a directory that a person named: it has to be there.
func Named(dir string) (*fingerprint.Base, error) {
	if dir != "" {
		if _, err := os.Stat(dir); err != nil {
			return nil, fmt.Errorf("cannot load your own fingerprints: %w", err)
		}
	}
	return Load(dir)
}

// Files gives the *.yaml and *.yml of a directory in order of their names, or the one file that path
// names. An empty path means none; one that is not there is fs.ErrNotExist.
func Files(path string) ([]File, error) {
	if path == "" {
		return nil, nil
	}
	info, err := os.Stat(path)
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		f, err := read(path)
		return []File{f}, err
	}
	entries, err := os.ReadDir(path)
	if err != nil {
		return nil, err
	}
	var files []File
	for _, e := range entries {
		if e.IsDir() || !Holds(e.Name()) {
			continue
		}
		f, err := read(filepath.Join(path, e.Name()))
		if err != nil {
			return nil, err
		}
		files = append(files, f)
	}
	return files, nil
}

// Holds says whether a file of this name, in a directory of the user's own, is read.
func Holds(name string) bool {
	ext := filepath.Ext(name)
	return ext == ".yaml" || ext == ".yml"
}

// maxBytes bounds a file; its reader bounds it more closely.
const maxBytes = 64 << 20

func read(path string) (File, error) {
	info, err := os.Stat(path)
	if err != nil {
		return File{}, err
	}
	switch mode := info.Mode(); {
	case !mode.IsRegular():
		return File{}, fmt.Errorf("%s is no regular file", path)
	case mode.Perm()&0o002 != 0:
		return File{}, fmt.Errorf("%s is writable by everybody (mode %04o): chmod o-w it", path, mode.Perm())
	case info.Size() > maxBytes:
		return File{}, fmt.Errorf("%s is larger than %d bytes", path, maxBytes)
	}
	b, err := os.ReadFile(path)
	return File{Name: path, Data: b}, err
}
