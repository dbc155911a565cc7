package modemmanager_test

import (
	"errors"
	"sync"
	"testing"

	"github.com/godbus/dbus/v5"
	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/modemmanager"
)

// manager plays ModemManager: it gives its objects and notes what it is asked to do.
type manager struct {
	objects map[dbus.ObjectPath]map[string]map[string]dbus.Variant

	mu        sync.Mutex
	inhibited []string
}

func (m *manager) GetManagedObjects() (map[dbus.ObjectPath]map[string]map[string]dbus.Variant, *dbus.Error) {
	return m.objects, nil
}

func (m *manager) InhibitDevice(uid string, on bool) *dbus.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	if uid == "" {
		return dbus.MakeFailedError(errors.New("no such device"))
	}
	word := "release "
	if on {
		word = "inhibit "
	}
	m.inhibited = append(m.inhibited, word+uid)
	return nil
}

func play(t *testing.T, address string, m *manager) {
	t.Helper()
	c := connect(t, address)
	const path = "/org/freedesktop/ModemManager1"
	if err := errors.Join(
		c.Export(m, path, "org.freedesktop.DBus.ObjectManager"),
		c.Export(m, path, "org.freedesktop.ModemManager1"),
	); err != nil {
		t.Fatal(err)
	}
	if _, err := c.RequestName("org.freedesktop.ModemManager1", dbus.NameFlagDoNotQueue); err != nil {
		t.Fatal(err)
	}
}

type port struct {
	Name string
	Type uint32
}

func properties() map[string]dbus.Variant {
	v := dbus.MakeVariant
	return map[string]dbus.Variant{
		"Manufacturer": v("QUALCOMM INCORPORATED"), "Model": v("QUECTEL Mobile Broadband Module"),
		"Revision": v("EC25EFAR06A08M4G"), "HardwareRevision": v("10000"), "EquipmentIdentifier": v("867012040000009"),
		"Device":      v("/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1"),
		"PrimaryPort": v("cdc-wdm0"), "Plugin": v("quectel"), "Drivers": v([]string{"option", "qmi_wwan"}),
		"Ports":        v([]port{{"cdc-wdm0", 6}, {"ttyUSB2", 3}, {"wwan0", 2}, {"x", 99}}),
		"IgnoredPorts": v([]port{{"ttyUSB0", 9}}),
	}
}

