package agentcli

import (
	"bytes"
	"context"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/agent"
	"github.com/rollcall-iot/rollcall/internal/exit"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// log is a writer that a test may read meanwhile.
type log struct {
	mu sync.Mutex
	b  bytes.Buffer
}

func (l *log) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *log) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

func TestUsageErrors(t *testing.T) {
	file := filepath.Join(t.TempDir(), "agent.yaml")
	if err := os.WriteFile(file, []byte("scan: {intervall: 1h}\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"--bogus"}, "unknown flag"},
		{[]string{"--config", file}, `unknown key "scan.intervall"`},
		{[]string{"--gateway-id", "a.b"}, "gateway.id"},
		{[]string{"--interval", "1s"}, "scan.interval"},
		{[]string{"--metrics-listen", "0.0.0.0:9099"}, "metrics_listen"},
		{[]string{"reload", "1"}, "no process id"},
		{[]string{"reload", "-1"}, "unknown shorthand flag"},
	} {
		var errs bytes.Buffer
		if code := Run(t.Context(), c.args, nil, &errs, &errs); code != exit.Usage || !strings.Contains(errs.String(), c.want) {
			t.Errorf("%q: exit status %d, %s; want %d and %q", c.args, code, errs.String(), exit.Usage, c.want)
		}
	}
}

func TestStatusWithoutAgent(t *testing.T) {
	var errs bytes.Buffer
	code := Run(t.Context(), []string{"status", "--status-file", filepath.Join(t.TempDir(), "none")}, nil, &errs, &errs)
	if code != exit.Failure || !strings.Contains(errs.String(), "is the agent running") {
		t.Errorf("exit status %d, %s", code, errs.String())
	}
}

func eventually(t *testing.T, what string, is func() bool) {
	t.Helper()
	natslinktest.Eventually(t, what, is)
}

// manager stands for systemd; what it gives waits for what the agent says next.
func manager(t *testing.T) func(want string) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = c.Close() })
	t.Setenv("NOTIFY_SOCKET", path)
	return func(want string) {
		t.Helper()
		b := make([]byte, 256)
		_ = c.SetReadDeadline(time.Now().Add(natslinktest.Patience))
		n, err := c.Read(b)
		got := string(b[:n])
		digits := strings.TrimPrefix(got, want)
		if err != nil || !strings.HasPrefix(got, want) || strings.HasSuffix(want, "=") != (strings.Trim(digits, "0123456789") == "" && digits != "") {
			t.Errorf("the service manager heard %q, %v; want %q", got, err, want)
		}
	}
}

// reported is the gateway as its last report tells of it.
func reported(t *testing.T, server *natslinktest.Server, gateway string) (g inventory.Gateway) {
	t.Helper()
	for _, m := range natslinktest.Messages(t, server.JetStream(natslinktest.User{})) {
		if r, err := inventory.DecodeReport(m.Data); err == nil && r.Gateway.ID == gateway {
			g = r.Gateway
		}
	}
	return g
}

// told is what "status" has to say of the agent that a configuration is of.
func told(t *testing.T, file string, want ...string) {
	t.Helper()
	var text bytes.Buffer
	if code := Run(t.Context(), []string{"status", "--config", file}, nil, &text, &text); code != exit.OK && !strings.Contains(text.String(), "error") {
		t.Errorf("status: exit status %d\n%s", code, text.String())
	}
	for _, w := range want {
		if !strings.Contains(text.String(), w) {
			t.Errorf("status does not say %q:\n%s", w, text.String())
		}
	}
}

// SIGHUP takes a good configuration, keeps the old one when the new one is wrong, and says so
// in the health.
func TestF08Reload(t *testing.T) {
	// A process with CAP_SYS_ADMIN that is built with cgo starts itself again to give it up; this
	// tells it that it has done so. Programs are tried as such elsewhere.
	t.Setenv("ROLLCALL_STARTED_AGAIN", strconv.Itoa(os.Getpid()))
	said := manager(t)
	server := natslinktest.Start(t, natslinktest.Settings{})
	natslinktest.MakeStream(t, server.JetStream(natslinktest.User{}), time.Minute)
	dir := t.TempDir()
	file, status := filepath.Join(dir, "agent.yaml"), filepath.Join(dir, "status.json")
	write := func(text string) {
		t.Helper()
		if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	good := "gateway: {id: one, labels_dir: " + filepath.Join(dir, "labels.d") + "}\nstate_dir: " + filepath.Join(dir, "state") + "\nstatus_file: " + status +
		"\nnats: {urls: ['" + server.URL() + "']}\nscan: {ports: [" + filepath.Join(dir, "no-port") + "]}\nfingerprints_dir: ''\n"
	write(good)

	ctx, cancel := context.WithCancel(t.Context())
	var out log
	done := make(chan int, 1)
	go func() { done <- Run(ctx, []string{"--config", file}, nil, &out, &out) }()
	now := func() agent.Status {
		s, _ := agent.ReadStatus(status)
		return s
	}
	eventually(t, "the first receipt", func() bool { s := now(); return s.Gateway == "one" && !s.Receipt.IsZero() })

	hup := func() {
		t.Helper()
		if code := Run(t.Context(), []string{"reload", strconv.Itoa(os.Getpid())}, nil, &out, &out); code != exit.OK {
			t.Fatalf("reload: exit status %d", code)
		}
	}
	said("READY=1")
	write(good + "bogus: 1\n")
	hup()
	eventually(t, "the refusal in the log", func() bool { return strings.Contains(out.String(), "bogus") })
	eventually(t, "the refusal in the health", func() bool {
		return slices.ContainsFunc(now().Health, func(w inventory.Warning) bool { return w.Code == codeRefused })
	})
	if now().Gateway != "one" {
		t.Error("the old configuration did not stay")
	}
	said("RELOADING=1\nMONOTONIC_USEC=")
	said("READY=1")
	if err := os.MkdirAll(filepath.Join(dir, "labels.d"), 0o755); err != nil {
		t.Fatal(err)
	}
	label := filepath.Join(dir, "labels.d", "site")
	if err := os.WriteFile(label, []byte("\x1b"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(good)
	hup()
	eventually(t, "the label is refused in the log", func() bool { return strings.Contains(out.String(), label) })
	said("RELOADING=1\nMONOTONIC_USEC=")
	said("READY=1")
	if err := os.WriteFile(label, []byte("7\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	write(strings.Replace(good, "id: one", "id: two", 1))
	hup()
	eventually(t, "the new configuration", func() bool { s := now(); return s.Gateway == "two" && !s.Receipt.IsZero() })

	said("RELOADING=1\nMONOTONIC_USEC=")
	said("READY=1")
	if last := reported(t, server, "two"); last.Labels["site"] != "7" {
		t.Errorf("the labels are %v", last.Labels)
	}

	told(t, file, "gateway   two", "connected")
	cancel()
	if code := <-done; code != exit.OK {
		t.Errorf("ended with exit status %d\n%s", code, out.String())
	}
}
