package survey

import (
	"context"
	"errors"
	"maps"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// Manager is a program that manages modules of this machine, such as ModemManager. What it knows of a
// module is evidence, and the ports that it uses are left to it.
type Manager interface {
	// Managed gives what it knows, without disturbing it, by the IDs of those devices that it manages.
	// What it manages beside them stands under an ID of its own. Where it does not run, there is
	// nothing, and no error.
	Managed(ctx context.Context, devices []serialport.Device) (map[string]*inventory.Managed, error)
	// Inhibit has it let go of a device until release is called or this process ends. Its data
	// connection goes down.
	Inhibit(ctx context.Context, d serialport.Device) (release func(context.Context) error, err error)
}

// managerTimeout bounds each thing that a manager is asked for.
const managerTimeout = 10 * time.Second

// managed is what a manager said in one survey.
type managed struct {
	byID map[string]*inventory.Managed
	err  error
}

func (g managed) of(d serialport.Device) *inventory.Managed { return g.byID[d.ID] }

// trouble says of a module whose ports somebody holds that the manager could not be asked about it.
func (g managed) trouble(m *inventory.Module) {
	if g.err != nil && m.State == inventory.StateHeld {
		m.Reason = and(m.Reason, g.err.Error())
	}
}

func (s Settings) managed(ctx context.Context, devices []serialport.Device) managed {
	if s.Manager == nil {
		return managed{}
	}
	ctx, cancel := context.WithTimeout(ctx, managerTimeout)
	defer cancel()
	byID, err := s.Manager.Managed(ctx, devices)
	return managed{byID, err}
}

// beside gives the modules that a manager knows and the kernel does not show as devices with ports.
func (s Settings) beside(g managed, devices []serialport.Device) []inventory.Module {
	var all []inventory.Module
	for _, id := range slices.Sorted(maps.Keys(g.byID)) {
		if len(s.Ports) > 0 || slices.ContainsFunc(devices, func(d serialport.Device) bool { return d.ID == id }) {
			continue
		}
		m := inventory.Module{ID: id, Managed: g.byID[id]}
		s.Base.Identify(observation(serialport.Device{}, m.Managed)).Apply(&m)
		if m.State == inventory.StateIdentified {
			m.Reason = told(m.Managed)
		}
		all = append(all, m)
	}
	return all
}

// usedBy says whether a manager uses a port.
func usedBy(g *inventory.Managed, p serialport.Port) bool {
	return g != nil && slices.ContainsFunc(g.Ports, func(port string) bool {
		name, kind, _ := strings.Cut(port, " ")
		return name == filepath.Base(p.Path) && kind != "(ignored)"
	})
}

// told says where the identity of a module comes from that was not asked.
func told(g *inventory.Managed) string {
	return g.By + " manages it and told this; the module itself was not asked"
}

// leftTo says that a port is left to the manager that uses it.
func leftTo(t target) error {
	how := "it manages this module and uses this port"
	if t.stuck != nil {
		how += "; " + t.stuck.Error()
	}
	return &serialport.HeldError{Path: t.port.Path, Holder: t.managed.By, How: how}
}

// inhibited has the manager let go of d while look runs, where the settings say so. It is given back
// on every way out, also when look panics or ctx has ended.
func (s Settings) inhibited(ctx context.Context, d serialport.Device, look func(error) inventory.Module) (m inventory.Module) {
	wait, cancel := context.WithTimeout(ctx, managerTimeout)
	defer cancel()
	release, err := s.Manager.Inhibit(wait, d)
	if err != nil {
		return look(err)
	}
	defer func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), managerTimeout)
		defer cancel()
		if err := release(ctx); err != nil {
			m.Reason = and(m.Reason, err.Error())
		}
	}()
	return look(nil)
}

// letGo is how long a manager may take to close the ports of a device that it has let go of.
const letGo = 5 * time.Second

// openFreed opens a port that a manager has just let go of: the kernel may take a moment to see it free.
func openFreed(ctx context.Context, p serialport.Port, s serialport.Settings) (*serialport.Conn, error) {
	for end := time.Now().Add(letGo); ; {
		c, err := serialport.Open(ctx, p, s)
		var held *serialport.HeldError
		if err == nil || !errors.As(err, &held) || time.Now().After(end) {
			return c, err
		}
		select {
		case <-ctx.Done():
			return nil, err
		case <-time.After(100 * time.Millisecond):
		}
	}
}
