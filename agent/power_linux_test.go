package agent

import (
	"context"
	"fmt"
	"path/filepath"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// TestD15: the machine of the server loses its power after it acknowledged. With the server's own default for
// syncing, what was acknowledged may be gone, and the agents heal that by themselves; with that of our template,
// nothing is gone.
func TestD15(t *testing.T) {
	for name, always := range map[string]bool{"default": false, "always": true} {
		t.Run(name, func(t *testing.T) {
			disk, err := newLoopDisk(t)
			if err != nil {
				t.Logf("no disk whose power can be cut (%v): an empty store stands for what is left of it", err)
				disk = &loopDisk{t: t, dir: t.TempDir()}
			}
			powerCut(t, disk, always)
		})
	}
}

func powerCut(t *testing.T, disk *loopDisk, always bool) {
	t.Helper()
	server := natslinktest.Start(t, natslinktest.Settings{StoreDir: filepath.Join(disk.dir, "nats"), SyncAlways: always})
	natslinktest.MakeStream(t, server.JetStream(natslinktest.User{}), 0)
	var firmware atomic.Int64
	changes := make(chan struct{})
	s := daemonSettings(t, server.URL())
	s.Heartbeat, s.Changes = 50*time.Millisecond, changes
	s.Survey = func(context.Context) ([]inventory.Module, error) { return ec25(fmt.Sprint("F", firmware.Load())), nil }
	d := daemon(t, s)
	running(t, d)
	holds := func() map[string]bool {
		all, _ := bodies(t, server.JetStream(natslinktest.User{}))
		found := map[string]bool{}
		for _, r := range all {
			found[r.Modules[0].Identity.Firmware] = true
		}
		return found
	}
	natslinktest.Eventually(t, "the first report is there", func() bool { return holds()["F0"] })
	unix.Sync() // all of that was long ago
	var last string
	for range 20 {
		last = fmt.Sprint("F", firmware.Add(1))
		changes <- struct{}{}
		natslinktest.Eventually(t, "the newest report is acknowledged", func() bool { return holds()[last] && d.spool.Counts().Records == 0 })
	}
	sent, left := holds(), t.TempDir()
	if disk.image != "" {
		left = filepath.Join(disk.cut(), "nats")
	}
	server.UseStore(left)
	js := server.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0) // as a collector does that finds none
	kept := holds()
	lost := 0
	for f := range sent {
		if !kept[f] {
			lost++
		}
	}
	t.Logf("of %d acknowledged reports %d were lost with the power", len(sent), lost)
	if always && disk.image != "" && lost > 0 {
		t.Errorf("with sync_interval always %d of %d acknowledged reports were lost", lost, len(sent))
	}
	natslinktest.Eventually(t, "the newest picture is there by itself", func() bool { return holds()[last] })
}
