package spool

import (
	"errors"
	"fmt"
	"os/exec"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// strace finds the tool that makes system calls fail.
func strace(t *testing.T) string {
	t.Helper()
	path, err := exec.LookPath("strace")
	if err != nil {
		t.Fatal("this test injects faults with strace (Debian: apt-get install strace)")
	}
	return path
}

// work is a process that puts, reads and removes, and says each step before and after.
func work(dir string) error {
	s, err := Open(dir, Limits{})
	if err != nil {
		return err
	}
	put := func(seq uint64) {
		e := report(1, seq, 100)
		fmt.Println("putting", e.ID)
		if err := s.Put(e); err == nil {
			fmt.Println("confirmed", e.ID)
		} else {
			fmt.Println("refused", e.ID, errors.Is(err, ErrNotDurable))
		}
	}
	put(1)
	put(2)
	if e, ok := s.Next(); ok {
		fmt.Println("removing", e.ID)
		if err := s.Remove(e.ID); err != nil {
			return err
		}
	}
	put(3)
	return s.Close()
}

// said collects the ids that a process said behind a word.
func said(lines []string, word string) (ids []string) {
	for _, l := range lines {
		if f := strings.Fields(l); len(f) > 1 && f[0] == word {
			ids = append(ids, f[1])
		}
	}
	return ids
}

// TestC01: SIGKILL at the n-th system call of each sort, n = 1, 2, 3 and so on until the
// process lives. After the restart everything that was confirmed is there, nothing is
// torn, and at most one report is there that was not confirmed.
func TestC01(t *testing.T) {
	tool := strace(t)
	calls := []string{"openat", "newfstatat", "write", "fsync", "renameat", "unlinkat", "close", "flock", "getdents64"}
	slots := make(chan struct{}, 4)
	var wg sync.WaitGroup
	for _, call := range calls {
		wg.Go(func() {
			kills := 0
			for n := 1; ; n++ {
				slots <- struct{}{}
				killed, err := killAt(tool, t.TempDir(), call, n)
				<-slots
				if err != nil {
					t.Errorf("%s, call %d: %v", call, n, err)
					return
				}
				if !killed {
					break
				}
				kills++
			}
			t.Logf("%s: killed at each of %d calls", call, kills)
			if kills == 0 {
				t.Errorf("no process was killed at %s: the fault was not injected", call)
			}
		})
	}
	wg.Wait()
}

func killAt(tool, dir, call string, n int) (killed bool, err error) {
	lines, err := child("work", dir, nil, tool, "-f", "-qq", "-o", "/dev/null", "-e", "trace="+call,
		"-e", "inject="+call+":signal=SIGKILL:when="+strconv.Itoa(n))
	var exit *exec.ExitError
	if err != nil && (!errors.As(err, &exit) || slices.ContainsFunc(lines, func(l string) bool { return strings.HasPrefix(l, "failed") })) {
		return false, err
	}
	return err != nil, afterKill(dir, lines)
}

func afterKill(dir string, lines []string) error {
	s, err := Open(dir, Limits{})
	if err != nil {
		return err
	}
	defer s.Close()
	var found []string
	for _, e := range s.entries {
		found = append(found, e.id)
	}
	confirmed, removing, putting := said(lines, "confirmed"), said(lines, "removing"), said(lines, "putting")
	for _, id := range confirmed {
		if !slices.Contains(found, id) && !slices.Contains(removing, id) {
			return fmt.Errorf("%s was confirmed and is lost; the process said %q", id, lines)
		}
	}
	extra := 0
	for _, id := range found {
		if !slices.Contains(putting, id) {
			return fmt.Errorf("%s was never put", id)
		}
		if !slices.Contains(confirmed, id) {
			extra++
		}
	}
	if extra > 1 || len(s.Health()) > 0 {
		return fmt.Errorf("%d unconfirmed records, health %v", extra, s.Health())
	}
	return nil
}

// TestC07: fsync fails with EIO. Once: the file is discarded and a new one holds the
// report. Always: nothing is confirmed, and after three files the disk is left alone.
func TestC07(t *testing.T) {
	tool := strace(t)
	for when, c := range map[string]struct{ confirmed, left int }{"1": {3, 2}, "1+": {0, 0}} {
		t.Run("when="+when, func(t *testing.T) {
			dir := t.TempDir()
			lines, err := child("work", dir, nil, tool, "-f", "-qq", "-o", "/dev/null", "-e", "trace=fsync",
				"-e", "inject=fsync:error=EIO:when="+when)
			if err != nil {
				t.Fatal(err)
			}
			if got := said(lines, "confirmed"); len(got) != c.confirmed {
				t.Errorf("confirmed %d, want %d; it said %q", len(got), c.confirmed, lines)
			}
			if got := names(t, dir); len(got) != c.left {
				t.Errorf("files left: %v", got)
			}
		})
	}
}

// TestC07LeftAlone: a disk that never syncs is tried with three files, then left alone.
func TestC07LeftAlone(t *testing.T) {
	d := newMemDisk()
	syncs := 0
	d.fault = func(op string) error {
		if op == "sync" {
			syncs++
			return errors.New("input/output error")
		}
		return nil
	}
	s := newSpool(Limits{}, func() (disk, error) { return d, nil })
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	for seq := range uint64(5) {
		if err := s.Put(report(1, seq+1, 10)); !errors.Is(err, ErrNotDurable) {
			t.Errorf("put %d: %v", seq+1, err)
		}
	}
	if syncs != syncTries {
		t.Errorf("%d syncs for 5 reports, want %d", syncs, syncTries)
	}
	if len(d.live) != 0 || !slices.Contains(codes(s.Health()), "disk-error") {
		t.Errorf("files %v, health %v", d.live, s.Health())
	}
	if got := drain(t, s); len(got) != 5 {
		t.Errorf("came out %v", ids(got))
	}
}

// TestC07NewFile: what is confirmed after a failed sync is another file than the one that
// failed, which a second sync would have called well.
func TestC07NewFile(t *testing.T) {
	d := newMemDisk()
	failed := false
	d.fault = func(op string) error {
		if op == "sync" && !failed {
			failed = true
			return errors.New("input/output error")
		}
		return nil
	}
	s := newSpool(Limits{}, func() (disk, error) { return d, nil })
	if err := s.start(); err != nil {
		t.Fatal(err)
	}
	e := report(1, 1, 10)
	put(t, s, e)
	if i := d.live[fileName(e)]; !failed || i == nil || i.lost || !i.synced {
		t.Errorf("confirmed with %+v", i)
	}
}
