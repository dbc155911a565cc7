package render_test

import (
	"testing"

	"github.com/rollcall-iot/rollcall/internal/render"
	"github.com/rollcall-iot/rollcall/inventory"
)

// A number that is not valid is a conflict of its own; it does not contradict who made the module.
func TestCertaintyIsOfTheIdentity(t *testing.T) {
	m := inventory.Module{State: inventory.StateIdentified, Confidence: 0.9, Identity: inventory.Identity{Maker: "quectel", Model: "EC25-E"}}
	for claim, want := range map[string]string{"imei": "likely", "maker": "contradicted", "model": "contradicted", "firmware": "contradicted"} {
		m.Conflicts = []inventory.Conflict{{Claim: claim, Values: []string{"a", "b"}, Why: "they differ"}}
		if got := render.Certainty(m); got != want {
			t.Errorf("%s: %s, want %s", claim, got, want)
		}
	}
}
