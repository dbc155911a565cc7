package cli

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/internal/doctor"
)

// Who has no agent on the machine is not told that something is broken because no server answers.
func TestWithoutAgent(t *testing.T) {
	checks := []doctor.Check{
		{Name: "rights", Level: doctor.Fail, Text: "cannot open /dev/ttyUSB2", Advice: "join dialout"},
		{Name: "NATS", Level: doctor.Fail, Text: "no server can be reached", Advice: "check nats.urls"},
	}
	withoutAgent(checks)
	want := []doctor.Check{
		{Name: "rights", Level: doctor.Fail, Text: "cannot open /dev/ttyUSB2", Advice: "join dialout"},
		{Name: "NATS", Level: doctor.Note, Text: "no server can be reached", Advice: "an agent needs a server, scan does not: nats.urls in /etc/rollcall/agent.yaml"},
	}
	if diff := cmp.Diff(want, checks); diff != "" {
		t.Error(diff)
	}
}
