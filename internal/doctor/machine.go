package doctor

import (
	"context"
	"maps"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/internal/clean"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/serialport"
)

func configuration(s Settings) Check {
	if s.ConfigErr != nil {
		return Check{"configuration", Fail, s.ConfigErr.Error(), "mend it; every option is explained in configs/agent.yaml"}
	}
	return Check{"configuration", OK, "is valid", ""}
}

func rights() Check {
	if os.Geteuid() == 0 {
		return Check{"rights", Note, "runs as root; exclusive access to ports binds root only because CAP_SYS_ADMIN is given up at start",
			"the packaged units run without root"}
	}
	return Check{"rights", OK, "runs without root", ""}
}

// confinement says what a security module makes of this process, where it confines it.
func confinement(root string) (Check, bool) {
	b, err := os.ReadFile(filepath.Join(root, "/proc/self/attr/current"))
	label := clean.Line(strings.Trim(string(b), "\x00\n"))
	if err != nil || label == "" || strings.HasPrefix(label, "unconfined") || strings.Contains(label, ":unconfined_t:") || strings.HasSuffix(label, "(complain)") {
		return Check{}, false
	}
	return Check{"security", Note, "a security module confines this process as " + label,
		"if a port is refused though its mode allows it, look into the log of that module (ausearch -m avc, dmesg)"}, true
}

func modemManager(ctx context.Context, s Settings, devices []serialport.Device) Check {
	const name = "ModemManager"
	if !processRuns(s.Root, name) {
		return Check{name, OK, "is not running", ""}
	}
	if s.Manager == nil {
		return Check{name, Note, "is running; ports that it holds are left to it", ""}
	}
	managed, err := s.Manager.Managed(ctx, devices)
	if err != nil {
		return Check{name, Warn, "is running, but does not say what it manages: " + err.Error(),
			"let this user reach the system bus; until then its modules are reported as held, by their descriptors"}
	}
	if len(managed) == 0 {
		return Check{name, OK, "is running and manages no module", ""}
	}
	var texts []string
	for _, id := range slices.Sorted(maps.Keys(managed)) {
		texts = append(texts, clean.Line(strings.TrimSpace(id+" "+managed[id].Model)))
	}
	return Check{name, OK, "is running and manages " + strings.Join(texts, ", ") + "; its ports are left to it, what it knows is taken as evidence", ""}
}

func processRuns(root, name string) bool {
	names, err := filepath.Glob(filepath.Join(root, "/proc/[0-9]*/comm"))
	if err != nil {
		return false
	}
	return slices.ContainsFunc(names, func(n string) bool {
		b, err := os.ReadFile(n)
		return err == nil && strings.TrimSpace(string(b)) == name
	})
}

func clock() Check {
	now := time.Now()
	if !agent.ClockSynced() {
		return Check{"clock", Warn, "is not synchronised; it says " + now.Format(time.RFC3339),
			"set up NTP (systemd-timesyncd, chrony); reports stay in order all the same, their times are marked"}
	}
	return Check{"clock", OK, "is synchronised", ""}
}

func zone(now time.Time) Check {
	return Check{"time zone", OK, now.Format("is MST (UTC-07:00); reports are in UTC"), ""}
}

// state looks whether the directory can be written, by its mode and not by writing.
func state(dir string) Check {
	for at := dir; ; at = filepath.Dir(at) {
		info, err := os.Stat(at)
		switch {
		case err == nil && !info.IsDir():
			return Check{"state", Fail, at + " is no directory", "choose another with --state-dir"}
		case err == nil && writable(at):
			return Check{"state", OK, dir + " can be written", ""}
		case err == nil:
			return Check{"state", Fail, dir + " cannot be written by this user", "give it to the agent's user, or choose another with --state-dir"}
		case at == filepath.Dir(at):
			return Check{"state", Fail, err.Error(), "choose another with --state-dir"}
		}
	}
}

func broker(ctx context.Context, n configs.NATS, wait time.Duration) Check {
	ctx, cancel := context.WithTimeout(ctx, wait)
	defer cancel()
	var dialer net.Dialer
	var failed []string
	reached := false
	for _, u := range n.URLs {
		conn, err := dialer.DialContext(ctx, "tcp", address(u))
		if err != nil {
			failed = append(failed, err.Error())
			continue
		}
		reached = true
		_ = conn.Close()
	}
	if !reached {
		return Check{"NATS", Fail, "no server can be reached: " + strings.Join(failed, "; "), "check nats.urls, the route and the firewall"}
	}
	link, err := natslink.Connect(ctx, natslink.Settings{
		Name: "rollcall-doctor", URLs: n.URLs, CredsFile: n.Creds, NKeyFile: n.NKey, CAFile: n.CA, CertFile: n.Cert, KeyFile: n.Key})
	if err != nil {
		return Check{"NATS", Fail, err.Error(), "check nats.creds, nats.nkey and the certificates"}
	}
	defer link.Close()
	select {
	case <-link.Up():
	case <-ctx.Done():
	}
	health := link.Health()
	for _, w := range health {
		if w.Severity == inventory.SeverityError {
			return Check{"NATS", Fail, w.Text, "check nats.creds, nats.nkey and the certificates"}
		}
	}
	for _, w := range health {
		return Check{"NATS", Warn, "a server takes this configuration, but " + w.Text, "it works as it is; do that before it no longer does"}
	}
	return Check{"NATS", OK, "a server takes this configuration", ""}
}

// address gives host:port of a NATS URL, with the usual port of its scheme.
func address(raw string) string {
	u, err := url.Parse(raw)
	if err != nil {
		return raw
	}
	port := u.Port()
	if port == "" {
		port = map[string]string{"ws": "80", "wss": "443"}[u.Scheme]
	}
	if port == "" {
		port = "4222"
	}
	return net.JoinHostPort(u.Hostname(), port)
}
