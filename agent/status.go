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
	Looking bool      `json:"looking"`
	// Modules counts those of the last report by state.
	Modules map[inventory.State]int `json:"modules"`
	// Rounds counts the looks that ended, by their reason.
	Rounds map[inventory.Reason]uint64 `json:"rounds,omitempty"`
	Report *Reported                   `json:"report,omitempty"`
	// Receipt is when the server last confirmed something.
	Receipt   time.Time           `json:"receipt,omitzero"`
	Connected bool                `json:"connected"`
	Spool     spool.Counts        `json:"spool"`
	Health    []inventory.Warning `json:"health"`
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
		Started: d.started.UTC(), Time: d.settings.Now().UTC(), Looking: d.looking, Rounds: d.counted(), Modules: map[inventory.State]int{},
		Receipt: d.last.receipt, Connected: d.link.Connected(), Spool: d.spool.Counts(), Health: d.warnings(),
	}
	if r := d.last.full; r != nil {
		s.Report = &Reported{r.ID, r.Order, r.Time, r.Reason}
		for _, m := range r.Modules {
			s.Modules[m.State]++
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
