package agentcli

import (
	"context"
	"os"
	"path/filepath"
	"runtime"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/internal/overlay"
	"github.com/rollcall-iot/rollcall/internal/version"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/survey"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/spool"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

// settings maps the configuration to what the agent takes.
func settings(ctx context.Context, c *configs.Agent) (agent.DaemonSettings, error) {
	var s agent.DaemonSettings
	base, err := overlay.Load(c.FingerprintsDir)
	if err != nil {
		return s, exit.With(exit.Usage, err)
	}
	gateway, err := Gateway(c.Gateway.ID, c.Gateway.Labels)
	if err != nil {
		return s, exit.With(exit.Usage, err)
	}
	finder := &serialport.Finder{Rules: rules(c)}
	look := survey.Settings{Finder: finder, Base: base, Ports: c.Scan.Ports, Timeout: c.Scan.Timeout}
	jitter := c.Scan.Jitter
	if jitter == 0 {
		jitter = -1 // the agent's zero means its default
	}
	s = agent.DaemonSettings{
		Settings: agent.Settings{
			Gateway: gateway, StateDir: c.StateDir,
			Interval: c.Scan.Interval, Jitter: jitter, Heartbeat: c.Heartbeat,
			Survey:  func(ctx context.Context) ([]inventory.Module, error) { return survey.Run(ctx, look) },
			Privacy: agent.Privacy(c.Privacy.IMEI),
			Systemd: agent.SystemdFrom(os.Getenv),
		},
		Link: natslink.Settings{
			URLs: c.NATS.URLs, CredsFile: c.NATS.Creds, NKeyFile: c.NATS.NKey,
			CAFile: c.NATS.CA, CertFile: c.NATS.Cert, KeyFile: c.NATS.Key,
		},
		Spool: spool.Limits{Bytes: c.Spool.MaxBytes, Count: c.Spool.MaxReports},
	}
	if info, err := os.Stat(filepath.Dir(c.StatusFile)); err == nil && info.IsDir() {
		s.StatusFile = c.StatusFile
	}
	if len(c.Scan.Ports) == 0 {
		s.Changes = (&serialport.Watcher{Finder: finder}).Watch(ctx)
	}
	return s, nil
}

// Gateway describes this machine. An empty id means a stable one of its own.
func Gateway(id string, labels map[string]string) (inventory.Gateway, error) {
	var err error
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

func rules(c *configs.Agent) serialport.Rules {
	var r serialport.Rules
	allow := func(m serialport.Match) {
		m.Reason = "allowed by the configuration"
		r.Allow = append(r.Allow, m)
	}
	for _, p := range c.Allow.Paths {
		allow(serialport.Match{Path: p})
	}
	for _, id := range c.Allow.IDs {
		allow(serialport.Match{ID: id})
	}
	for _, d := range c.Allow.Drivers {
		allow(serialport.Match{Driver: d})
	}
	return r
}
