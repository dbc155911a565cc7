package modemmanager_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/modemmanager"
	"github.com/rollcall-iot/rollcall/transport/serialport/serialporttest"
)

// realManaged starts ModemManager on a bus that passes for the system's, with a module on a line of
// its own, and gives a port of the same name on which our own questions would be heard.
func realManaged(t *testing.T, allowed bool) (m *module, port string) {
	t.Helper()
	address := bus(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	m = &module{heard: map[string][]string{}}
	name := fmt.Sprintf("rollcall-%d-%s", os.Getpid(), strings.ReplaceAll(t.Name(), "/", "-"))
	m.listen(t, name)
	if allowed {
		authority(t, address)
	}
	startManager(t, address, "abstract:"+name)
	pair := serialporttest.Pty(t)
	go m.serve("ours", pair.Master)
	port = filepath.Join(t.TempDir(), "abstract:"+name)
	if err := os.Symlink(pair.Slave, port); err != nil {
		t.Fatal(err)
	}
	waitManaged(t, m)
	return m, port
}

// polkit plays the authority that ModemManager asks who may do what: everybody may everything.
type polkit struct{}

type subject struct {
	Kind    string
	Details map[string]dbus.Variant
}

type decision struct {
	Authorized, Challenge bool
	Details               map[string]string
}

func (polkit) CheckAuthorization(subject, string, map[string]string, uint32, string) (decision, *dbus.Error) {
	return decision{Authorized: true, Details: map[string]string{}}, nil
}

func authority(t *testing.T, address string) {
	t.Helper()
	c := connect(t, address)
	if err := c.Export(polkit{}, "/org/freedesktop/PolicyKit1/Authority", "org.freedesktop.PolicyKit1.Authority"); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RequestName("org.freedesktop.PolicyKit1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
}

// waitManaged waits until ModemManager has made up its mind about the module.
func waitManaged(t *testing.T, m *module) {
	t.Helper()
	for deadline := time.Now().Add(90 * time.Second); ; time.Sleep(100 * time.Millisecond) {
		all, err := modemmanager.System(soon(t))
		if err == nil && len(all) == 1 && all[0].Model != "" {
			return
		}
		if time.Now().After(deadline) {
			t.Fatalf("ModemManager shows %+v (%v); it said %q", all, err, m.on("theirs"))
		}
	}
}

func surveyOf(t *testing.T, port string) survey.Settings {
	t.Helper()
	base, err := fingerprint.Embedded()
	if err != nil {
		t.Fatal(err)
	}
	return survey.Settings{Finder: &serialport.Finder{}, Base: base, Ports: []string{port}, Manager: modemmanager.Manager{},
		Serial: serialport.Settings{LockDir: t.TempDir()}}
}

func one(t *testing.T, s survey.Settings) inventory.Module {
	t.Helper()
	all, err := survey.Run(t.Context(), s)
	if err != nil || len(all) != 1 {
		t.Fatalf("got %+v, %v", all, err)
	}
	return all[0]
}

// TestB07ManagedModule: a real ModemManager uses the port. The module is identified by what it tells,
// and the port hears nothing.
func TestB07ManagedModule(t *testing.T) {
	m, port := realManaged(t, true)
	before := len(m.on("theirs"))
	got := one(t, surveyOf(t, port))
	if got.State != inventory.StateIdentified || got.Identity.Maker != "quectel" || !strings.Contains(got.Identity.Firmware, "EC25EFAR06A08M4G") {
		t.Errorf("%s %+v: %s", got.State, got.Identity, got.Reason)
	}
	if p := got.Ports[0]; p.State != inventory.StateHeld || p.Holder != "ModemManager" {
		t.Errorf("port: %+v", p)
	}
	if !slices.ContainsFunc(got.Evidence, func(e inventory.Evidence) bool { return e.Source == "mm:Revision" }) {
		t.Errorf("evidence: %+v", got.Evidence)
	}
	if heard := m.on("ours"); len(heard) != 0 {
		t.Errorf("the port heard %q", heard)
	}
	if after := m.on("theirs")[before:]; slices.Contains(after, ourQuery) {
		t.Errorf("ModemManager's line heard %q", after)
	}
}

// TestB07Inhibit: where asked to, a real ModemManager lets go while the module is asked, and has it
// back afterwards, also when the look is cut short.
func TestB07Inhibit(t *testing.T) {
	m, port := realManaged(t, true)
	s := surveyOf(t, port)
	s.Inhibit = true
	s.Progress = func(e survey.Event) {
		if e.Command == "" {
			return
		}
		if all, err := modemmanager.System(context.Background()); err != nil || len(all) != 0 {
			t.Errorf("while we ask, ModemManager shows %+v (%v)", all, err)
		}
	}
	got := one(t, s)
	if got.State != inventory.StateIdentified || len(got.Transcript) == 0 || len(m.on("ours")) == 0 {
		t.Errorf("%s (%s), ports %+v, asked %q", got.State, got.Reason, got.Ports, m.on("ours"))
	}
	waitManaged(t, m)

	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	s.Progress = func(e survey.Event) {
		if e.Command != "" {
			cancel()
		}
	}
	if _, err := survey.Run(ctx, s); err != nil {
		t.Error(err)
	}
	waitManaged(t, m)

	s.Progress = func(e survey.Event) {
		if e.Command != "" {
			panic("a fault of our own")
		}
	}
	if got := one(t, s); !strings.Contains(got.Reason, "fault in Rollcall") {
		t.Errorf("reason %q", got.Reason)
	}
	waitManaged(t, m)
}

// TestB07NotAllowedToInhibit: who may not have it let go is told so, and the module stays its own.
func TestB07NotAllowedToInhibit(t *testing.T) {
	m, port := realManaged(t, false)
	s := surveyOf(t, port)
	s.Inhibit = true
	got := one(t, s)
	if p := got.Ports[0]; got.State != inventory.StateIdentified || p.State != inventory.StateHeld || !strings.Contains(p.Reason, "polkit rule") {
		t.Errorf("%s, port %+v", got.State, p)
	}
	if heard := m.on("ours"); len(heard) != 0 {
		t.Errorf("the port heard %q", heard)
	}
}
