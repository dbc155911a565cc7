package agentcli

import (
	"strings"
	"testing"

	"github.com/rollcall-iot/rollcall/agent"
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
