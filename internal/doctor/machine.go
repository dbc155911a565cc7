package doctor

import (
	"context"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/transport/natslink"
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

func modemManager(root string) Check {
	names, err := filepath.Glob(filepath.Join(root, "/proc/[0-9]*/comm"))
	if err != nil {
		names = nil
	}
	for _, n := range names {
		if b, err := os.ReadFile(n); err == nil && strings.TrimSpace(string(b)) == "ModemManager" {
			return Check{"ModemManager", Note, "is running; ports that it holds are left to it", ""}
		}
	}
	return Check{"ModemManager", OK, "is not running", ""}
}

func clock() Check {
	now := time.Now()
	if !agent.ClockSynced() {
		return Check{"clock", Warn, "is not synchronised; it says " + now.Format(time.RFC3339),
			"set up NTP (systemd-timesyncd, chrony); reports stay in order all the same, their times are marked"}
	}
	return Check{"clock", OK, "is synchronised", ""}
}

func zone() Check {
	name, offset := time.Now().Zone()
	text := fmt.Sprintf("is %s (UTC%+03d:%02d); reports are in UTC", name, offset/3600, offset%3600/60)
	return Check{"time zone", OK, text, ""}
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
	for _, w := range link.Health() {
		return Check{"NATS", Fail, w.Text, "check nats.creds, nats.nkey and the certificates"}
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
