package configs

import (
	"fmt"
	"net"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
)

func (c *Agent) validate() error {
	if c.Gateway.ID != "" {
		if err := inventory.CheckGatewayID(c.Gateway.ID); err != nil {
			return fmt.Errorf("gateway.id: %w", err)
		}
	}
	return firstError(
		atLeast("scan.interval", c.Scan.Interval, time.Minute),
		atLeast("scan.timeout", c.Scan.Timeout, time.Second),
		atLeast("heartbeat", c.Heartbeat, time.Second),
		between("scan.jitter", c.Scan.Jitter, 0, 1),
		between("scan.parallel", float64(c.Scan.Parallel), 1, 64),
		speeds("scan.baud", c.Scan.Baud),
		c.Allow.validate("allow"), c.Deny.validate("deny"),
		between("spool.max_bytes", float64(c.Spool.MaxBytes), inventory.MaxReportBytes, 1<<40),
		between("spool.max_reports", float64(c.Spool.MaxReports), 2, 1<<20),
		loopback("metrics_listen", c.MetricsListen),
		oneOf("privacy.imei", c.Privacy.IMEI, "full", "tac", "hash"),
		c.NATS.validate(), c.Log.validate())
}

// validate refuses what could never fit a port: an exclusion with a slip in it would exclude nothing.
func (p Ports) validate(key string) error {
	for _, path := range p.Paths {
		bus, place, isPlace := strings.Cut(path, ":")
		if !strings.HasPrefix(path, "/") && (!isPlace || bus == "" || place == "") {
			return fmt.Errorf("%s.paths: %q is neither a path such as /dev/ttyS1 nor a place such as usb:1-1.2", key, path)
		}
	}
	for _, id := range p.IDs {
		vid, pid, _ := strings.Cut(id, ":")
		if !fourHex(vid) || pid != "*" && !fourHex(pid) {
			return fmt.Errorf("%s.ids: %q is no id such as 2c7c:0125 or 2c7c:*", key, id)
		}
	}
	for _, driver := range p.Drivers {
		if driver == "" || strings.ContainsAny(driver, "/ ") {
			return fmt.Errorf("%s.drivers: %q is no name of a driver such as ftdi_sio", key, driver)
		}
	}
	return nil
}

func fourHex(s string) bool {
	_, err := strconv.ParseUint(s, 16, 16)
	return err == nil && len(s) == 4
}

func (c *Collector) validate() error {
	return firstError(
		between("stream_max_bytes", float64(c.StreamMaxBytes), 0, 1<<50),
		oneOf("stream_replicas", strconv.Itoa(c.StreamReplicas), "1", "3", "5"),
		oneOf("keys", c.Keys, "tofu", "known"),
		atLeast("silent_after", c.SilentAfter, time.Minute),
		storeURL(c.Store), hostPort("listen", c.Listen), c.access(), c.Bundles.validate(), c.Keep.validate(),
		c.NATS.validate(), c.Log.validate())
}

// access checks what lets people in.
func (c *Collector) access() error {
	if (c.TLSCert == "") != (c.TLSKey == "") {
		return fmt.Errorf("tls_cert and tls_key go together; one of them is empty")
	}
	o := &c.OIDC
	switch {
	case o.Issuer == "":
		if o.ClientID != "" {
			return fmt.Errorf("oidc.client_id is given without oidc.issuer")
		}
	case o.ClientID == "":
		return fmt.Errorf("oidc.client_id is empty; it is what the provider knows this collector by")
	case c.PublicURL == "":
		return fmt.Errorf("public_url is empty; with oidc the provider must know where to send people back, such as https://rollcall.example")
	case len(o.Read)+len(o.Operate)+len(o.Admin) == 0:
		return fmt.Errorf("oidc.read, oidc.operate and oidc.admin are empty, so that nobody could log in; name the values of the claim %q that give a role", o.Claim)
	}
	return nil
}

func (k Keep) validate() error {
	switch {
	case k.UnchangedDays < 1:
		return fmt.Errorf("keep.unchanged_days is %d; want 1 or more", k.UnchangedDays)
	case k.HistoryDays < 0 || k.HistoryBytes < 0:
		return fmt.Errorf("keep.history_days and keep.history_bytes are 0, for no bound, or more")
	}
	return nil
}

func (b Bundles) validate() error {
	if (b.File != "" || b.Bucket != "") && len(b.Trust) == 0 {
		return fmt.Errorf("bundles.trust is empty; name the public keys whose bundles are believed, such as from \"rollcall bundle key\"")
	}
	return nil
}

func (n NATS) validate() error {
	if len(n.URLs) == 0 {
		return fmt.Errorf("nats.urls is empty; give at least one, such as nats://127.0.0.1:4222")
	}
	for _, u := range n.URLs {
		p, err := url.Parse(u)
		if err != nil || p.Host == "" {
			return fmt.Errorf("nats.urls: %q is no URL such as nats://host:4222", u)
		}
		if err := oneOf("the scheme of nats.urls", p.Scheme, "nats", "tls", "ws", "wss"); err != nil {
			return err
		}
		if p.User != nil {
			return fmt.Errorf("nats.urls holds a user name or password; put them into a file named by nats.creds or nats.nkey")
		}
	}
	if n.Join != "" && (n.Creds != "" || n.NKey != "") {
		return fmt.Errorf("nats.join stands beside nats.creds or nats.nkey: a gateway that has credentials does not join; remove one of them")
	}
	if (n.Cert == "") != (n.Key == "") {
		return fmt.Errorf("nats.cert and nats.key go together; one of them is empty")
	}
	return nil
}

func (l Log) validate() error {
	return firstError(
		oneOf("log.level", l.Level, "debug", "info", "warn", "error"),
		oneOf("log.format", l.Format, "text", "json"))
}

func storeURL(s string) error {
	for _, prefix := range []string{"sqlite:", "postgres://", "postgresql://"} {
		if strings.HasPrefix(s, prefix) && len(s) > len(prefix) {
			return nil
		}
	}
	return fmt.Errorf("store: %q is neither sqlite:PATH nor postgres://…", s)
}

func hostPort(key, s string) error {
	if _, _, err := net.SplitHostPort(s); err != nil {
		return fmt.Errorf("%s: %q is not HOST:PORT", key, s)
	}
	return nil
}

func speeds(key string, bauds []int) error {
	for _, b := range bauds {
		if b < 50 || b > 4_000_000 {
			return fmt.Errorf("%s: %d is no speed of a serial line, such as 9600 or 115200", key, b)
		}
	}
	return nil
}

// loopback: what is served without asking who is there stays on this machine.
func loopback(key, s string) error {
	if s == "" {
		return nil
	}
	host, _, err := net.SplitHostPort(s)
	if ip := net.ParseIP(host); err != nil || ip == nil || !ip.IsLoopback() {
		return fmt.Errorf("%s: %q is no address of this machine alone, such as 127.0.0.1:9099", key, s)
	}
	return nil
}

func atLeast(key string, d, low time.Duration) error {
	if d < low {
		return fmt.Errorf("%s: %s is shorter than %s", key, d, low)
	}
	return nil
}

func between(key string, v, low, high float64) error {
	if v < low || v > high {
		return fmt.Errorf("%s: %g is not between %g and %g", key, v, low, high)
	}
	return nil
}

func oneOf(key, v string, allowed ...string) error {
	if slices.Contains(allowed, v) {
		return nil
	}
	return fmt.Errorf("%s: %q is not one of %s", key, v, strings.Join(allowed, ", "))
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
