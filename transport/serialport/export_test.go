package serialport

import (
	"context"
	"net"
	"path/filepath"
	"testing"
	"time"
)

// NamedInTree judges a node that a person named in a tree of regular files, where the step before,
// a look at the kind of the node, would refuse it.
func NamedInTree(t *testing.T, f *Finder, path string) Device {
	t.Helper()
	s, err := f.look(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, d := range s.found {
		for _, p := range d.Ports {
			if p.Path == path {
				return s.named(d, filepath.Base(path), path)
			}
		}
	}
	t.Fatalf("there is no %s", path)
	return Device{}
}

// OpeningSteps is how many steps opening a terminal takes.
var OpeningSteps = len(new(opening).steps()) + 1

// BreakOff opens a port and breaks off after so many steps.
func BreakOff(p Port, s Settings, steps int) error {
	o := &opening{port: p, set: s, fd: -1}
	defer o.back()
	for _, step := range o.steps()[:steps] {
		if err := step(); err != nil {
			return err
		}
	}
	return nil
}

// LoadTables reads the embedded rules.
func LoadTables() error {
	_, err := loadTables()
	return err
}

// OpenSlowly opens a port that is open only after the context of Open has ended. It closes the
// channel when that port is closed.
func OpenSlowly(closed chan<- struct{}) error {
	ctx, cancel := context.WithTimeout(context.Background(), time.Millisecond)
	defer cancel()
	_, err := inTime(ctx, "slow", func() (*Conn, error) {
		<-ctx.Done()
		time.Sleep(10 * time.Millisecond)
		line, _ := net.Pipe()
		return &Conn{path: "slow", line: line, release: func() error { close(closed); return nil }}, nil
	})
	return err
}
