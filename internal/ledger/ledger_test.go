package ledger

import (
	"bytes"
	"encoding/json"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// forHow makes TestLedger draw new seeds for so long: ROLLCALL_LEDGER=60m. seedVar makes it repeat one.
const (
	forHow  = "ROLLCALL_LEDGER"
	seedVar = "ROLLCALL_LEDGER_SEED"
)

func TestMain(m *testing.M) {
	natslinktest.ServeIfChild()
	os.Exit(m.Run())
}

// TestLedger is one history after the other, each from its seed. A seed that once failed is a test of its own below.
func TestLedger(t *testing.T) {
	bin := programs(t)
	kinds := knownKinds(t, bin)
	run := func(seed uint64) {
		t.Run(strconv.FormatUint(seed, 10), func(t *testing.T) { history(t, bin, kinds, seed) })
	}
	if text := os.Getenv(seedVar); text != "" {
		seed, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			t.Fatal(err)
		}
		run(seed)
		return
	}
	if text := os.Getenv(forHow); text != "" {
		long, err := time.ParseDuration(text)
		if err != nil {
			t.Fatal(err)
		}
		for start := time.Now(); time.Since(start) < long && !t.Failed(); {
			run(rand.Uint64())
		}
		return
	}
	for _, f := range failed {
		t.Run(f.fault, func(t *testing.T) { history(t, bin, kinds, f.seed) })
	}
}

// failed are the seeds that found a fault of ours, and which one that was. They stay. (A disk that is full before there
// is a key is no longer drawn: TestC06State of the agent is about that alone.)
var failed = []struct {
	seed  uint64
	fault string
}{
	{1, "two starts on a full disk shared a place in the order of reports"},
	{6429515277424905347, "a key made on a full disk was never kept"},
}

// history is one site, from its start to its judgement.
func history(t *testing.T, bin string, kinds []kind, seed uint64) {
	t.Logf("seed %d", seed)
	s := newSite(t, bin, kinds)
	start := time.Now()
	defer func() {
		if t.Failed() || time.Since(start) > patience/3 { // slow is worth a look
			s.tellAll()
		}
	}()
	var wg sync.WaitGroup
	wg.Go(func() { s.modulesAndAgents(dice{rand.New(rand.NewPCG(seed, 1))}, 16) })
	wg.Go(func() { s.wiresAndServers(dice{rand.New(rand.NewPCG(seed, 2))}, 14) })
	wg.Wait()
	faults := time.Since(start)
	s.calm()
	s.judge()
	t.Logf("%v of faults, judged after %v more", faults.Round(time.Millisecond), (time.Since(start) - faults).Round(time.Millisecond))
}

// calm ends all faults. The machines start once more, as people would have them do.
func (s *site) calm() {
	s.did("faults end")
	wires := []*natslinktest.Proxy{s.wire}
	for _, g := range s.gateways {
		wires = append(wires, g.wires...)
	}
	for _, w := range wires {
		w.Swallow(false, false)
		w.Slow(0)
	}
	s.collector.restart(func() {})
	for _, g := range s.gateways {
		g.agent.restart(func() {
			for _, p := range g.ports {
				g.again(p)
			}
		})
	}
}

func (s *site) tellAll() {
	for _, line := range s.log {
		s.t.Log(line)
	}
	for _, p := range append(s.agents(), s.collector) {
		p.mu.Lock()
		_ = p.end(syscall.SIGKILL)
		for _, line := range p.last {
			s.t.Log(filepath.Base(p.args[0]), line)
		}
		p.mu.Unlock()
	}
}

// knownKinds looks at modules of each kind in peace: what a calm look says is what they truly are.
func knownKinds(t *testing.T, bin string) []kind {
	t.Helper()
	cases, err := simulate.Many(20)
	if err != nil {
		t.Fatal(err)
	}
	f, err := simulate.Start(t.Context(), cases, "", simulate.Settings{Delay: time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	args := []string{"scan", "-o", "json"}
	for _, p := range f.Paths() {
		args = append(args, "--port", p)
	}
	cmd := exec.CommandContext(t.Context(), filepath.Join(bin, "rollcall"), args...)
	var errs bytes.Buffer
	cmd.Stderr = &errs
	out, err := cmd.Output()
	var r inventory.Report
	if err != nil || json.Unmarshal(out, &r) != nil || len(r.Modules) != len(cases) {
		t.Fatalf("a calm look: %v, %d modules\n%s%s", err, len(r.Modules), out, errs.Bytes())
	}
	var kinds []kind
	for i, p := range f.Paths() {
		for _, m := range r.Modules {
			if m.Ports[0].Path == p && m.State == inventory.StateIdentified && len(m.Identity.IMEI) == 15 {
				kinds = append(kinds, kind{cases[i], m.Identity})
			}
		}
	}
	if len(kinds) < 4 {
		t.Fatalf("a calm look identifies only %d of %d kinds", len(kinds), len(cases))
	}
	// Their serial numbers are blank again, to be numbered anew.
	plain, err := simulate.Cases()
	if err != nil {
		t.Fatal(err)
	}
	for i := range kinds {
		for j := range cases {
			if kinds[i].ID == cases[j].ID {
				kinds[i].Case = plain[j]
			}
		}
	}
	return kinds
}
