package modemmanager

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/godbus/dbus/v5"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// Name is how reports name the program.
const Name = "ModemManager"

// Manager is the ModemManager of this machine, in the form that a survey asks for. The zero value is
// ready.
type Manager struct{}

// Managed gives what it knows of each device that it manages, by the device's ID. A module that is on
// no device (behind a remote processor) stands under "mm:" and its name there. Nothing, and no error,
// where it does not run.
func (Manager) Managed(ctx context.Context, devices []serialport.Device) (map[string]*inventory.Managed, error) {
	modems, err := System(ctx)
	if errors.Is(err, ErrNotRunning) {
		return nil, nil
	}
	if err != nil {
		return nil, fmt.Errorf("cannot ask ModemManager what it manages: %w", err)
	}
	all := map[string]*inventory.Managed{}
	for _, m := range modems {
		id := "mm:" + bounded(m.Device)
		if i := slices.IndexFunc(devices, m.Manages); i >= 0 {
			id = devices[i].ID
		}
		all[id] = m.managed()
	}
	return all, nil
}

// maxText and maxPorts bound what is taken over: the module wrote it, and a report that is too
// large for the broker would hide the gateway's other modules, too.
const (
	maxText  = 256
	maxPorts = 64
)

func (m Modem) managed() *inventory.Managed {
	g := &inventory.Managed{
		By: Name, Manufacturer: bounded(m.Manufacturer), Model: bounded(m.Model), Revision: bounded(m.Revision),
		Hardware: bounded(m.HardwareRevision), EquipmentID: bounded(m.EquipmentIdentifier), Plugin: bounded(m.Plugin),
	}
	for _, p := range m.Ports[:min(len(m.Ports), maxPorts)] {
		g.Ports = append(g.Ports, bounded(p.Name)+" ("+p.Type+")")
	}
	return g
}

// bounded cuts a text off, between two runes.
func bounded(s string) string {
	if len(s) > maxText {
		return strings.ToValidUTF8(s[:maxText], "")
	}
	return s
}

// Inhibit has it let go of d until release is called, or until this process ends: it gives a device
// back when the connection that asked for it is gone.
func (Manager) Inhibit(ctx context.Context, d serialport.Device) (release func(context.Context) error, err error) {
	// The connection outlives ctx, which bounds the asking alone.
	life, end := context.WithCancel(context.WithoutCancel(ctx))
	asked := context.AfterFunc(ctx, end)
	c, err := Connect(life)
	if err != nil {
		end()
		return nil, err
	}
	free, err := inhibit(ctx, c, d)
	if !asked() && err == nil {
		err = context.Cause(ctx)
	}
	if err != nil {
		end()
		return nil, errors.Join(err, c.Close())
	}
	return func(ctx context.Context) error {
		defer end()
		return errors.Join(free(ctx), c.Close())
	}, nil
}

func inhibit(ctx context.Context, c *dbus.Conn, d serialport.Device) (release func(context.Context) error, err error) {
	modems, err := Modems(ctx, c)
	if err != nil {
		return nil, err
	}
	i := slices.IndexFunc(modems, func(m Modem) bool { return m.Manages(d) })
	if i < 0 {
		return nil, fmt.Errorf("cannot have ModemManager let go of %q: it does not manage it any more", d.ID)
	}
	return Inhibit(ctx, c, modems[i])
}
