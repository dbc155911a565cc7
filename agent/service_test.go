package agent

import (
	"context"
	"encoding/json"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/nats-io/nats.go"
	"github.com/nats-io/nats.go/jetstream"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// running starts d and ends it with the test.
func running(t *testing.T, d *Daemon) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := d.Run(ctx); err != nil {
			t.Error(err)
		}
	})
	t.Cleanup(func() {
		cancel()
		wg.Wait()
		if err := d.Close(); err != nil {
			t.Error(err)
		}
	})
}

// bodies gives what the stream holds, oldest first.
func bodies(t *testing.T, js jetstream.JetStream) (reports []*inventory.Report, heartbeats []*inventory.Heartbeat) {
	t.Helper()
	for _, m := range natslinktest.Messages(t, js) {
		e, err := natslink.FromMsg(m.Subject, m.Header, m.Data)
		if err != nil || e.Verify() != nil {
			t.Fatalf("a message on %s is no signed envelope: %v", m.Subject, err)
		}
		if e.Kind == inventory.KindReport {
			r, err := inventory.DecodeReport(e.Body)
			if err != nil {
				t.Fatal(err)
			}
			reports = append(reports, r)
			continue
		}
		h, err := inventory.DecodeHeartbeat(e.Body)
		if err != nil {
			t.Fatal(err)
		}
		heartbeats = append(heartbeats, h)
	}
	return reports, heartbeats
}

// TestService: with the least rights an agent answers scan, status and version; a second
// scan at once is refused with the time to wait; what is cached is sent without a look.
func TestService(t *testing.T) {
	gw := natslinktest.User{Name: "gw1", Password: "p"}
	gw.Publish, gw.Subscribe = natslink.Permissions("gw1")
	server := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, gw}})
	js := server.JetStream(natslinktest.Admin)
	natslinktest.MakeStream(t, js, 0)
	var looks atomic.Int64
	s := daemonSettings(t, server.URLOf(gw))
	s.StatusFile = filepath.Join(t.TempDir(), "status.json")
	s.Survey = func(context.Context) ([]inventory.Module, error) { looks.Add(1); return ec25("A"), nil }
	d := daemon(t, s)
	running(t, d)
	natslinktest.Eventually(t, "the first report is there", func() bool { r, _ := bodies(t, js); return len(r) == 1 })

	ask := func(subject, body string) *nats.Msg {
		t.Helper()
		var m *nats.Msg
		natslinktest.Eventually(t, "an answer on "+subject, func() bool {
			var err error
			m, err = js.Conn().Request(subject, []byte(body), 5*time.Second)
			return err == nil
		})
		return m
	}
	if m := ask(natslink.VersionSubject("gw1"), ""); !strings.Contains(string(m.Data), `"gateway":"gw1"`) {
		t.Errorf("version: %s", m.Data)
	}
	var st Status
	if m := ask(natslink.StatusSubject("gw1"), ""); json.Unmarshal(m.Data, &st) != nil || !st.Connected || st.Modules[inventory.StateIdentified] != 1 {
		t.Errorf("status: %s", m.Data)
	}
	var answer ScanAnswer
	if m := ask(natslink.ScanSubject("gw1"), ""); json.Unmarshal(m.Data, &answer) != nil || answer.Boot != st.Boot {
		t.Errorf("scan: %s %v", m.Data, m.Header)
	}
	if m := ask(natslink.ScanSubject("gw1"), ""); m.Header.Get("Nats-Service-Error-Code") != "429" || m.Header.Get("Retry-After") == "" {
		t.Errorf("scan at once again: %s %v", m.Data, m.Header)
	}
	if m := ask(natslink.ScanSubject("gw1"), "{"); m.Header.Get("Nats-Service-Error-Code") != "400" {
		t.Errorf("nonsense: %s %v", m.Data, m.Header)
	}
	natslinktest.Eventually(t, "the report asked for is there", func() bool {
		r, _ := bodies(t, js)
		return len(r) == 2 && r[1].Reason == inventory.ReasonRequest && answer.Before(r[1].Order)
	})
	ask(natslink.ScanSubject("gw1"), `{"cached":true}`)
	natslinktest.Eventually(t, "the cached report is there", func() bool { r, _ := bodies(t, js); return len(r) == 3 })
	if n := looks.Load(); n != 2 {
		t.Errorf("looked %d times, want 2: at start and on request", n)
	}
	natslinktest.Eventually(t, "the status file tells of it", func() bool {
		st, err := ReadStatus(s.StatusFile)
		return err == nil && st.Report != nil && st.Report.Seq >= 3 && !st.Receipt.IsZero()
	})
}

// TestServiceIsDenied: a server that does not permit to listen is named in health, and
// reports go out all the same.
func TestServiceIsDenied(t *testing.T) {
	gw := natslinktest.User{Name: "gw1", Password: "p", Subscribe: []string{natslink.InboxPrefix("gw1") + ".>"}}
	gw.Publish, _ = natslink.Permissions("gw1")
	server := natslinktest.Start(t, natslinktest.Settings{Users: []natslinktest.User{natslinktest.Admin, gw}})
	js := server.JetStream(natslinktest.Admin)
	natslinktest.MakeStream(t, js, 0)
	d := daemon(t, daemonSettings(t, server.URLOf(gw)))
	running(t, d)
	natslinktest.Eventually(t, "the report is there", func() bool { r, _ := bodies(t, js); return len(r) == 1 })
	natslinktest.Eventually(t, "health names it", func() bool {
		return slices.ContainsFunc(d.Status().Health, func(w inventory.Warning) bool { return w.Code == "nats-service-denied" })
	})
}

