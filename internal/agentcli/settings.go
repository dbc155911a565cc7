package agentcli

import (
	"context"
	"os"
	"path/filepath"
	"runtime"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/enroll/join"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/version"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
	"github.com/rollcall-iot/rollcall/transport/serialport"
	"github.com/rollcall-iot/rollcall/transport/serialport/modemmanager"
)

// settings maps the configuration to what the agent takes.
func settings(ctx context.Context, c *configs.Agent) (agent.DaemonSettings, error) {
	var s agent.DaemonSettings
	base, err := overlay.Load(c.FingerprintsDir)
	if err != nil {
		return s, exit.With(exit.Usage, err)
	}
	gateway, warnings, err := own(c)
	if err != nil {
		return s, exit.With(exit.Usage, err)
	}
	finder := &serialport.Finder{Rules: Rules(c)}
	memory := new(survey.Memory)
	look := survey.Settings{
		Finder: finder, Base: base, Ports: c.Scan.Ports, Timeout: c.Scan.Timeout, Parallel: c.Scan.Parallel, Bauds: c.Scan.Baud, Memory: memory,
		Manager: modemmanager.Manager{}, Inhibit: c.Scan.InhibitModemManager,
	}
	jitter := c.Scan.Jitter
	if jitter == 0 {
		jitter = -1 // the agent's zero means its default
	}
	s = agent.DaemonSettings{
		Settings: agent.Settings{
			Gateway: gateway, StateDir: c.StateDir,
			Interval: c.Scan.Interval, Jitter: jitter, Heartbeat: c.Heartbeat,
			Survey:  func(ctx context.Context) ([]inventory.Module, error) { return survey.Run(ctx, look) },
			Privacy: agent.Privacy(c.Privacy.IMEI), Warnings: warnings,
			Systemd: agent.SystemdFrom(os.Getenv),
		},
		Link: link(c), MetricsListen: c.MetricsListen,
		Spool: spool.Limits{Bytes: c.Spool.MaxBytes, Count: c.Spool.MaxReports},
	}
	if info, err := os.Stat(filepath.Dir(c.StatusFile)); err == nil && info.IsDir() {
		s.StatusFile = c.StatusFile
	}
	var changes <-chan struct{}
	if len(c.Scan.Ports) == 0 {
		changes = (&serialport.Watcher{Finder: finder}).Watch(ctx)
	}
	s.Changes = memory.Watch(ctx, changes)
	return s, nil
}

// link of an agent. One that has to join first is held.
func link(c *configs.Agent) natslink.Settings {
	s := natslink.Settings{
		URLs: c.NATS.URLs, CredsFile: c.NATS.Creds, NKeyFile: c.NATS.NKey,
		CAFile: c.NATS.CA, CertFile: c.NATS.Cert, KeyFile: c.NATS.Key,
	}
	if c.NATS.Join == "" {
		return s
	}
	creds, joined := agent.JoinedCreds(c.StateDir)
	if joined {
		s.CredsFile = creds
	} else {
		s.Hold = true
	}
	return s
}

// joining says how to join.
func joining(c *configs.Agent, s agent.DaemonSettings, stands func(join.Status, string)) agent.JoinSettings {
	s.Link.Hold, s.Link.CredsFile = false, c.NATS.Join
	return agent.JoinSettings{Gateway: s.Gateway, StateDir: s.StateDir, Link: s.Link, Stands: stands, Log: s.Log}
}

// own describes the gateway that the daemon speaks for, with warnings about who it is.
func own(c *configs.Agent) (inventory.Gateway, map[string]string, error) {
	all, err := labels(c.Gateway.LabelsDir, c.Gateway.Labels)
	if err != nil {
		return inventory.Gateway{}, nil, err
	}
	who, err := agent.Identify("/", c.StateDir, c.Gateway.ID)
	if err != nil {
		return inventory.Gateway{}, nil, err
	}
	g, err := Gateway(who.ID, all)
	return g, who.Warnings, err
}

// statusFile is where agents tell how they are by default.
const statusFile = "/run/rollcall/status.json"

// runningID is the id of the agent that wrote a status file, or "".
func runningID(path string) string {
	s, err := agent.ReadStatus(path)
	if err != nil || inventory.CheckGatewayID(s.Gateway) != nil {
		return ""
	}
	return s.Gateway
}

// Gateway describes this machine. An empty id means the one that its agent goes by, where it says so, else one that is
// made from the machine and may differ from user to user.
func Gateway(id string, labels map[string]string) (inventory.Gateway, error) {
	var err error
	if id == "" {
		id = runningID(statusFile)
	}
	if id == "" {
		if id, err = agent.MachineID("/"); err != nil {
			return inventory.Gateway{}, err
		}
	}
	host, err := os.Hostname()
	if err != nil {
		host = ""
	}
	return inventory.Gateway{
		ID: id, Hostname: host, Labels: labels,
		Agent: "rollcall-agent/" + version.Version, OS: runtime.GOOS, Arch: runtime.GOARCH,
	}, nil
}

// Rules are what the configuration allows beyond the built-in rules, and what it forbids.
func Rules(c *configs.Agent) serialport.Rules {
	return serialport.Rules{Allow: matches(c.Allow), Deny: matches(c.Deny)}
}

func matches(p configs.Ports) (all []serialport.Match) {
	for _, path := range p.Paths {
		all = append(all, serialport.Match{Path: path})
	}
	for _, id := range p.IDs {
		all = append(all, serialport.Match{ID: id})
	}
	for _, d := range p.Drivers {
		all = append(all, serialport.Match{Driver: d})
	}
	return all
}
