package modemmanager

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"time"

	"github.com/godbus/dbus/v5"

	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// ErrNotRunning: nobody owns ModemManager's name on the bus.
var ErrNotRunning = errors.New("ModemManager does not run")

// Modem is one module as ModemManager sees it. All text came from the module or from elsewhere
// and is not trusted.
type Modem struct {
	// Path is its object on the bus ("/org/freedesktop/ModemManager1/Modem/0").
	Path string
	// Manufacturer, Model, Revision, HardwareRevision and EquipmentIdentifier are what it told ModemManager.
	Manufacturer, Model, Revision, HardwareRevision, EquipmentIdentifier string
	// Device is the path of its device in sysfs, or the name that a udev rule gave it.
	Device string
	// PrimaryPort is the name of the port that ModemManager talks to it by ("cdc-wdm0").
	PrimaryPort string
	Ports       []Port
	Drivers     []string
	Plugin      string
}

// Port is a port that ModemManager has taken.
type Port struct {
	Name string // "ttyUSB2"
	Type string // "at", "net", "qcdm", "qmi", "mbim", "gps", "audio", "ignored", "xmmrpc", "unknown"
}

// Connect opens a connection of our own to the system bus. Close it when done.
func Connect(ctx context.Context) (*dbus.Conn, error) {
	c, err := dbus.Connect(systemBus(), dbus.WithContext(ctx))
	if err != nil {
		return nil, fmt.Errorf("cannot connect to the system bus (does it run, and may this user use it?): %w", err)
	}
	return c, nil
}

// systemBus is the address of the system bus by the D-Bus specification. The library looks for the
// socket itself, and where there is none its error cannot be told from others.
func systemBus() string {
	if address := os.Getenv("DBUS_SYSTEM_BUS_ADDRESS"); address != "" {
		return address
	}
	const socket = "/run/dbus/system_bus_socket"
	if _, err := os.Stat(socket); err != nil {
		return "unix:path=/var" + socket // as the specification has it; mostly a link to the former
	}
	return "unix:path=" + socket
}

// systemTimeout bounds what a bus or a manager that hangs can cost.
const systemTimeout = 5 * time.Second

// System reads the modules of this machine's ModemManager. The error wraps [ErrNotRunning] if
// there is none, or no system bus.
func System(ctx context.Context) ([]Modem, error) {
	ctx, cancel := context.WithTimeout(ctx, systemTimeout)
	defer cancel()
	c, err := Connect(ctx)
	if errors.Is(err, fs.ErrNotExist) || errors.Is(err, syscall.ECONNREFUSED) {
		return nil, fmt.Errorf("no system bus: %w", ErrNotRunning)
	}
	if err != nil {
		return nil, err
	}
	defer c.Close()
	return Modems(ctx, c)
}

const (
	service        = "org.freedesktop.ModemManager1"
	root           = dbus.ObjectPath("/org/freedesktop/ModemManager1")
	modemInterface = "org.freedesktop.ModemManager1.Modem"
)

// Modems reads all modules that ModemManager manages, sorted by path. The error wraps
// [ErrNotRunning] if it does not run; asking does not start it.
func Modems(ctx context.Context, conn *dbus.Conn) ([]Modem, error) {
	var runs bool
	err := conn.BusObject().CallWithContext(ctx, "org.freedesktop.DBus.NameHasOwner", dbus.FlagNoAutoStart, service).Store(&runs)
	if err != nil {
		return nil, fmt.Errorf("cannot ask the bus for ModemManager: %w", err)
	}
	if !runs {
		return nil, ErrNotRunning
	}
	var objects map[dbus.ObjectPath]map[string]map[string]dbus.Variant
	err = conn.Object(service, root).CallWithContext(ctx, "org.freedesktop.DBus.ObjectManager.GetManagedObjects", dbus.FlagNoAutoStart).Store(&objects)
	if err != nil {
		return nil, fmt.Errorf("cannot read ModemManager's modems: %w", err)
	}
	var modems []Modem
	for path, interfaces := range objects {
		if props, ok := interfaces[modemInterface]; ok {
			modems = append(modems, modem(string(path), props))
		}
	}
	slices.SortFunc(modems, func(a, b Modem) int { return strings.Compare(a.Path, b.Path) })
	return modems, nil
}

// modem reads the properties of a modem. One of another type than documented is left out.
func modem(path string, props map[string]dbus.Variant) Modem {
	m := Modem{Path: path}
	texts := map[string]*string{
		"Manufacturer": &m.Manufacturer, "Model": &m.Model, "Revision": &m.Revision,
		"HardwareRevision": &m.HardwareRevision, "EquipmentIdentifier": &m.EquipmentIdentifier,
		"Device": &m.Device, "PrimaryPort": &m.PrimaryPort, "Plugin": &m.Plugin,
	}
	for name, to := range texts {
		if s, ok := props[name].Value().(string); ok {
			*to = s
		}
	}
	m.Drivers, _ = props["Drivers"].Value().([]string)
	for _, name := range []string{"Ports", "IgnoredPorts"} {
		m.Ports = append(m.Ports, ports(props[name])...)
	}
	return m
}

// portTypes are the values of MMModemPortType, in its order from 1.
var portTypes = [...]string{"unknown", "net", "at", "qcdm", "gps", "qmi", "mbim", "audio", "ignored", "xmmrpc"}

// ports reads an array of (name, type).
func ports(v dbus.Variant) []Port {
	pairs, _ := v.Value().([][]any)
	var all []Port
	for _, pair := range pairs {
		if len(pair) != 2 {
			continue
		}
		name, ok := pair[0].(string)
		kind, _ := pair[1].(uint32)
		if !ok {
			continue
		}
		p := Port{Name: name, Type: portTypes[0]}
		if kind >= 1 && int(kind) <= len(portTypes) {
			p.Type = portTypes[kind-1]
		}
		all = append(all, p)
	}
	return all
}

// Manages says whether m is the module that a device shows: it has taken one of its ports, or
// names its place in sysfs.
func (m Modem) Manages(d serialport.Device) bool {
	if d.Info.Path != "" && strings.HasPrefix(m.Device, "/sys/") && filepath.Base(m.Device) == d.Info.Path {
		return true
	}
	return slices.ContainsFunc(d.Ports, func(p serialport.Port) bool {
		return slices.ContainsFunc(m.Ports, func(o Port) bool { return o.Name == filepath.Base(p.Path) })
	})
}

// Inhibit makes ModemManager let go of a module until release is called or the connection ends.
// It disables the module first: a data connection goes down. Do it only where the configuration
// says so, never just to identify a module.
func Inhibit(ctx context.Context, conn *dbus.Conn, m Modem) (release func(context.Context) error, err error) {
	call := func(ctx context.Context, on bool) error {
		return conn.Object(service, root).CallWithContext(ctx, service+".InhibitDevice", dbus.FlagNoAutoStart, m.Device, on).Err
	}
	if err := call(ctx, true); err != nil {
		return nil, fmt.Errorf("cannot have ModemManager let go of %q (root may, others by a polkit rule for org.freedesktop.ModemManager1.Control: see 50-rollcall-modemmanager.rules.example): %w", m.Device, err)
	}
	return func(ctx context.Context) error {
		if err := call(ctx, false); err != nil {
			return fmt.Errorf("cannot give %q back to ModemManager: %w", m.Device, err)
		}
		return nil
	}, nil
}
