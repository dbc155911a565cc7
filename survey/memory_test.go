package survey

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/simulate"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// dance is a machine of many places in which other devices stand at every look.
type dance struct {
	clock   time.Time
	memory  Memory
	visits  map[string][]time.Time
	reports []string
}

func newDance() *dance {
	d := &dance{clock: time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC), visits: map[string][]time.Time{}}
	d.memory.Now = func() time.Time { return d.clock }
	return d
}

// device is the one that stands in a place at a turn.
func device(place string, turn int) serialport.Device {
	return serialport.Device{ID: place, Cellular: true, Ports: []serialport.Port{
		{Path: fmt.Sprintf("/dev/tty%s.%d", place, turn), Kind: serialport.KindTTY, Verdict: serialport.Ask},
	}}
}

// look does to each device what a survey does.
func (d *dance) look(devices []serialport.Device, answer inventory.State) {
	about := d.memory.begin()
	var modules []inventory.Module
	for _, dev := range devices {
		m, ok := d.memory.recall(dev, about)
		if !ok {
			d.visits[dev.ID] = append(d.visits[dev.ID], d.clock)
			m = d.memory.visited(dev, inventory.Module{ID: dev.ID, State: answer, Ports: []inventory.Port{{Path: "/dev/" + dev.ID, State: answer}}})
		}
		modules = append(modules, m)
	}
	modules = append(modules, d.memory.missing(devices)...)
	slices.SortFunc(modules, func(a, b inventory.Module) int { return strings.Compare(a.ID, b.ID) })
	r := inventory.Report{Modules: modules}
	digest, _ := r.Digest()
	if len(d.reports) == 0 || d.reports[len(d.reports)-1] != digest {
		d.reports = append(d.reports, digest)
	}
}

// TestB10FlappingPlaces: a hundred devices come anew every two seconds for six hours, and are looked at as
// often as the watcher tells of it. Each place costs its back-off and no more, and the
// reports stay few.
func TestB10FlappingPlaces(t *testing.T) {
	d := newDance()
	const looks = 6 * 60 * 2 // one in 30 s
	for turn := range looks {
		var devices []serialport.Device
		for i := range 100 {
			if (turn+i)%3 != 0 { // sometimes it is away
				devices = append(devices, device(fmt.Sprintf("usb:1-%d", i), turn))
			}
		}
		d.memory.moved = true
		d.look(devices, inventory.StateIdentified)
		d.clock = d.clock.Add(30 * time.Second)
	}
	for id, visits := range d.visits {
		if len(visits) > 36 || len(visits) < 12 { // 24 quarters of an hour, and those before the back-off is full
			t.Errorf("%s was visited %d times in six hours", id, len(visits))
		}
	}
	if len(d.visits) != 100 {
		t.Errorf("%d places were visited, want 100", len(d.visits))
	}
	if len(d.reports) > 100 {
		t.Errorf("%d different reports of %d looks", len(d.reports), looks)
	}
}

// TestB10SilentPlace: what does not answer is tried again, ever more seldom, whatever its neighbours do.
func TestB10SilentPlace(t *testing.T) {
	d := newDance()
	for turn := range 24 * 60 * 2 {
		d.memory.moved = true
		d.look([]serialport.Device{device("usb:1-1", 0), device("usb:1-2", turn)}, inventory.StateUnanswered)
		d.clock = d.clock.Add(30 * time.Second)
	}
	if n := len(d.visits["usb:1-1"]); n > 110 || n < 50 {
		t.Errorf("visited %d times in a day", n)
	}
}

// TestB10NeighboursAreLeftInPeace: a device at rest is not asked again because another one flaps, but it is
// at the interval and on request.
func TestB10NeighboursAreLeftInPeace(t *testing.T) {
	d := newDance()
	for turn := range 120 {
		d.memory.moved = true
		d.look([]serialport.Device{device("usb:1-1", 0), device("usb:1-2", turn)}, inventory.StateIdentified)
		d.clock = d.clock.Add(30 * time.Second)
	}
	if n := len(d.visits["usb:1-1"]); n > 7 {
		t.Errorf("visited %d times in an hour", n)
	}
	before := len(d.visits["usb:1-1"])
	d.look([]serialport.Device{device("usb:1-1", 0)}, inventory.StateIdentified)
	if len(d.visits["usb:1-1"]) != before+1 {
		t.Error("a look that no change made did not ask it")
	}
}

