package packaging_test

import (
	"encoding/json"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/inventory"
)

// The fact is what the agent's status file says, and one object where there is none.
func TestAnsibleFact(t *testing.T) {
	file := filepath.Join(t.TempDir(), "status.json")
	fact := func() (s agent.Status, running any) {
		t.Helper()
		c := exec.CommandContext(t.Context(), "ansible/rollcall.fact")
		c.Env = []string{"ROLLCALL_STATUS_FILE=" + file, "PATH=/usr/bin:/bin"}
		out, err := c.Output()
		if err != nil {
			t.Fatal(err)
		}
		var any map[string]any
		if err := json.Unmarshal(out, &any); err != nil {
			t.Fatalf("%q: %v", out, err)
		}
		if err := json.Unmarshal(out, &s); err != nil {
			t.Fatal(err)
		}
		return s, any["running"]
	}
	if _, running := fact(); running != false {
		t.Errorf("without an agent, running is %v", running)
	}
	b, err := json.Marshal(agent.Status{Gateway: "gw1", Started: time.Unix(0, 0),
		Fitted: []agent.Fitted{{ID: "1-1", State: inventory.StateIdentified, Maker: "quectel", Model: "EC25-E"}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := atomicfile.Write(file, b, 0o644); err != nil {
		t.Fatal(err)
	}
	if s, _ := fact(); s.Gateway != "gw1" || len(s.Fitted) != 1 || s.Fitted[0].Model != "EC25-E" {
		t.Errorf("the fact is %+v", s)
	}
	var book []struct{ Tasks []map[string]any }
	if err := yaml.Unmarshal([]byte(read(t, "ansible/audit.yaml")), &book); err != nil || len(book) != 1 || len(book[0].Tasks) != 4 {
		t.Errorf("the playbook: %+v, %v", book, err)
	}
}
