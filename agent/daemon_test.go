package agent

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// The log tells what is wrong when it begins and when it is over, once.
func TestHealthIsToldInTheLog(t *testing.T) {
	var log bytes.Buffer
	s := daemonSettings(t, natslinktest.Start(t, natslinktest.Settings{}).URL())
	s.Log = slog.New(slog.NewTextHandler(&syncWriter{w: &log}, nil))
	d := daemon(t, s)
	defer d.Close()
	told := map[string]bool{}
	for _, err := range []error{errors.Join(errors.New("full"), errors.New("slow")), errors.New("still full"), nil, nil} {
		d.health.set("not-kept", inventory.SeverityError, err)
		d.tellChanges(told)
	}
	var got []string
	for line := range strings.Lines(log.String()) {
		if strings.Contains(line, "not-kept") {
			_, line, _ = strings.Cut(line, "level=")
			got = append(got, strings.TrimSpace(line))
		}
	}
	if want := []string{"WARN msg=health code=not-kept text=\"full; slow\"", `INFO msg="health: over" code=not-kept`}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func daemon(t *testing.T, s DaemonSettings) *Daemon {
	t.Helper()
	d, err := NewDaemon(t.Context(), s)
	if err != nil {
		t.Fatal(err)
	}
	return d
}

func daemonSettings(t *testing.T, url string) DaemonSettings {
	s := DaemonSettings{Settings: settings(t, nil), Link: natslink.Settings{URLs: []string{url}, MaxWait: 100 * time.Millisecond}}
	s.Outbox = nil
	return s
}

// What could not be sent waits in the state directory and goes out at the next start, once.
func TestReportWaitsForTheBroker(t *testing.T) {
	server := natslinktest.Start(t, natslinktest.Settings{})
	js := server.JetStream(natslinktest.User{})
	natslinktest.MakeStream(t, js, time.Minute)
	s := daemonSettings(t, server.URL())
	server.Stop()

	var log bytes.Buffer
	s.Log = slog.New(slog.NewTextHandler(&syncWriter{w: &log}, nil))
	d := daemon(t, s)
	ctx, cancel := context.WithTimeout(t.Context(), 300*time.Millisecond)
	defer cancel()
	r, err := d.Once(ctx)
	if err == nil || !strings.Contains(err.Error(), s.StateDir) {
		t.Fatalf("without a broker: %v; want an error that says where the report waits", err)
	}
	if err := d.Close(); err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(log.String(), "level=WARN msg=health code="+natslink.CodeUnreachable) {
		t.Errorf("the log does not say that no server can be reached:\n%s", &log)
	}

	server.Start()
	d = daemon(t, s)
	defer d.Close()
	ctx, cancel = context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if _, err := d.Once(ctx); err != nil {
		t.Fatal(err)
	}
	var ids []string
	for _, m := range natslinktest.Messages(t, server.JetStream(natslinktest.User{})) {
		e, err := natslink.FromMsg(m.Subject, m.Header, m.Data)
		if err != nil || e.Verify() != nil {
			t.Fatalf("a message on %s is no signed envelope: %v", m.Subject, err)
		}
		ids = append(ids, e.ID)
	}
	if len(ids) != 2 || ids[0] != r.ID {
		t.Errorf("the stream holds %q, want the report %s of before and a new one", ids, r.ID)
	}
}

func TestSecondDaemonIsRefused(t *testing.T) {
	s := daemonSettings(t, "nats://127.0.0.1:1")
	d := daemon(t, s)
	defer d.Close()
	if _, err := NewDaemon(t.Context(), s); err == nil || !strings.Contains(err.Error(), "spool") {
		t.Errorf("a second agent on the same state directory: %v", err)
	}
}

func TestShrinkKeepsTheIdentity(t *testing.T) {
	d := daemon(t, daemonSettings(t, "nats://127.0.0.1:1"))
	defer d.Close()
	r, err := d.Agent.Once(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	e, err := inventory.SealReport(r, d.key)
	if err != nil {
		t.Fatal(err)
	}
	if !d.shrink(e) {
		t.Fatal("did not shrink")
	}
	if err := d.spool.Remove(r.ID); err != nil {
		t.Fatal(err)
	}
	small, ok := d.spool.Next()
	if !ok {
		t.Fatal("nothing in the spool")
	}
	got, err := inventory.DecodeReport(small.Body)
	if err != nil || !got.Truncated || got.Modules[0].Identity.Model != "EC25" || len(got.Modules[0].Transcript) != 0 {
		t.Errorf("got %+v, %v", got, err)
	}
	if d.shrink(small) {
		t.Error("shrank what was small already")
	}
	d.delivered(small, natslink.Receipt{Sequence: 1})
	if !d.last.delivered {
		t.Error("its findings do not count as delivered")
	}
	if err := d.spool.Remove(small.ID); err != nil {
		t.Fatal(err)
	}
	if _, err := d.beat(); err != nil {
		t.Fatal(err)
	}
	if beat, ok := d.spool.Next(); ok {
		namesFindings(t, beat, got)
	} else {
		t.Error("no heartbeat")
	}
}
