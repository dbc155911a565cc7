package agent

import (
	"encoding/json"
	"fmt"
	"os"
	"time"

	"github.com/rollcall-iot/rollcall/internal/atomicfile"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
)

// Status is how a daemon is right now.
type Status struct {
	Gateway string `json:"gateway"`
	Agent   string `json:"agent"`
	// Key is the public report key.
	Key string `json:"key"`
	inventory.Order
	Started time.Time `json:"started"`
	Time    time.Time `json:"time"`
	// Up is Uptime at that time: it tells how old a status is, whatever was done to the clock.
	Up      time.Duration `json:"up,omitempty"`
	Looking bool          `json:"looking"`
	// Modules counts those of the last report by state.
	Modules map[inventory.State]int `json:"modules"`
	// Fitted are those modules, for whoever asks on the machine itself (Ansible, osquery).
	Fitted []Fitted `json:"fitted"`
	// Rounds counts the looks that ended, by their reason.
	Rounds map[inventory.Reason]uint64 `json:"rounds,omitempty"`
	Report *Reported                   `json:"report,omitempty"`
	// Receipt is when the server last confirmed something.
	Receipt   time.Time           `json:"receipt,omitzero"`
	Connected bool                `json:"connected"`
	Spool     spool.Counts        `json:"spool"`
	Health    []inventory.Warning `json:"health"`
}

// Fitted is one module in few words. The status file may be read by everybody on the
// machine, so no number that tells a module from others of its kind is in it.
type Fitted struct {
	ID         string          `json:"id"`
	State      inventory.State `json:"state"`
	Maker      string          `json:"maker,omitempty"`
	MakerName  string          `json:"maker_name,omitempty"`
	Badge      string          `json:"badge,omitempty"`
	Model      string          `json:"model,omitempty"`
	Firmware   string          `json:"firmware,omitempty"`
	Technology string          `json:"technology,omitempty"`
	Country    string          `json:"country,omitempty"`
	Confidence float64         `json:"confidence"`
}

// Reported tells of the last full report.
type Reported struct {
	ID string `json:"id"`
	inventory.Order
	Time   time.Time        `json:"time"`
	Reason inventory.Reason `json:"reason"`
}

// Status tells how the daemon is now.
func (d *Daemon) Status() Status {
	d.mu.Lock()
	defer d.mu.Unlock()
	s := Status{
		Gateway: d.settings.Gateway.ID, Agent: d.settings.Gateway.Agent, Key: inventory.EncodeKey(d.Key()), Order: d.order,
		Started: d.started.UTC(), Time: d.settings.Now().UTC(), Up: Uptime(), Looking: d.looking, Rounds: d.counted(), Modules: map[inventory.State]int{}, Fitted: []Fitted{},
		Receipt: d.last.receipt, Connected: d.link.Connected(), Spool: d.spool.Counts(), Health: d.warnings(),
	}
	if r := d.last.full; r != nil {
		s.Report = &Reported{r.ID, r.Order, r.Time, r.Reason}
		for _, m := range r.Modules {
			s.Modules[m.State]++
			i := m.Identity
			s.Fitted = append(s.Fitted, Fitted{ID: m.ID, State: m.State, Maker: i.Maker, MakerName: i.MakerName, Badge: i.Badge,
				Model: i.Model, Firmware: i.Firmware, Technology: i.Technology, Country: m.Origin.Country, Confidence: m.Confidence})
		}
	}
	return s
}

// writeStatus keeps the status file current. It belongs on a tmpfs: it is written with
// every report, heartbeat and receipt.
func (d *Daemon) writeStatus() {
	if d.statusFile == "" {
		return
	}
	d.writing.Lock()
	defer d.writing.Unlock()
	b, err := json.MarshalIndent(d.Status(), "", "  ")
	if err == nil {
		err = atomicfile.Write(d.statusFile, append(b, '\n'), 0o644)
	}
	d.health.set("status-not-written", inventory.SeverityWarning, err)
}

// ReadStatus reads a status file.
func ReadStatus(path string) (Status, error) {
	var s Status
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &s)
	}
	if err != nil {
		return s, fmt.Errorf("cannot tell how the agent is: %w", err)
	}
	return s, nil
}
