package ledger

import (
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/capture"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

const (
	gateways = 3
	ports    = 3
)

// site is gateways, a broker and a collector, and the ledger of what is true.
type site struct {
	t        *testing.T
	dir, bin string
	kinds    []kind
	broker   *natslinktest.Process
	gateways []*gateway
	// collector, its wire, and where it serves.
	collector *process
	wire      *natslinktest.Proxy
	mu        sync.Mutex
	base      string
	serial    int
	rolled    time.Time // when the broker last lost what it had stored
	log       []string  // what was done, for people
}

// kind of module: what it says, and what a calm look makes of that.
type kind struct {
	capture.Case
	truth inventory.Identity
}

// gateway is one machine with its agent.
type gateway struct {
	*site
	id, state string
	agent     *process
	wires     []*natslinktest.Proxy // two ways to the same broker, so that a cut is mended at once
	ports     []*port
	stranger  *simulate.Fleet // a port that nobody named

	mu        sync.Mutex
	confirmed map[inventory.Order]time.Time
	full      bool              // its disk is
	unsure    bool              // its disk was full in this life: what it confirmed may be in memory
	filled    time.Time         // when that was last so
	written   map[string][]byte // by port, what it was sent
}

// port of a gateway, with the module that stands in it.
type port struct {
	name, path string
	fleet      *simulate.Fleet
	script     capture.Case
	module     inventory.Identity // the truth; the zero value while nothing is plugged
}

func newSite(t *testing.T, bin string, kinds []kind) *site {
	s := &site{t: t, dir: t.TempDir(), bin: bin, kinds: kinds, broker: natslinktest.StartProcess(t)}
	s.wire = natslinktest.NewProxy(t, s.broker.Addr())
	s.collector = &process{t: t, said: s.served, args: []string{filepath.Join(bin, "rollcall"), "collector",
		"--config", s.file("collector.yaml", "log: {format: text}\n"), "--nats-url", s.wire.URL(),
		"--store", "sqlite:" + s.database(), "--state-dir", filepath.Join(s.dir, "collector"), "--listen", "127.0.0.1:0"}}
	for i := range gateways {
		s.gateways = append(s.gateways, s.newGateway(fmt.Sprintf("gw%d", i+1)))
	}
	t.Cleanup(s.stop)
	s.collector.start()
	for _, g := range s.gateways {
		g.agent.start()
	}
	return s
}

func (s *site) database() string { return filepath.Join(s.dir, "collector", "rollcall.db") }

func (s *site) file(name, text string) string {
	s.t.Helper()
	path := filepath.Join(s.dir, name)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
	return path
}

func (s *site) newGateway(id string) *gateway {
	g := &gateway{site: s, id: id, state: filepath.Join(s.dir, id), confirmed: map[inventory.Order]time.Time{}, written: map[string][]byte{}}
	config := "heartbeat: 1s\nscan: {interval: 1m, timeout: 5s}\nlog: {format: text}\n"
	args := []string{filepath.Join(s.bin, "rollcall-agent"), "--config", s.file(id+".yaml", config),
		"--gateway-id", id, "--state-dir", g.state, "--status-file", filepath.Join(s.dir, id+".status")}
	for range 2 {
		w := natslinktest.NewProxy(s.t, s.broker.Addr())
		g.wires = append(g.wires, w)
		args = append(args, "--nats-url", w.URL())
	}
	dev := filepath.Join(s.dir, "dev-"+id)
	for i := range ports {
		p := &port{name: fmt.Sprintf("p%d", i+1)}
		p.path = filepath.Join(dev, p.name)
		g.ports = append(g.ports, p)
		args = append(args, "--port", p.path)
	}
	if err := os.MkdirAll(g.state, 0o700); err != nil {
		s.t.Fatal(err)
	}
	s.smallDisk(g.state)
	g.agent = &process{t: s.t, args: args, said: g.heard}
	g.plug(g.ports[0], s.kinds[0])
	stranger := s.kinds[1].Case
	stranger.ID = "stranger"
	g.stranger = g.simulate(stranger)
	return g
}

// stop ends all processes, also those that stand still.
func (s *site) stop() {
	for _, p := range append([]*process{s.collector}, s.agents()...) {
		p.mu.Lock()
		_ = p.end(syscall.SIGKILL)
		p.mu.Unlock()
	}
	for _, g := range s.gateways {
		for _, p := range g.ports {
			g.unplug(p)
		}
		_ = g.stranger.Close()
	}
}

func (s *site) agents() (all []*process) {
	for _, g := range s.gateways {
		all = append(all, g.agent)
	}
	return all
}

// did notes what was done.
func (s *site) did(format string, args ...any) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.log = append(s.log, time.Now().Format("05.000 ")+fmt.Sprintf(format, args...))
}