func TestModems(t *testing.T) {
	address := bus(t)
	play(t, address, &manager{objects: map[dbus.ObjectPath]map[string]map[string]dbus.Variant{
		"/org/freedesktop/ModemManager1/Modem/1": {"org.freedesktop.ModemManager1.Modem": { // of wrong types
			"Model": dbus.MakeVariant(int32(7)), "Ports": dbus.MakeVariant("none"), "Drivers": dbus.MakeVariant(true),
		}},
		"/org/freedesktop/ModemManager1/Modem/0": {"org.freedesktop.ModemManager1.Modem": properties()},
		"/org/freedesktop/ModemManager1/SIM/0":   {"org.freedesktop.ModemManager1.Sim": nil},
	}})
	got, err := modemmanager.Modems(soon(t), connect(t, address))
	if err != nil {
		t.Fatal(err)
	}
	want := []modemmanager.Modem{{
		Path:         "/org/freedesktop/ModemManager1/Modem/0",
		Manufacturer: "QUALCOMM INCORPORATED", Model: "QUECTEL Mobile Broadband Module",
		Revision: "EC25EFAR06A08M4G", HardwareRevision: "10000", EquipmentIdentifier: "867012040000009",
		Device: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1", PrimaryPort: "cdc-wdm0", Plugin: "quectel",
		Drivers: []string{"option", "qmi_wwan"},
		Ports:   []modemmanager.Port{{"cdc-wdm0", "qmi"}, {"ttyUSB2", "at"}, {"wwan0", "net"}, {"x", "unknown"}, {"ttyUSB0", "ignored"}},
	}, {Path: "/org/freedesktop/ModemManager1/Modem/1"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

func TestManager(t *testing.T) {
	address := bus(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	devices := []serialport.Device{{ID: "usb:1-1", Info: inventory.Device{Path: "1-1"}}, {ID: "usb:1-2", Info: inventory.Device{Path: "1-2"}}}
	var m modemmanager.Manager
	if got, err := m.Managed(soon(t), devices); err != nil || len(got) != 0 {
		t.Errorf("without ModemManager: %v, %v", got, err)
	}
	played := &manager{objects: map[dbus.ObjectPath]map[string]map[string]dbus.Variant{
		"/org/freedesktop/ModemManager1/Modem/0": {"org.freedesktop.ModemManager1.Modem": properties()},
		"/org/freedesktop/ModemManager1/Modem/1": {"org.freedesktop.ModemManager1.Modem": {"Device": dbus.MakeVariant("qcom-soc"), "Model": dbus.MakeVariant("SoC")}},
	}}
	play(t, address, played)
	got, err := m.Managed(soon(t), devices)
	want := map[string]*inventory.Managed{
		"usb:1-1": {By: "ModemManager", Manufacturer: "QUALCOMM INCORPORATED", Model: "QUECTEL Mobile Broadband Module", Revision: "EC25EFAR06A08M4G",
			Hardware: "10000", EquipmentID: "867012040000009", Plugin: "quectel",
			Ports: []string{"cdc-wdm0 (qmi)", "ttyUSB2 (at)", "wwan0 (net)", "x (unknown)", "ttyUSB0 (ignored)"}},
		"mm:qcom-soc": {By: "ModemManager", Model: "SoC"},
	}
	if diff := cmp.Diff(want, got); diff != "" || err != nil {
		t.Errorf("%v\n%s", err, diff)
	}
	release, err := m.Inhibit(soon(t), devices[0])
	if err != nil {
		t.Fatal(err)
	}
	if err := release(soon(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := m.Inhibit(soon(t), devices[1]); err == nil {
		t.Error("inhibited what is not managed")
	}
	played.mu.Lock()
	defer played.mu.Unlock()
	const place = "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1"
	if diff := cmp.Diff([]string{"inhibit " + place, "release " + place}, played.inhibited); diff != "" {
		t.Error(diff)
	}
}

func TestManages(t *testing.T) {
	at := func(path, port string) serialport.Device {
		return serialport.Device{Info: inventory.Device{Path: path}, Ports: []serialport.Port{{Path: port}}}
	}
	m := modemmanager.Modem{Device: "/sys/devices/pci0000:00/0000:00:14.0/usb1/1-1", Ports: []modemmanager.Port{{Name: "ttyUSB2", Type: "at"}}}
	named := modemmanager.Modem{Device: "1-1"} // a name that a udev rule gave, not a place
	tests := []struct {
		m    modemmanager.Modem
		d    serialport.Device
		want bool
	}{
		{m, at("1-1", "/dev/ttyUSB9"), true},
		{m, at("1-2", "/dev/ttyUSB2"), true},
		{m, at("1-1.2", "/dev/ttyUSB22"), false},
		{m, at("", "/dev/ttyUSB9"), false},
		{named, at("1-1", "/dev/ttyUSB9"), false},
	}
	for _, tt := range tests {
		if got := tt.m.Manages(tt.d); got != tt.want {
			t.Errorf("%q manages %+v: %v", tt.m.Device, tt.d, got)
		}
	}
}

// TestNotRunning: asking for ModemManager does not start it, though the bus could.
func TestNotRunning(t *testing.T) {
	if _, err := modemmanager.Modems(soon(t), connect(t, bus(t))); !errors.Is(err, modemmanager.ErrNotRunning) {
		t.Errorf("got %v", err)
	}
}

func TestSystem(t *testing.T) {
	address := bus(t)
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", address)
	if _, err := modemmanager.System(t.Context()); !errors.Is(err, modemmanager.ErrNotRunning) {
		t.Errorf("without ModemManager: %v", err)
	}
	play(t, address, &manager{objects: map[dbus.ObjectPath]map[string]map[string]dbus.Variant{
		"/org/freedesktop/ModemManager1/Modem/0": {"org.freedesktop.ModemManager1.Modem": properties()},
	}})
	if got, err := modemmanager.System(t.Context()); err != nil || len(got) != 1 || got[0].Plugin != "quectel" {
		t.Errorf("got %+v, %v", got, err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "unix:path="+t.TempDir()+"/none")
	if _, err := modemmanager.System(t.Context()); !errors.Is(err, modemmanager.ErrNotRunning) {
		t.Errorf("without a bus: %v", err)
	}
	t.Setenv("DBUS_SYSTEM_BUS_ADDRESS", "") // that of this machine, which may have none
	if _, err := modemmanager.System(t.Context()); err != nil && !errors.Is(err, modemmanager.ErrNotRunning) {
		t.Errorf("on this machine: %v", err)
	}
}

func TestInhibit(t *testing.T) {
	address, m := bus(t), &manager{}
	play(t, address, m)
	c := connect(t, address)
	release, err := modemmanager.Inhibit(soon(t), c, modemmanager.Modem{Device: "/sys/x"})
	if err != nil {
		t.Fatal(err)
	}
	if err := release(soon(t)); err != nil {
		t.Fatal(err)
	}
	if _, err := modemmanager.Inhibit(soon(t), c, modemmanager.Modem{}); err == nil {
		t.Error("inhibited a device without a name")
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	if diff := cmp.Diff([]string{"inhibit /sys/x", "release /sys/x"}, m.inhibited); diff != "" {
		t.Error(diff)
	}
}
