package survey

import (
	"context"
	"fmt"
	"runtime"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/fingerprint"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// DefaultParallel is how many devices are asked at once: all that a gateway is likely to have.
const DefaultParallel = 16

// Settings of a survey. Finder and Base are needed; the rest may be zero.
type Settings struct {
	Finder *serialport.Finder
	Base   Base
	// Ports, where given, are asked instead of the devices found.
	Ports []string
	// Timeout bounds the visit to one port. Zero: atcmd.DefaultVisit.
	Timeout time.Duration
	// Parallel is how many devices are asked at once. Zero: DefaultParallel.
	Parallel int
	// Bauds are the speeds to try, in order, on a line that has one: a port that was named, or a UART
	// that the configuration allows. None: 115200. Never tried on the USB ports that are found.
	Bauds []int
	// Manager, where set, tells what it knows of modules and keeps the ports that it uses.
	Manager Manager
	// Inhibit has the Manager let go of a module while it is asked. Its data connection goes down.
	Inhibit bool
	// Memory, where set, bounds what places cost whose devices come and go or do not answer.
	Memory *Memory
	// Serial says how ports are opened.
	Serial serialport.Settings
	// Progress, where set, is told what happens. It must return at once and may be
	// called from several goroutines.
	Progress func(Event)
}

// Base judges what was seen, and says what is worth asking next: a [fingerprint.Base], which may
// be loaded while ports are being opened. It is called from several goroutines.
type Base interface {
	Identify(o fingerprint.Observation) fingerprint.Verdict
	Plan(o fingerprint.Observation, v fingerprint.Verdict) []string
}

// Event is one step of a survey.
type Event struct {
	// Device is the module's ID.
	Device string
	Port   string
	// Command is about to be asked; empty when the port is being opened or left.
	Command string
	// Module is set when the device is done.
	Module *inventory.Module
}

// Run looks at all devices, or at the ports named, and returns one module for each,
// sorted by ID. The error says that devices could not be listed; what was found is
// returned all the same.
func Run(ctx context.Context, s Settings) ([]inventory.Module, error) {
	about := s.Memory.begin()
	devices, named, g, err := find(ctx, s)
	modules := make([]inventory.Module, len(devices), len(devices)+len(named))
	slots := make(chan struct{}, s.parallel())
	var wg sync.WaitGroup
	for i := range devices {
		slots <- struct{}{}
		wg.Go(func() {
			defer func() { <-slots }()
			modules[i] = s.one(ctx, devices[i], g, about)
			s.tell(Event{Device: devices[i].ID, Module: &modules[i]})
		})
	}
	wg.Wait()
	modules = append(append(modules, named...), s.beside(g, devices)...)
	modules = append(modules, s.Memory.missing(devices)...)
	slices.SortFunc(modules, func(a, b inventory.Module) int { return strings.Compare(a.ID, b.ID) })
	return modules, err
}

// one gives the module of one device, asked now or a short while ago.
func (s Settings) one(ctx context.Context, d serialport.Device, g managed, about bool) inventory.Module {
	if m, ok := s.Memory.recall(d, about); ok {
		return m
	}
	m := s.guarded(ctx, d, g.of(d))
	g.trouble(&m)
	if ctx.Err() != nil { // cut short: nothing is learnt of the place
		return m
	}
	return s.Memory.visited(d, m)
}

// find lists the devices to look at, and what a manager knows of them. Ports that were named and
// are none stand in refused.
func find(ctx context.Context, s Settings) (devices []serialport.Device, refused []inventory.Module, g managed, err error) {
	if len(s.Ports) == 0 {
		devices, err = s.Finder.Find(ctx)
		g = s.managed(ctx, devices)
		devices = slices.DeleteFunc(devices, func(d serialport.Device) bool { return !worthReporting(d) && g.of(d) == nil })
		return devices, nil, g, err
	}
	seen := map[string]bool{}
	for _, path := range s.Ports {
		d, err := s.Finder.Named(ctx, path)
		switch {
		case err != nil:
			refused = append(refused, unopened(path, err))
		case !seen[d.ID+" "+d.Ports[0].Path]:
			seen[d.ID+" "+d.Ports[0].Path] = true
			devices = append(devices, d)
		}
	}
	return devices, refused, s.managed(ctx, devices), nil
}

// worthReporting: what is cellular, and what the configuration allows to be asked.
func worthReporting(d serialport.Device) bool {
	return d.Cellular || len(d.Candidates()) > 0
}

// unopened is the module of a port that was named and cannot be one.
func unopened(path string, err error) inventory.Module {
	state, _ := refusal(err)
	return inventory.Module{
		ID: "tty:" + path, State: state, Reason: err.Error(),
		Ports: []inventory.Port{{Path: path, Role: inventory.RoleUnknown, State: state, Reason: err.Error()}},
	}
}

func (s Settings) parallel() int {
	if s.Parallel > 0 {
		return s.Parallel
	}
	return DefaultParallel
}

func (s Settings) tell(e Event) {
	if s.Progress != nil {
		s.Progress(e)
	}
}

// guarded keeps a fault of our own over one device away from the others. The place goes
// into the reason, so that it reaches a person who can report it; a whole stack would
// differ every time, and look like a change of the module.
func (s Settings) guarded(ctx context.Context, d serialport.Device, g *inventory.Managed) (m inventory.Module) {
	defer func() {
		if p := recover(); p != nil {
			m = inventory.Module{ID: d.ID, State: inventory.StateUnanswered, Device: info(d),
				Reason: fmt.Sprintf("a fault in Rollcall itself ended the visit; please report it: %v (%s)", p, place())}
		}
	}()
	return s.look(ctx, d, g)
}

// place names the function and line that panicked, for use in a deferred function.
func place() string {
	var pcs [32]uintptr
	frames := runtime.CallersFrames(pcs[:runtime.Callers(3, pcs[:])])
	for {
		f, more := frames.Next()
		if !strings.HasPrefix(f.Function, "runtime.") || !more {
			return fmt.Sprintf("%s:%d", f.Function, f.Line)
		}
	}
}