// TestD14: the server comes back with an empty store. The next heartbeat's receipt tells,
// and the full picture goes out again by itself.
func TestD14(t *testing.T) {
	server := natslinktest.Start(t, natslinktest.Settings{})
	natslinktest.MakeStream(t, server.JetStream(natslinktest.User{}), 0)
	s := daemonSettings(t, server.URL())
	s.Heartbeat = 100 * time.Millisecond
	d := daemon(t, s)
	running(t, d)
	js := server.JetStream(natslinktest.User{})
	natslinktest.Eventually(t, "report and heartbeats are there", func() bool { r, h := bodies(t, js); return len(r) == 1 && len(h) > 2 })
	server.SwapStore()
	js = server.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	natslinktest.Eventually(t, "the full picture is there again", func() bool {
		r, _ := bodies(t, js)
		return len(r) > 0 && r[0].Modules[0].Identity.Model == "EC25"
	})
	r, h := bodies(t, js)
	if len(h) > 0 && !slices.ContainsFunc(r, func(r *inventory.Report) bool { g, _ := r.Digest(); return g == h[len(h)-1].Digest }) {
		t.Error("the heartbeats speak of another picture than the one sent again")
	}
}

// TestNothingNewIsNotWritten: a delivered picture that is sent again costs no write.
func TestNothingNewIsNotWritten(t *testing.T) {
	server := natslinktest.Start(t, natslinktest.Settings{})
	js := server.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, 0)
	s := daemonSettings(t, server.URL())
	s.Heartbeat, s.RequestEvery = 50*time.Millisecond, time.Millisecond
	d := daemon(t, s)
	running(t, d)
	natslinktest.Eventually(t, "the report is delivered", func() bool { return !d.Status().Receipt.IsZero() })
	if f := d.Status().Fitted; len(f) != 1 || f[0].Model != "EC25" || f[0].State != inventory.StateIdentified {
		t.Errorf("the status says that %+v is fitted", f)
	}
	spoolDir := filepath.Join(s.StateDir, "spool")
	before, err := os.Stat(spoolDir)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := d.Request(t.Context()); err != nil {
		t.Fatal(err)
	}
	natslinktest.Eventually(t, "much is sent", func() bool { r, h := bodies(t, js); return len(r) == 2 && len(h) > 5 })
	after, err := os.Stat(spoolDir)
	if err != nil || !after.ModTime().Equal(before.ModTime()) {
		t.Errorf("the spool was written to: %v, before %v (%v)", after.ModTime(), before.ModTime(), err)
	}
}

// TestSystemd: readiness, the watchdog and the end are told to the service manager.
func TestSystemd(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	env := map[string]string{"NOTIFY_SOCKET": path, "WATCHDOG_USEC": "20000"}
	s := settings(t, &box{})
	s.Systemd = SystemdFrom(func(k string) string { return env[k] })
	a := newAgent(t, s)
	ctx, end := context.WithCancelCause(t.Context())
	cancel := func() { end(nil) }
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	next := func() string {
		b := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(natslinktest.Patience))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		return string(b[:n])
	}
	if got := next(); got != "READY=1" {
		t.Errorf("first %q", got)
	}
	if got := next(); got != "WATCHDOG=1" {
		t.Errorf("then %q", got)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
	for {
		if got := next(); got == "STOPPING=1" {
			return
		} else if got != "WATCHDOG=1" {
			t.Fatalf("at the end %q", got)
		}
	}
}

// TestManagerThatDoesNotRead: a service manager whose queue is full does not hold the agent up for good.
func TestManagerThatDoesNotRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for full := false; !full; { // each sender has a queue of its own, too
		w, err := net.DialUnix("unixgram", nil, &net.UnixAddr{Name: path, Net: "unixgram"})
		if err != nil {
			t.Fatal(err)
		}
		defer w.Close()
		sent := 0
		for ; err == nil; sent++ {
			_ = w.SetWriteDeadline(time.Now().Add(100 * time.Millisecond))
			_, err = w.Write([]byte("X=1"))
		}
		full = sent == 1
	}
	done := make(chan struct{})
	go func() {
		defer close(done)
		Systemd{Socket: path}.Ready()
	}()
	select {
	case <-done:
	case <-time.After(natslinktest.Patience):
		t.Error("it still waits")
	}
}

// An agent that gives way to another in the same process does not say that the service stops.
func TestRestartIsNoStop(t *testing.T) {
	path := filepath.Join(t.TempDir(), "notify")
	c, err := net.ListenUnixgram("unixgram", &net.UnixAddr{Name: path, Net: "unixgram"})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for _, cause := range []error{ErrRestart, nil} {
		s := settings(t, &box{})
		s.Systemd = Systemd{Socket: path}
		a := newAgent(t, s)
		ctx, end := context.WithCancelCause(t.Context())
		end(cause)
		if err := a.Run(ctx); err != nil {
			t.Error(err)
		}
	}
	var said []string
	for range 3 {
		b := make([]byte, 100)
		_ = c.SetReadDeadline(time.Now().Add(natslinktest.Patience))
		n, err := c.Read(b)
		if err != nil {
			t.Fatal(err)
		}
		said = append(said, string(b[:n]))
	}
	if got := strings.Join(said, " "); got != "READY=1 READY=1 STOPPING=1" {
		t.Errorf("the manager heard %q", got)
	}
}

func TestSemver(t *testing.T) {
	for in, want := range map[string]string{"rollcall-agent/0.1.0": "0.1.0", "x/v1.22.3-4-gabc": "1.22.3", "rollcall-agent/dev": "0.0.0", "": "0.0.0"} {
		if got := semver(in); got != want {
			t.Errorf("semver(%q) = %q, want %q", in, got, want)
		}
	}
}
