package agentcli

import (
	"bytes"
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/inventory"
)

func TestStatusNamesWhatIsFitted(t *testing.T) {
	var b strings.Builder
	err := printStatus(&b, agent.Status{Gateway: "gw1", Modules: map[inventory.State]int{inventory.StateIdentified: 1, inventory.StateHeld: 1},
		Fitted: []agent.Fitted{
			{ID: "1-1", State: inventory.StateIdentified, MakerName: "Quectel", Model: "EC25-E\x1b[2J", Firmware: "EC25EFAR06A08M4G"},
			{ID: "1-2", State: inventory.StateHeld}}})
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"1-1: Quectel EC25-E", "EC25EFAR06A08M4G", "1-2: not identified"} {
		if !strings.Contains(b.String(), want) {
			t.Errorf("not %q in\n%s", want, b.String())
		}
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Error("an escape of a module reaches the terminal")
	}
}

// An agent that was killed leaves its status behind; who asks must not be told that all is well.
func TestStatusOfNobody(t *testing.T) {
	t.Setenv("ROLLCALL_HEARTBEAT", "2s")
	up := agent.Uptime()
	if up < 10*time.Second {
		t.Fatalf("this machine runs for %v, which cannot be", up)
	}
	for name, c := range map[string]struct {
		up   time.Duration
		want int
	}{
		"of now": {up, exit.OK}, "of three heartbeats ago": {up - 8*time.Second, exit.Failure}, "of an earlier start of the machine": {up + time.Hour, exit.Failure},
		"of an older agent": {0, exit.OK},
	} {
		// The time of day tells nothing: it may have been set since.
		b, err := json.Marshal(agent.Status{Gateway: "gw1", Up: c.up, Time: time.Unix(60, 0)})
		if err != nil {
			t.Fatal(err)
		}
		path := filepath.Join(t.TempDir(), "status.json")
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
		var out, errs bytes.Buffer
		code := Run(t.Context(), []string{"status", "--status-file", path}, os.Environ(), &out, &errs)
		if code != c.want || !strings.Contains(out.String(), "gw1") || (code != exit.OK) != strings.Contains(errs.String(), "is it running?") {
			t.Errorf("%s: exit status %d, %s", name, code, errs.String())
		}
	}
}
