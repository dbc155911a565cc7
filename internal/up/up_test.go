package up

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
)

// childDir names the data directory for a copy of this test binary that runs Rollcall, so
// that it can be killed.
const childDir = "UP_TEST_CHILD"

func TestMain(m *testing.M) {
	if dir := os.Getenv(childDir); dir != "" {
		if err := child(dir); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		os.Exit(0)
	}
	os.Exit(m.Run())
}

func child(dir string) error {
	ctx, stop := signal.NotifyContext(context.Background(), syscall.SIGTERM)
	defer stop()
	base, err := fingerprint.Embedded()
	if err != nil {
		return err
	}
	return Run(ctx, Settings{
		DataDir: dir, Listen: "127.0.0.1:0", NATSListen: "127.0.0.1:0", Simulate: 4, Base: base,
		Gateway: inventory.Gateway{ID: "here", Agent: "test"},
		Ready:   func(a Addresses) { fmt.Println(a.Web) },
	})
}

// process is a running child.
type process struct {
	cmd *exec.Cmd
	web string
}

func startChild(t *testing.T, dir string) *process {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	p := &process{cmd: exec.Command(self)}
	p.cmd.Env = append(os.Environ(), childDir+"="+dir)
	p.cmd.Stderr = os.Stderr
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = p.cmd.Process.Kill(); _ = p.cmd.Wait() })
	s := bufio.NewScanner(out)
	if !s.Scan() {
		t.Fatal("the child ended before it was ready")
	}
	p.web = s.Text()
	return p
}

func get[T any](t *testing.T, p *process, path string) T {
	t.Helper()
	var v T
	resp, err := http.Get(p.web + path)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close()
	if err := json.NewDecoder(resp.Body).Decode(&v); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("%s answers %s, %v", path, resp.Status, err)
	}
	return v
}

// identified waits until all simulated modules are there and identified, and returns them
// by gateway.
func identified(t *testing.T, p *process) map[string]inventory.Identity {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		found := map[string]inventory.Identity{}
		for _, m := range get[api.List[store.Module]](t, p, "/api/v1/modules").Items {
			if m.State == inventory.StateIdentified {
				found[m.Gateway] = m.Identity
			}
		}
		if len(found) == 4 {
			return found
		}
	}
	t.Fatal("the simulated modules did not appear within a minute")
	return nil
}

// heard waits until every gateway reported after the restart.
func heard(t *testing.T, p *process, since map[string]uint64) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if newer := boots(t, p); len(newer) == len(since) {
			all := true
			for id, boot := range since {
				all = all && newer[id] > boot
			}
			if all {
				return
			}
		}
	}
	t.Fatal("not all gateways reported after the restart")
}

func boots(t *testing.T, p *process) map[string]uint64 {
	t.Helper()
	b := map[string]uint64{}
	for _, g := range get[api.List[api.GatewayItem]](t, p, "/api/v1/gateways").Items {
		b[g.ID] = g.Boot
	}
	return b
}

// Killed in the middle and started again, it shows the same fleet: nothing lost, nothing
// doubled, and no event that did not happen.
func TestKilledAndStartedAgain(t *testing.T) {
	dir := t.TempDir()
	p := startChild(t, dir)
	before := identified(t, p)
	heard(t, p, map[string]uint64{"here": 0, "sim-0001": 0, "sim-0002": 0, "sim-0003": 0, "sim-0004": 0})
	was := boots(t, p)
	if err := p.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = p.cmd.Wait()

	p = startChild(t, dir)
	if d := cmp.Diff(before, identified(t, p)); d != "" {
		t.Errorf("before the kill and after (-before +after):\n%s", d)
	}
	heard(t, p, was)
	if n := len(get[api.List[store.Module]](t, p, "/api/v1/modules").Items); n != 4 {
		t.Errorf("%d modules after the restart, want 4", n)
	}
	for _, e := range get[api.List[store.Event]](t, p, "/api/v1/events").Items {
		if e.Kind != store.GatewayNew && e.Kind != store.ModuleAdded {
			t.Errorf("event %s of %s: nothing of the kind happened", e.Kind, e.Gateway)
		}
	}
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Errorf("ended by SIGTERM with %v", err)
	}
}

func TestRefusals(t *testing.T) {
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ name, dir, listen, nats, want string }{
		{"broker for everybody", t.TempDir(), "127.0.0.1:0", "0.0.0.0:0", "no access control"},
		{"broker on a name", t.TempDir(), "127.0.0.1:0", "gateway.example:0", "no access control"},
		{"pages for everybody", t.TempDir(), "0.0.0.0:0", "127.0.0.1:0", "other machines could reach"},
		{"no port", t.TempDir(), "127.0.0.1", "127.0.0.1:0", "cannot serve"},
		{"data is a file", file, "127.0.0.1:0", "127.0.0.1:0", "file"},
	} {
		t.Run(c.name, func(t *testing.T) {
			ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
			defer cancel()
			err := Run(ctx, Settings{DataDir: c.dir, Listen: c.listen, NATSListen: c.nats, Base: base, Gateway: inventory.Gateway{ID: "here"}})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got %v, want an error with %q", err, c.want)
			}
		})
	}
}
