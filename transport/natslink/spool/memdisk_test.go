package spool

import (
	"bytes"
	"fmt"
	"io/fs"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"syscall"
)

// memDisk is a directory that crashes as a bad disk may: what was not synced is gone,
// torn, zeroed or there; changes of the directory survive in any choice; and a file
// whose sync failed is never durable, whatever a later sync says.
type memDisk struct {
	live    map[string]*inode
	durable map[string]*inode
	pending []change // of the directory, since the last sync of it
	ops     int
	crashAt int                   // the op that does not return; 0 means never
	fault   func(op string) error // nil means none
	most    int64                 // the most bytes that records ever took
	files   int                   // the most records there ever were
}

type inode struct {
	data   []byte
	synced bool
	lost   bool // a sync failed: never durable again
}

// change is one atomic change of the directory.
type change func(dir map[string]*inode)

type crash struct{}

func newMemDisk() *memDisk {
	return &memDisk{live: map[string]*inode{}, durable: map[string]*inode{}}
}

// step counts an operation, crashes at the chosen one, and fails as told.
func (d *memDisk) step(op string) error {
	if d.ops++; d.ops == d.crashAt {
		panic(crash{})
	}
	if d.fault == nil {
		return nil
	}
	return d.fault(op)
}

func (d *memDisk) apply(c change) {
	c(d.live)
	d.pending = append(d.pending, c)
	d.measure()
}

func (d *memDisk) measure() {
	var n int64
	files := 0
	for name, i := range d.live {
		if !strings.HasPrefix(name, badDir+"/") {
			n += int64(len(i.data))
			files++
		}
	}
	d.most, d.files = max(d.most, n), max(d.files, files)
}

// afterCrash is the directory as the next start finds it.
func (d *memDisk) afterCrash(r *rand.Rand) *memDisk {
	dir := maps.Clone(d.durable)
	for _, c := range d.pending {
		if r.IntN(2) == 0 {
			c(dir)
		}
	}
	next := newMemDisk()
	for name, i := range dir {
		if i == nil {
			continue
		}
		n := &inode{data: i.survives(r), synced: true}
		next.live[name], next.durable[name] = n, n
	}
	return next
}

func (i *inode) survives(r *rand.Rand) []byte {
	if i.synced {
		return i.data
	}
	switch cut := r.IntN(len(i.data) + 1); r.IntN(4) {
	case 0:
		return nil
	case 1:
		return i.data[:cut]
	case 2: // the length came through, the rest did not
		return append(slices.Clone(i.data[:cut]), make([]byte, len(i.data)-cut)...)
	default:
		if i.lost {
			return i.data[:cut]
		}
		return i.data
	}
}

func (d *memDisk) Create(name string) (file, error) {
	if err := d.step("create"); err != nil {
		return nil, err
	}
	if d.live[name] != nil {
		return nil, fs.ErrExist
	}
	i := &inode{}
	d.apply(func(dir map[string]*inode) { dir[name] = i })
	return &memFile{d, i}, nil
}

func (d *memDisk) Read(name string, max int64) ([]byte, error) {
	if err := d.step("read"); err != nil {
		return nil, err
	}
	i := d.live[name]
	if i == nil {
		return nil, fs.ErrNotExist
	}
	return bytes.Clone(i.data[:min(int64(len(i.data)), max+1)]), nil
}

func (d *memDisk) Rename(from, to string) error {
	if err := d.step("rename"); err != nil {
		return err
	}
	i := d.live[from]
	if i == nil {
		return fs.ErrNotExist
	}
	d.apply(func(dir map[string]*inode) { delete(dir, from); dir[to] = i })
	return nil
}

func (d *memDisk) Remove(name string) error {
	if err := d.step("remove"); err != nil {
		return err
	}
	if d.live[name] == nil {
		return fs.ErrNotExist
	}
	d.apply(func(dir map[string]*inode) { delete(dir, name) })
	return nil
}

func (d *memDisk) Sync() error {
	if err := d.step("syncdir"); err != nil {
		return err
	}
	d.durable, d.pending = maps.Clone(d.live), nil
	return nil
}

func (d *memDisk) List(dir string) ([]string, error) {
	if err := d.step("list"); err != nil {
		return nil, err
	}
	var names []string
	for name := range d.live {
		if base, in := strings.CutPrefix(name, badDir+"/"); in == (dir == badDir) {
			names = append(names, base)
		}
	}
	return names, nil
}

func (d *memDisk) Exists(name string) bool { return d.live[name] != nil }
func (d *memDisk) MkdirBad() error         { return d.step("mkdir") }
func (d *memDisk) Close() error            { return nil }

type memFile struct {
	d *memDisk
	i *inode
}

func (f *memFile) Write(b []byte) (int, error) {
	if err := f.d.step("write"); err != nil {
		n := len(b) / 2
		f.i.data = append(f.i.data, b[:n]...)
		return n, err
	}
	f.i.data = append(f.i.data, b...)
	f.d.measure()
	return len(b), nil
}

func (f *memFile) Sync() error {
	if err := f.d.step("sync"); err != nil {
		f.i.lost = true
		return err
	}
	f.i.synced = !f.i.lost
	return nil
}

func (f *memFile) Close() error { return f.d.step("close") }

// faulty fails one operation in n, as disks do.
func faulty(r *rand.Rand, n int) func(string) error {
	return func(op string) error {
		if r.IntN(n) != 0 {
			return nil
		}
		switch op {
		case "create", "write":
			return []error{syscall.ENOSPC, syscall.EIO, syscall.EDQUOT, syscall.EMFILE}[r.IntN(4)]
		case "read", "list":
			return syscall.EMFILE
		default:
			return fmt.Errorf("%s: %w", op, syscall.EIO)
		}
	}
}