// served takes what the collector says.
func (s *site) served(line string) {
	if _, base, ok := strings.Cut(line, "pages at "); ok {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.base = strings.TrimSuffix(base, "/")
	}
}

var reportLine = regexp.MustCompile(`msg=report reason=(\w+) .*seq=(\d+)`)

// heard takes what an agent says. A report that is news is in its spool, synced, when it says so.
func (g *gateway) heard(line string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if strings.Contains(line, `msg="agent started"`) {
		g.unsure = g.full
	}
	m := reportLine.FindStringSubmatch(line)
	if m == nil || m[1] == string(inventory.ReasonRequest) || g.unsure {
		return // what was asked for may be known to the server already, and is kept in memory then
	}
	b, err := os.ReadFile(filepath.Join(g.state, "boot"))
	if err != nil {
		g.t.Errorf("%s confirmed a report and has no count of starts: %v", g.id, err)
		return
	}
	var o inventory.Order
	o.Boot, _ = strconv.ParseUint(strings.TrimSpace(string(b)), 10, 64)
	o.Seq, _ = strconv.ParseUint(m[2], 10, 64)
	g.confirmed[o] = time.Now()
}

// simulate puts a module on a pty; its ID is the name of the port.
func (g *gateway) simulate(c capture.Case) *simulate.Fleet {
	f, err := simulate.Start(g.t.Context(), []capture.Case{c}, filepath.Join(g.dir, "dev-"+g.id), simulate.Settings{
		Delay: 5 * time.Millisecond,
		Received: func(id string, b []byte) {
			g.mu.Lock()
			defer g.mu.Unlock()
			g.written[id] = append(g.written[id], b...)
		}})
	if err != nil {
		g.t.Fatal(err)
	}
	return f
}

// another makes a module of a kind that there was not yet, and tells what it truly is.
func (s *site) another(k kind, name string) (capture.Case, inventory.Identity) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.serial++
	c, truth := simulate.Numbered(k.Case, s.serial), k.truth
	c.ID, truth.IMEI = name, simulate.IMEI(truth.IMEI[:8], s.serial)
	return c, truth
}

func (g *gateway) plug(p *port, k kind) {
	p.script, p.module = g.another(k, p.name)
	if p.fleet == nil {
		p.fleet = g.simulate(p.script)
	} else {
		p.fleet.Modules()[0].Become(p.script)
	}
	g.did("%s %s holds %s %s", g.id, p.name, p.module.Model, p.module.IMEI)
}

func (g *gateway) unplug(p *port) {
	if p.fleet == nil {
		return
	}
	if err := p.fleet.Close(); err != nil {
		g.t.Error(err)
	}
	p.fleet, p.module = nil, inventory.Identity{}
	g.did("%s %s is empty", g.id, p.name)
}

// again plugs a module in once more. A pty keeps the exclusive access of a process that was killed for as long as its
// other side lives; a real port forgets it at once.
func (g *gateway) again(p *port) {
	if p.fleet == nil {
		return
	}
	if err := p.fleet.Close(); err != nil {
		g.t.Error(err)
	}
	p.fleet = g.simulate(p.script)
}

// dice are drawn from a seed.
type dice struct{ *rand.Rand }

func (d dice) pause(most time.Duration) func() {
	n := time.Duration(d.Int64N(int64(most)))
	return func() { time.Sleep(n) }
}
