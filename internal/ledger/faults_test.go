package ledger

import (
	"errors"
	"os"
	"path/filepath"
	"syscall"
	"time"
)

// modulesAndAgents draws n things that happen to the gateways.
func (s *site) modulesAndAgents(d dice, n int) {
	for range n {
		g := s.gateways[d.IntN(len(s.gateways))]
		p := g.ports[d.IntN(len(g.ports))]
		pause := d.pause(250 * time.Millisecond)
		switch d.IntN(9) {
		case 0, 1, 2:
			g.plug(p, s.kinds[d.IntN(len(s.kinds))])
			g.tell(d)
		case 3:
			g.unplug(p)
			g.tell(d)
		case 4, 5:
			g.did("%s is killed", g.id)
			g.agent.restart(pause)
		case 6:
			g.did("%s stands still", g.id)
			g.agent.hold(pause)
		case 7:
			g.did("%s reads its configuration", g.id)
			g.agent.send(syscall.SIGHUP)
		case 8:
			g.disk(pause)
		}
		d.pause(300 * time.Millisecond)()
	}
}

// tell has the agent notice, in a moment or at once: a port that was named makes no event.
func (g *gateway) tell(d dice) {
	if d.IntN(3) > 0 {
		g.agent.send(syscall.SIGHUP)
	}
}

func (p *process) send(sig os.Signal) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.cmd != nil {
		_ = p.cmd.Process.Signal(sig)
	}
}

// disk fills the file system of the agent's state, where that is a small one, and empties it again.
func (g *gateway) disk(pause func()) {
	var fs syscall.Statfs_t
	const tmpfs = 0x01021994
	if err := syscall.Statfs(g.state, &fs); err != nil || fs.Type != tmpfs || fs.Blocks*uint64(fs.Bsize) > smallDisk {
		return
	}
	if _, err := os.Stat(filepath.Join(g.state, "report.key")); err != nil {
		return // a key that was never kept ends with its process, and only a person can record the next one
	}
	g.did("%s has a full disk", g.id)
	g.mu.Lock()
	g.full, g.unsure, g.filled = true, true, time.Now()
	g.mu.Unlock()
	ballast := filepath.Join(g.state, "ballast")
	err := os.WriteFile(ballast, make([]byte, 2*smallDisk), 0o600)
	if !errors.Is(err, syscall.ENOSPC) {
		g.t.Errorf("%s: the disk did not become full: %v", g.id, err)
	}
	g.agent.send(syscall.SIGHUP)
	pause()
	if err := os.Remove(ballast); err != nil {
		g.t.Error(err)
	}
	g.mu.Lock()
	g.full = false
	g.mu.Unlock()
}

const smallDisk = 512 << 10

// smallDisk puts a directory on a file system that can be full, as root.
func (s *site) smallDisk(dir string) {
	if os.Geteuid() != 0 {
		s.t.Log("not root: no disk becomes full in this run")
		return
	}
	if err := syscall.Mount("none", dir, "tmpfs", 0, "size=512k,mode=0700"); err != nil {
		s.t.Logf("no disk becomes full in this run: cannot mount a tmpfs: %v", err)
		return
	}
	s.t.Cleanup(func() { _ = syscall.Unmount(dir, syscall.MNT_DETACH) })
}

// wiresAndServers draws n things that happen beyond the gateways.
func (s *site) wiresAndServers(d dice, n int) {
	older := ""
	for range n {
		g := s.gateways[d.IntN(len(s.gateways))]
		wires := append(g.wires[:len(g.wires):len(g.wires)], s.wire)[d.IntN(2)*2:] // a gateway's and the collector's, or that alone
		pause := d.pause(400 * time.Millisecond)
		to, from := d.IntN(2) == 0, d.IntN(2) == 0
		switch d.IntN(10) {
		case 0, 1:
			s.did("%d wires of %s are cut", len(wires), g.id)
			for _, w := range wires {
				w.Cut()
			}
		case 2, 3:
			s.did("%d wires of %s swallow %v %v", len(wires), g.id, to, from)
			for _, w := range wires {
				w.Swallow(to, from)
			}
			pause()
			for _, w := range wires {
				w.Swallow(false, false)
				w.Cut()
			}
		case 4:
			for _, w := range wires {
				w.Slow(time.Duration(d.IntN(20)) * time.Millisecond)
			}
		case 5, 6:
			s.did("the collector is killed")
			s.collector.restart(pause)
		case 7:
			s.did("the collector stands still")
			s.collector.hold(pause)
		case 8:
			s.did("the broker stands still")
			_ = s.broker.Signal(syscall.SIGSTOP)
			pause()
			_ = s.broker.Signal(syscall.SIGCONT)
		case 9:
			older = s.brokerDies(older, d.IntN(4), pause)
		}
		d.pause(300 * time.Millisecond)()
	}
}

// brokerDies kills the broker. Its store stays, or is kept as it is now, or comes back as it was kept, or empty.
func (s *site) brokerDies(older string, how int, pause func()) string {
	s.broker.Kill()
	defer s.broker.Start()
	defer pause()
	switch {
	case how == 1:
		older = s.t.TempDir()
		s.copy(s.broker.Dir(), older)
		s.did("the broker is killed and copied")
	case how == 2 && older != "", how == 3:
		s.did("the broker comes back as it was (%v) or empty", how == 2)
		if err := os.RemoveAll(filepath.Join(s.broker.Dir(), "jetstream")); err != nil {
			s.t.Error(err)
		}
		if how == 2 {
			s.copy(older, s.broker.Dir())
		}
		s.mu.Lock()
		s.rolled = time.Now()
		s.mu.Unlock()
	default:
		s.did("the broker is killed")
	}
	return older
}

func (s *site) copy(from, to string) {
	if err := os.CopyFS(to, os.DirFS(from)); err != nil {
		s.t.Error(err)
	}
}
