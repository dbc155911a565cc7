package agent

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"slices"
	"syscall"
	"testing"

	"github.com/rollcall-iot/rollcall/inventory"
)

// fullDisk gives a file system without room, and what gives it room again. Where none can be had, a directory that
// takes no new files stands for it.
func fullDisk(t *testing.T) (dir string, room func()) {
	t.Helper()
	dir = t.TempDir()
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=64k,mode=0700"); err != nil {
		t.Logf("no full disk (%v): a folder that is not there, and cannot be made, stands for it", err)
		path := filepath.Join(dir, "state")
		if err := os.WriteFile(path, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		return path, func() { _ = os.Remove(path) }
	}
	t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	ballast := filepath.Join(dir, "ballast")
	if err := os.WriteFile(ballast, make([]byte, 1<<17), 0o600); !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	return dir, func() { _ = os.Remove(ballast) }
}

// TestC06State: an agent that starts on a full disk keeps its key and its count of starts as soon as there is room, and
// is the same gateway after its next start.
func TestC06State(t *testing.T) {
	dir, room := fullDisk(t)
	s := settings(t, &box{})
	s.StateDir = dir
	s.Survey = func(context.Context) ([]inventory.Module, error) { return ec25("A"), nil }
	a := newAgent(t, s)
	unkept := func() bool {
		return slices.ContainsFunc(a.health.list(), func(w inventory.Warning) bool { return w.Code == "state-not-kept" })
	}
	if _, err := a.Once(t.Context()); err != nil || !unkept() {
		t.Fatalf("on a full disk: %v, health %v", err, a.health.list())
	}
	room()
	if _, err := a.Once(t.Context()); err != nil || unkept() {
		t.Errorf("with room again: %v, health %v", err, a.health.list())
	}
	next := newAgent(t, s)
	if !next.Key().Equal(a.Key()) || next.order.Boot <= a.order.Boot {
		t.Errorf("the next start has another key, or boot %d after %d", next.order.Boot, a.order.Boot)
	}
}

// TestC06Boot: where no file can be made, the count of starts is written into the one that is there.
func TestC06Boot(t *testing.T) {
	dir, room := fullDisk(t)
	room()
	s := settings(t, &box{})
	s.StateDir, s.Synced = dir, func() bool { return false }
	newAgent(t, s)
	if err := os.WriteFile(filepath.Join(dir, "ballast"), make([]byte, 1<<17), 0o600); err != nil && !errors.Is(err, syscall.ENOSPC) {
		t.Fatal(err)
	}
	second, third := newAgent(t, s).order.Boot, newAgent(t, s).order.Boot
	if second != 2 || third != 3 {
		t.Errorf("the second start is %d, the third %d", second, third)
	}
}