// A device that is replugged now and then is asked at once, each time; and one that has come to rest is
// at rest after its next visit.
func TestRestIsFoundAgain(t *testing.T) {
	d := newDance()
	for turn := range 20 {
		d.look([]serialport.Device{device("usb:1-1", turn)}, inventory.StateIdentified)
		d.clock = d.clock.Add(10 * time.Minute)
	}
	if n := len(d.visits["usb:1-1"]); n != 20 {
		t.Errorf("%d visits of 20 replugs", n)
	}
	for turn := range 100 { // now it flaps
		d.look([]serialport.Device{device("usb:1-1", 100+turn)}, inventory.StateIdentified)
		d.clock = d.clock.Add(2 * time.Second)
	}
	steady := device("usb:1-1", 200)
	d.look([]serialport.Device{steady}, inventory.StateIdentified)
	wait, any := d.memory.next()
	if !any {
		t.Fatal("nothing is due")
	}
	d.clock = d.clock.Add(max(wait, time.Minute) + time.Second)
	d.look([]serialport.Device{steady}, inventory.StateIdentified)
	if _, any := d.memory.next(); any || d.memory.places["usb:1-1"].wait != 0 {
		t.Errorf("it is not at rest: %+v", d.memory.places["usb:1-1"])
	}
}

// What is gone for good is forgotten, and the memory is bounded.
func TestMemoryIsBounded(t *testing.T) {
	d := newDance()
	for i := range 2 * maxPlaces {
		d.look([]serialport.Device{device(fmt.Sprint("usb:", i), 0)}, inventory.StateIdentified)
		d.clock = d.clock.Add(time.Second)
	}
	if n := len(d.memory.places); n > 100 {
		t.Errorf("%d places are remembered", n)
	}
	var many []serialport.Device
	for i := range maxPlaces + 10 {
		many = append(many, device(fmt.Sprint("tty:", i), 0))
	}
	d.look(many, inventory.StateUnanswered)
	if n := len(d.memory.places); n > maxPlaces {
		t.Errorf("%d places are remembered", n)
	}
}

// Watch tells when a place that was passed over is due.
func TestWatchTellsWhatIsDue(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		var m Memory
		changes := make(chan struct{})
		out := m.Watch(ctx, changes)
		m.visited(device("usb:1-1", 0), inventory.Module{ID: "usb:1-1", State: inventory.StateUnanswered})
		if _, ok := m.recall(device("usb:1-1", 0), true); !ok {
			t.Fatal("visited again at once")
		}
		start := time.Now()
		<-out
		if waited := time.Since(start); waited < 5*time.Second || waited > 6*time.Second {
			t.Errorf("told after %s", waited)
		}
		if _, ok := m.recall(device("usb:1-1", 0), true); ok {
			t.Error("it is due and was passed over")
		}
		changes <- struct{}{}
		<-out
		cancel()
		close(changes)
		if _, ok := <-out; ok {
			t.Error("a value after the end")
		}
	})
}

// TestB10OverRealPorts: through a whole survey, ports that are another pseudo terminal at every look are opened
// seldom, and at most Parallel at a time.
func TestB10OverRealPorts(t *testing.T) {
	dir := t.TempDir()
	s := settings(t)
	var mu sync.Mutex
	now, most, opened := 0, 0, 0
	s.Memory, s.Parallel = new(Memory), 4
	s.Progress = func(e Event) {
		mu.Lock()
		defer mu.Unlock()
		switch {
		case e.Module != nil:
			now--
		case e.Command == "":
			now, opened = now+1, opened+1
			most = max(most, now)
		}
	}
	many, err := simulate.Many(20)
	if err != nil {
		t.Fatal(err)
	}
	for i := range many {
		s.Ports = append(s.Ports, filepath.Join(dir, fmt.Sprint("port", i)))
	}
	for range 5 {
		f := fleet(t, many, simulate.Settings{})
		for i, p := range f.Paths() {
			_ = os.Remove(s.Ports[i])
			if err := os.Symlink(p, s.Ports[i]); err != nil {
				t.Fatal(err)
			}
		}
		if _, err := Run(t.Context(), s); err != nil {
			t.Fatal(err)
		}
	}
	if most > 4 || opened > 2*20+20 || opened < 20 {
		t.Errorf("%d opened in 5 looks at 20 ports, %d at a time", opened, most)
	}
}
