package agent

import (
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"testing/synctest"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// loopDisk is a file system of its own on an image, mounted for the length of the test, and what was written to it.
type loopDisk struct {
	t          *testing.T
	image, dir string
}

// newLoopDisk says why there is none: it takes root and the tools of ext4.
func newLoopDisk(t *testing.T) (*loopDisk, error) {
	t.Helper()
	d := &loopDisk{t, filepath.Join(t.TempDir(), "image"), t.TempDir()}
	if err := os.WriteFile(d.image, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Truncate(d.image, 64<<20); err != nil {
		t.Fatal(err)
	}
	for _, args := range [][]string{{"mkfs.ext4", "-q", "-F", d.image}, {"mount", "-o", "loop,noatime", d.image, d.dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			return nil, fmt.Errorf("%s: %w %s", args[0], err, out)
		}
	}
	t.Cleanup(func() { _ = syscall.Unmount(d.dir, syscall.MNT_DETACH) })
	return d, nil
}

// cut gives what is on the disk as a power cut leaves it now: a copy without a sync, mounted beside it.
func (d *loopDisk) cut() string {
	d.t.Helper()
	dir, image := d.t.TempDir(), filepath.Join(d.t.TempDir(), "image")
	for _, args := range [][]string{{"cp", "--sparse=always", d.image, image}, {"mount", "-o", "loop,noatime", image, dir}} {
		if out, err := exec.Command(args[0], args[1:]...).CombinedOutput(); err != nil {
			d.t.Fatalf("%s: %v %s", args[0], err, out)
		}
	}
	d.t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
	return dir
}

// written is how many bytes the device was written, with all that is still to be written.
func (d *loopDisk) written() int64 {
	d.t.Helper()
	f, err := os.Open(d.dir)
	if err != nil {
		d.t.Fatal(err)
	}
	defer f.Close()
	if err := unix.Syncfs(int(f.Fd())); err != nil {
		d.t.Fatal(err)
	}
	var st syscall.Stat_t
	if err := syscall.Stat(d.dir, &st); err != nil {
		d.t.Fatal(err)
	}
	b, err := os.ReadFile(fmt.Sprintf("/sys/dev/block/%d:%d/stat", st.Dev>>8&0xfff, st.Dev&0xff|st.Dev>>12&0xfff00))
	if err != nil {
		d.t.Fatal(err)
	}
	const sectorsWritten = 6
	n, err := strconv.ParseInt(strings.Fields(string(b))[sectorsWritten], 10, 64)
	if err != nil {
		d.t.Fatal(err)
	}
	return n * 512
}

// ownWrites is what this process caused to be written, where there is no disk of its own to ask.
func ownWrites(t *testing.T) int64 {
	t.Helper()
	b, err := os.ReadFile("/proc/self/io")
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(b), "\nwrite_bytes: ")
	line, _, _ := strings.Cut(rest, "\n")
	n, err := strconv.ParseInt(line, 10, 64)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

// taking takes everything.
type taking struct{ n atomic.Uint64 }

func (p *taking) Publish(context.Context, *inventory.Envelope) (natslink.Receipt, error) {
	return natslink.Receipt{Stream: natslink.Stream, Sequence: p.n.Add(1)}, nil
}

// TestC13: a day on flash. While nothing changes not one byte is written; where a module changes every minute, it is
// 25 MB at most.
func TestC13(t *testing.T) {
	for name, c := range map[string]struct {
		every time.Duration // something changes
		most  int64
	}{"quiet": {0, 0}, "noisy": {time.Minute, 25e6}} {
		t.Run(name, func(t *testing.T) {
			dir, written := t.TempDir(), func() int64 { return ownWrites(t) }
			disk, err := newLoopDisk(t)
			if err == nil {
				dir, written = filepath.Join(disk.dir, "state"), disk.written
			} else {
				t.Logf("no disk of its own to measure (%v): this process's writes are counted instead", err)
			}
			synctest.Test(t, func(t *testing.T) {
				used := aDay(t, dir, c.every, written)
				t.Logf("%d bytes were written in a day", used)
				if used > c.most {
					t.Errorf("%d bytes were written in a day, want %d at most", used, c.most)
				}
				if c.most > 0 && used < c.most/100 {
					t.Errorf("only %d bytes were written: this test measures nothing", used)
				}
			})
		})
	}
}

// aDay runs an agent and its spool for a day, and gives what was written after the first report was delivered.
func aDay(t *testing.T, dir string, every time.Duration, written func() int64) int64 {
	store, err := spool.Open(filepath.Join(dir, "spool"), spool.Limits{})
	if err != nil {
		t.Fatal(err)
	}
	server, changes := &taking{}, make(chan struct{})
	var firmware atomic.Int64
	d := &Daemon{spool: store}
	s := settings(t, nil)
	s.StateDir, s.Changes = dir, changes
	s.Outbox = flashOutbox{d}
	s.Survey = func(context.Context) ([]inventory.Module, error) { return ec25(fmt.Sprint(firmware.Load())), nil }
	d.Agent = newAgent(t, s)
	d.sender = natslink.NewSender(natslink.SenderSettings{Store: store, Link: server, Boot: d.order.Boot, Delivered: d.delivered})
	ctx, cancel := context.WithCancel(t.Context())
	go d.sender.Run(ctx)
	go func() { _ = d.Agent.Run(ctx) }()
	time.Sleep(time.Second)
	synctest.Wait()
	before, end := written(), time.Now().Add(24*time.Hour)
	for time.Now().Before(end) {
		if every == 0 {
			time.Sleep(time.Until(end))
			break
		}
		time.Sleep(every)
		firmware.Add(1)
		changes <- struct{}{}
	}
	synctest.Wait()
	used := written() - before
	if n := server.n.Load(); n < 90 {
		t.Errorf("only %d messages went out in a day", n)
	}
	cancel()
	synctest.Wait()
	if err := store.Close(); err != nil {
		t.Fatal(err)
	}
	return used
}

// flashOutbox is the outbox of a daemon without a link.
type flashOutbox struct{ d *Daemon }

func (o flashOutbox) Put(e *inventory.Envelope) error  { return outbox(o).Put(e) }
func (o flashOutbox) Hold(e *inventory.Envelope) error { return outbox(o).Hold(e) }
func (o flashOutbox) Health() []inventory.Warning      { return o.d.spool.Health() }
