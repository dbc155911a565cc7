package survey

import (
	"context"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// Memory keeps what a long-lived program needs from one survey to the next, so that a place where
// a device comes and goes, or does not answer, costs no more than its back-off: no visits in a storm, no
// port opened again and again, and no report at each turn. It is kept by place and not by port or
// module. Give the same one to all surveys of one machine. The zero value is ready.
type Memory struct {
	// First and Longest bound the back-off of a place, which doubles with every visit in vain and
	// every return. 0 means 5 s and 15 min.
	First, Longest time.Duration
	// Steady is how long a device must stay to be at rest again. 0 means 30 s.
	Steady time.Duration
	// Now is the clock; nil means time.Now.
	Now func() time.Time

	mu     sync.Mutex
	places map[string]*slot
	due    chan struct{} // holds a value when a place was passed over
	// moved: Watch has told of a change, and the next survey is about what has changed.
	moved bool
}

// slot is one place of a device in this machine.
type slot struct {
	// instance is which device stood there at the last visit; seen which one was seen last, and since when.
	instance, seen uint64
	since          time.Time
	module         inventory.Module
	visited        time.Time
	// wait is the back-off in force, zero for a place at rest; until is when it ends.
	wait  time.Duration
	until time.Time
	// returns counts how often the device was another one than at the last visit, one after the other.
	returns int
	// passed: a visit was wanted and did not take place.
	passed bool
}

// maxPlaces bounds what is remembered: more than any gateway has.
const maxPlaces = 4096

// restless is how many returns make a device one that comes and goes.
const restless = 2

const comesAndGoes = "it comes and goes: it is asked again when it has stayed for a while; check its power supply, its cable and its firmware"

func orElse(d, other time.Duration) time.Duration {
	if d == 0 {
		return other
	}
	return d
}

func (m *Memory) now() time.Time {
	if m.Now == nil {
		return time.Now()
	}
	return m.Now()
}

func (m *Memory) first() time.Duration   { return orElse(m.First, 5*time.Second) }
func (m *Memory) longest() time.Duration { return orElse(m.Longest, 15*time.Minute) }
func (m *Memory) steady() time.Duration  { return orElse(m.Steady, 30*time.Second) }

// keep is how long the answers of a device at rest are taken as they are while others come and go.
const keep = 10 * time.Minute

// begin starts a survey. about says that it is made because something came or went.
func (m *Memory) begin() (about bool) {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	about, m.moved = m.moved, false
	return about
}

// recall gives the module of a device that is not to be visited now, if so.
func (m *Memory) recall(d serialport.Device, about bool) (inventory.Module, bool) {
	if m == nil {
		return inventory.Module{}, false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, p := m.now(), m.places[d.ID]
	if p == nil {
		return inventory.Module{}, false
	}
	if instance := d.Instance(); instance != p.seen {
		p.seen, p.since = instance, now
	}
	switch {
	case now.Before(p.until):
		p.passed = true
		m.wake()
		if p.instance != p.seen || p.returns >= restless {
			return p.unsteady(), true
		}
		return p.module, true
	case about && p.wait == 0 && p.instance == p.seen && now.Sub(p.visited) < keep:
		return p.module, true
	}
	return inventory.Module{}, false
}

// unsteady is the module of a place whose device does not stay, the same whether it is there just now
// or not: what is known of it, and why it is not asked.
func (p *slot) unsteady() inventory.Module {
	m := p.module
	m.Ports = slices.Clone(m.Ports)
	for i := range m.Ports {
		if m.Ports[i].State != "" {
			m.Ports[i].State, m.Ports[i].Holder, m.Ports[i].Reason = inventory.StateUnanswered, "", comesAndGoes
		}
	}
	if m.State != inventory.StateIdentified {
		m.State = inventory.StateUnanswered
	}
	m.Reason = comesAndGoes
	return m
}

// visited notes what came of a visit, and gives the module as it is to be reported.
func (m *Memory) visited(d serialport.Device, module inventory.Module) inventory.Module {
	if m == nil {
		return module
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	now, p := m.now(), m.slot(d.ID)
	if p == nil {
		return module
	}
	instance := d.Instance()
	p.returned(instance, now, m.steady())
	vain := len(d.Candidates()) > 0 && (module.State == inventory.StateUnanswered || module.State == inventory.StateHeld)
	if vain || p.returns > 0 {
		p.wait = min(max(2*p.wait, m.first()), m.longest())
	} else {
		p.wait = 0
	}
	p.instance, p.module, p.visited, p.until, p.passed = instance, module, now, now.Add(p.wait), false
	if p.returns >= restless {
		return p.unsteady()
	}
	return module
}

// slot gives the place of an ID, a new one where there is room.
func (m *Memory) slot(id string) *slot {
	if m.places == nil {
		m.places = map[string]*slot{}
	}
	if m.places[id] == nil && len(m.places) < maxPlaces {
		m.places[id] = new(slot)
	}
	return m.places[id]
}

// returned counts how often, one after the other, the device of a visit was a new one. It is nothing
// odd where the last visit was long ago, or where the new one has stayed for a while.
func (p *slot) returned(instance uint64, now time.Time, steady time.Duration) {
	fresh := p.visited.IsZero() || now.Sub(p.until) > 2*max(p.wait, steady)
	switch {
	case fresh, instance == p.seen && now.Sub(p.since) >= steady:
		if p.instance != instance {
			p.wait = 0
		}
		p.returns = 0
	case instance != p.instance:
		p.returns++
	}
	if instance != p.seen {
		p.seen, p.since = instance, now
	}
}

// missing gives the modules of restless places whose device is not there just now, and forgets
// places whose device is gone for good.
func (m *Memory) missing(devices []serialport.Device) []inventory.Module {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	there := map[string]bool{}
	for _, d := range devices {
		there[d.ID] = true
	}
	var all []inventory.Module
	now := m.now()
	for _, id := range slices.Sorted(maps.Keys(m.places)) {
		p := m.places[id]
		switch {
		case there[id]:
		case now.After(p.until.Add(2 * max(p.wait, m.steady()))):
			delete(m.places, id)
		case p.returns >= restless: // whether it is there at this very moment says nothing
			if p.passed = now.Before(p.until); p.passed {
				m.wake()
			}
			all = append(all, p.unsteady())
		}
	}
	return all
}

// wake tells Watch that a place was passed over. The lock is held.
func (m *Memory) wake() {
	select {
	case m.signal() <- struct{}{}:
	default:
	}
}

func (m *Memory) signal() chan struct{} {
	if m.due == nil {
		m.due = make(chan struct{}, 1)
	}
	return m.due
}

// next gives how long until the first place that was passed over may be visited.
func (m *Memory) next() (wait time.Duration, any bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for _, p := range m.places {
		if left := p.until.Sub(now); p.passed && (!any || left < wait) {
			wait, any = left, true
		}
	}
	return max(wait, 0), any
}

// told notes that a look is about to be made, at which those places that are due are no longer passed over.
func (m *Memory) told() {
	m.mu.Lock()
	defer m.mu.Unlock()
	now := m.now()
	for _, p := range m.places {
		p.passed = p.passed && now.Before(p.until)
	}
	m.moved = true
}

// Watch passes changes on, and sends a value as well when a place that was passed over may be visited
// again. The channel is closed once ctx has ended.
func (m *Memory) Watch(ctx context.Context, changes <-chan struct{}) <-chan struct{} {
	out := make(chan struct{}, 1)
	m.mu.Lock()
	passed := m.signal()
	m.mu.Unlock()
	go func() {
		defer close(out)
		timer := time.NewTimer(time.Hour)
		timer.Stop()
		defer timer.Stop()
		arm := func() {
			if wait, any := m.next(); any {
				timer.Reset(wait + time.Millisecond)
			}
		}
		for {
			select {
			case <-ctx.Done():
				for range changes { // until it is closed, so that who sends is gone
				}
				return
			case <-passed:
				arm()
				continue
			case _, ok := <-changes:
				if !ok {
					changes = nil
					continue
				}
			case <-timer.C:
			}
			m.told()
			arm()
			select {
			case out <- struct{}{}:
			default: // the last one is not taken yet
			}
		}
	}()
	return out
}
