package webhook_test

import (
	"bytes"
	"context"
	"log/slog"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/webhook"
)

func status(code int, headers ...string) http.HandlerFunc {
	return func(w http.ResponseWriter, _ *http.Request) {
		for i := 0; i+1 < len(headers); i += 2 {
			w.Header().Set(headers[i], headers[i+1])
		}
		w.WriteHeader(code)
	}
}

// reset ends the connection without an answer.
func reset(w http.ResponseWriter, _ *http.Request) {
	c, _, err := w.(http.Hijacker).Hijack()
	if err == nil {
		_ = c.Close()
	}
}

// endless sends a body without end.
func endless(w http.ResponseWriter, q *http.Request) {
	for q.Context().Err() == nil {
		if _, err := w.Write(make([]byte, 4096)); err != nil {
			return
		}
	}
}

// After each fault the same event comes again, and then the next ones in order.
func TestFaultsAreTriedAgain(t *testing.T) {
	for name, fault := range map[string]http.HandlerFunc{
		"500": status(500), "503": status(503, "Retry-After", "0"), "429": status(429), "404": status(404), "401": status(401), "reset": reset,
		"huge header": status(500, "X", strings.Repeat("x", 100<<10)),
	} {
		t.Run(name, func(t *testing.T) {
			f, r := newFleet(t), newReceiver(t, fault, fault)
			s := settings(f, r.hook())
			start(t, s)
			marked(t, f, "ops")
			f.happen(store.GatewayNew, store.GatewaySilent)
			got := r.wait(4)
			if d := cmp.Diff([]string{"gw-0", "gw-0", "gw-0", "gw-1"}, subjects(got)); d != "" {
				t.Error(d)
			}
			if len(s.Dead.(buried)) != 0 {
				t.Error("given up")
			}
		})
	}
}

// An answer without end is a success: what it says does not count.
func TestEndlessAnswer(t *testing.T) {
	f, r := newFleet(t), newReceiver(t, endless)
	start(t, settings(f, r.hook()))
	marked(t, f, "ops")
	f.happen(store.GatewayNew, store.GatewaySilent)
	if d := cmp.Diff([]string{"gw-0", "gw-1"}, subjects(r.wait(2))); d != "" {
		t.Error(d)
	}
}

func TestHangingReceiver(t *testing.T) {
	release := make(chan struct{})
	f, r := newFleet(t), newReceiver(t, func(http.ResponseWriter, *http.Request) { <-release })
	t.Cleanup(func() { close(release) })
	h := r.hook()
	h.Timeout = time.Second
	start(t, settings(f, h))
	marked(t, f, "ops")
	f.happen(store.GatewayNew, store.GatewaySilent)
	got := subjects(r.wait(3))
	if got[0] != "gw-0" || got[1] != "gw-0" || got[len(got)-1] != "gw-1" {
		t.Errorf("%q", got)
	}
}

func TestRetryAfter(t *testing.T) {
	f, r := newFleet(t), newReceiver(t, status(503, "Retry-After", "1"))
	start(t, settings(f, r.hook()))
	marked(t, f, "ops")
	f.happen(store.GatewayNew)
	begin := time.Now()
	if r.wait(2); time.Since(begin) < time.Second {
		t.Error("came again sooner than the receiver asked")
	}
}

// A receiver that is gone gets nothing more; what happens waits for the next start.
func TestGone(t *testing.T) {
	f, r := newFleet(t), newReceiver(t, status(http.StatusGone))
	other := newReceiver(t)
	h := other.hook()
	h.Name = "other"
	stop := start(t, settings(f, r.hook(), h))
	marked(t, f, "ops")
	marked(t, f, "other")
	f.happen(store.GatewayNew, store.GatewaySilent)
	other.wait(2)
	f.happen(store.GatewayBack)
	other.wait(3)
	if got := r.wait(1); len(got) != 1 {
		t.Errorf("%q", subjects(got))
	}
	stop()
	start(t, settings(f, r.hook()))
	if d := cmp.Diff([]string{"gw-0", "gw-0", "gw-1", "gw-2"}, subjects(r.wait(4))); d != "" {
		t.Error(d)
	}
}

// A redirect leads nowhere, also where the other side would take what comes.
func TestRedirect(t *testing.T) {
	elsewhere := newReceiver(t)
	f, r := newFleet(t), newReceiver(t, status(http.StatusPermanentRedirect, "Location", elsewhere.URL), status(http.StatusTemporaryRedirect, "Location", elsewhere.URL))
	start(t, settings(f, r.hook()))
	marked(t, f, "ops")
	f.happen(store.GatewayNew)
	if r.wait(3); len(elsewhere.got) != 0 {
		t.Error("a redirect was followed")
	}
}

// An event that the receiver refuses goes to the dead letters after some tries, and the rest
// flows.
func TestRefusedEvent(t *testing.T) {
	no := status(http.StatusUnprocessableEntity)
	f, r := newFleet(t), newReceiver(t, no, no, no)
	h := r.hook()
	h.Tries = 3
	s := settings(f, h)
	start(t, s)
	marked(t, f, "ops")
	f.happen(store.GatewayNew, store.GatewaySilent)
	if d := cmp.Diff([]string{"gw-0", "gw-0", "gw-0", "gw-1"}, subjects(r.wait(4))); d != "" {
		t.Error(d)
	}
	select {
	case l := <-s.Dead.(buried):
		if l.Reason != "webhook" || !strings.Contains(l.Text, "ops, 3 tries: the receiver answers 422") || !strings.Contains(string(l.Body), `"gw-0"`) {
			t.Errorf("%+v", l)
		}
	default:
		t.Error("no dead letter")
	}
}

// While a receiver fails for longer than is waited for, what is as old goes to the dead
// letters; what is newer is sent when it works again.
func TestOutlived(t *testing.T) {
	fails := make([]http.HandlerFunc, 10)
	for i := range fails {
		fails[i] = status(500)
	}
	f, r := newFleet(t), newReceiver(t, fails...)
	h := r.hook()
	h.GiveUp = 24 * time.Hour
	s := settings(f, h)
	stop := start(t, s)
	marked(t, f, "ops")
	stop()
	old := time.Now().Add(-48 * time.Hour)
	f.put(store.Event{Kind: store.GatewayNew, Gateway: "old-0", At: old}, store.Event{Kind: store.GatewayNew, Gateway: "old-1", At: old})
	stop = start(t, s) // failing, but not for so long
	r.wait(5)
	stop()
	if n := len(s.Dead.(buried)); n != 0 {
		t.Fatalf("%d events were given up at once", n)
	}
	s.Hooks[0].GiveUp = time.Nanosecond
	f.put(store.Event{Kind: store.GatewayNew, Gateway: "new-0", At: time.Now().Add(time.Hour)})
	start(t, s)
	got := subjects(r.wait(11))
	if last := got[len(got)-1]; last != "new-0" || len(s.Dead.(buried)) != 2 {
		t.Errorf("%q, %d dead letters", got, len(s.Dead.(buried)))
	}
}

// ending is a store that is asked just when the program ends.
type ending struct {
	webhook.Store
	end context.CancelFunc
}

func (e *ending) Identity(ctx context.Context) (string, error) {
	e.end()
	<-ctx.Done()
	return "", ctx.Err()
}

// A sender that is told to end has nothing to complain of.
func TestEndIsNoFault(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	var log bytes.Buffer
	s := settings(&ending{newFleet(t), cancel}, newReceiver(t).hook())
	s.Log = slog.New(slog.NewTextHandler(&log, nil))
	sender, err := webhook.New(s)
	if err != nil {
		t.Fatal(err)
	}
	sender.Run(ctx)
	if log.Len() > 0 {
		t.Errorf("the log says %s", &log)
	}
}
