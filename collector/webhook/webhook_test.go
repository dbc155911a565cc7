package webhook_test

import (
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"crypto/x509"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/collector/deadletter"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/collector/webhook"
	"github.com/rollcall-iot/rollcall/policy"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

const secretText = "whsec_MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE="

func secrets(t testing.TB, text string) [][]byte {
	t.Helper()
	s, err := webhook.ParseSecrets([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// received is one request to the receiver, as it can be verified from outside.
type received struct {
	id, kind, subject string
	header            http.Header
	body              []byte
}

// receiver is an HTTP server that can be told to fail.
type receiver struct {
	*httptest.Server
	t testing.TB

	mu   sync.Mutex
	got  []received
	next []http.HandlerFunc // for the coming requests; then all are taken
	came chan struct{}
}

func newReceiver(t testing.TB, faults ...http.HandlerFunc) *receiver {
	t.Helper()
	r := &receiver{t: t, next: faults, came: make(chan struct{}, 1000)}
	r.Server = httptest.NewTLSServer(http.HandlerFunc(r.serve))
	r.Server.Config.ErrorLog = nil
	t.Cleanup(r.Server.Close)
	return r
}

func (r *receiver) serve(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	if err != nil {
		return
	}
	var e struct{ ID, Type, Subject string }
	if err := json.Unmarshal(body, &e); err != nil {
		r.t.Errorf("no JSON: %v", err)
	}
	r.mu.Lock()
	r.got = append(r.got, received{e.ID, e.Type, e.Subject, q.Header.Clone(), body})
	var fault http.HandlerFunc
	if len(r.next) > 0 {
		fault, r.next = r.next[0], r.next[1:]
	}
	r.mu.Unlock()
	defer func() { r.came <- struct{}{} }()
	if fault != nil {
		fault(w, q)
		return
	}
	w.WriteHeader(http.StatusNoContent)
}

// wait waits for so many requests and gives all that came.
func (r *receiver) wait(n int) []received {
	r.t.Helper()
	deadline := time.After(natslinktest.Patience)
	for {
		r.mu.Lock()
		got := append([]received(nil), r.got...)
		r.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-r.came:
		case <-deadline:
			r.t.Fatalf("%d requests came, want %d", len(got), n)
		}
	}
}

func subjects(got []received) []string {
	var out []string
	for _, g := range got {
		out = append(out, g.subject)
	}
	return out
}

func (r *receiver) hook() webhook.Hook {
	roots := x509.NewCertPool()
	roots.AddCert(r.Certificate())
	return webhook.Hook{Name: "ops", URL: r.URL + "/hook?token=secret", Secrets: secrets(r.t, secretText), Roots: roots, Timeout: 10 * time.Second}
}

// buried collects dead letters.
type buried chan deadletter.Letter

func (b buried) Put(_ context.Context, letters ...deadletter.Letter) error {
	for _, l := range letters {
		b <- l
	}
	return nil
}

// fleet is a store with a way to make events in it.
type fleet struct {
	store.Store
	t testing.TB
	n int
}

func newFleet(t testing.TB) *fleet { return &fleet{Store: collectortest.Store(t), t: t} }

// happen stores one event for each kind, of gateways gw-0, gw-1, ….
func (f *fleet) happen(kinds ...store.EventKind) {
	f.t.Helper()
	var es []store.Event
	for _, k := range kinds {
		es = append(es, store.Event{Kind: k, Gateway: fmt.Sprintf("gw-%d", f.n), At: time.Now().UTC()})
		f.n++
	}
	f.put(es...)
}

func (f *fleet) put(es ...store.Event) {
	f.t.Helper()
	err := f.Update(f.t.Context(), nil, func(tx store.Tx, _ map[string]*store.Gateway) error { return tx.Put(&store.Batch{Events: es}) })
	if err != nil {
		f.t.Fatal(err)
	}
}

func settings(s webhook.Store, hooks ...webhook.Hook) webhook.Settings {
	return webhook.Settings{Hooks: hooks, Store: s, Dead: make(buried, 100), Every: 5 * time.Millisecond, FirstPause: time.Millisecond, MostPause: 4 * time.Millisecond}
}

// start runs a sender until the test ends, or the returned function is called.
func start(t testing.TB, s webhook.Settings) (stop func()) {
	t.Helper()
	sender, err := webhook.New(s)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		sender.Run(ctx)
	}()
	stop = func() {
		cancel()
		<-ended
	}
	t.Cleanup(stop)
	return stop
}

// marked waits until a hook has noted its place, from which on events are its.
func marked(t testing.TB, s webhook.Store, hook string) {
	t.Helper()
	for end := time.Now().Add(natslinktest.Patience); time.Now().Before(end); time.Sleep(2 * time.Millisecond) {
		if n, err := s.Mark(t.Context(), "webhook:"+hook); err != nil {
			t.Fatal(err)
		} else if n > 0 {
			return
		}
	}
	t.Fatal("the hook never began")
}

func TestEvents(t *testing.T) {
	f, r := newFleet(t), newReceiver(t)
	f.happen(store.GatewayNew) // before the hook was there
	h := r.hook()
	h.Secrets = secrets(t, secretText+"\nwhsec_"+base64.StdEncoding.EncodeToString([]byte(strings.Repeat("n", 32)))+"\n")
	stop := start(t, settings(f, h))
	marked(t, f, "ops")
	at := time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)
	e := store.Event{Kind: store.FirmwareChanged, Gateway: "gw-7", Module: "usb:1-1", At: at, To: &store.Brief{ID: "usb:1-1", Firmware: "R2"}}
	f.put(e)
	f.happen(store.GatewaySilent, store.GatewayBack)
	got := r.wait(3)
	if d := cmp.Diff([]string{"gw-7/usb:1-1", "gw-1", "gw-2"}, subjects(got)); d != "" {
		t.Fatal(d)
	}
	g := got[0]
	var ce map[string]any
	if err := json.Unmarshal(g.body, &ce); err != nil {
		t.Fatal(err)
	}
	data := ce["data"].(map[string]any)
	identity, err := f.Identity(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for name, want := range map[string]any{"specversion": "1.0", "type": "rollcall.firmware-changed", "source": "urn:rollcall:collector:" + identity,
		"subject": "gw-7/usb:1-1", "time": "2026-11-22T12:00:00Z", "id": e.Key(), "datacontenttype": "application/json"} {
		if ce[name] != want {
			t.Errorf("%s is %v, want %v", name, ce[name], want)
		}
	}
	if data["kind"] != "firmware-changed" || data["schema"] != "rollcall.event/1" || data["to"].(map[string]any)["firmware"] != "R2" {
		t.Errorf("data: %v", data)
	}
	if g.header.Get("Content-Type") != "application/cloudevents+json; charset=utf-8" || g.header.Get("Webhook-Id") != e.Key() {
		t.Errorf("headers: %v", g.header)
	}
	verify(t, g, "01234567890123456789012345678901", 0)
	verify(t, g, strings.Repeat("n", 32), 1)
	stop()
	// The next start goes on where this one ended.
	f.happen(store.GatewayNew)
	start(t, settings(f, h))
	if got := r.wait(4); got[3].subject != "gw-3" || len(got) != 4 {
		t.Errorf("%q", subjects(got))
	}
}

// An event of a module that says megabytes comes short, under the same id.
func TestLongEvents(t *testing.T) {
	f, r := newFleet(t), newReceiver(t)
	h := r.hook()
	start(t, settings(f, h))
	marked(t, f, "ops")
	long := &store.Brief{ID: strings.Repeat("ä", 100_000), Firmware: strings.Repeat("<", 100_000)}
	e := store.Event{Kind: store.FindingOpened, Gateway: "gw-7", Module: long.ID, At: time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC), From: long, To: long,
		Text: long.ID, Finding: &store.FindingBrief{Key: "x", Severity: "high", Text: long.ID}}
	f.put(e)
	g := r.wait(1)[0]
	var ce webhook.CloudEvent
	if err := json.Unmarshal(g.body, &ce); err != nil {
		t.Fatal(err)
	}
	if len(g.body) > store.MostEventBytes || g.header.Get("Webhook-Id") != e.Key() || ce.ID != e.Key() || ce.Data.ID != e.Key() || ce.Data.From.Firmware[:3] != "<<<" {
		t.Errorf("%d bytes, id %s, want %s: %.300s", len(g.body), ce.ID, e.Key(), g.body)
	}
	if e := ce.Data.Event; strings.Contains(e.Text, "\ufffd") || !strings.HasSuffix(e.Module, "ä…") || e.Finding.Severity != "high" {
		t.Errorf("event: %+v", e)
	}
}

// verify is the receiver's side of Standard Webhooks, written apart.
func verify(t *testing.T, g received, secret string, nth int) {
	t.Helper()
	ts := g.header.Get("Webhook-Timestamp")
	n, err := strconv.ParseInt(ts, 10, 64)
	if err != nil || time.Since(time.Unix(n, 0)).Abs() > 5*time.Minute {
		t.Errorf("timestamp %q", ts)
	}
	m := hmac.New(sha256.New, []byte(secret))
	fmt.Fprintf(m, "%s.%s.%s", g.header.Get("Webhook-Id"), ts, g.body)
	parts := strings.Fields(g.header.Get("Webhook-Signature"))
	if nth >= len(parts) {
		t.Fatalf("signatures %q", parts)
	}
	version, sum, _ := strings.Cut(parts[nth], ",")
	if version != "v1" || sum != base64.StdEncoding.EncodeToString(m.Sum(nil)) {
		t.Errorf("signature %q does not verify", parts[nth])
	}
}

func TestFilter(t *testing.T) {
	f, r := newFleet(t), newReceiver(t)
	h := r.hook()
	h.Kinds, h.Severity = []store.EventKind{store.FindingOpened, store.GatewayNew}, policy.High
	start(t, settings(f, h))
	marked(t, f, "ops")
	finding := func(gateway, severity string) store.Event {
		return store.Event{Kind: store.FindingOpened, Gateway: gateway, At: time.Now().UTC(), Finding: &store.FindingBrief{Key: "a", Severity: severity}}
	}
	f.put(finding("low", "low"), finding("high", "high"), finding("critical", "critical"), finding("strange", "?"),
		store.Event{Kind: store.GatewaySilent, Gateway: "silent", At: time.Now().UTC()},
		store.Event{Kind: store.GatewayNew, Gateway: "new", At: time.Now().UTC(), Finding: &store.FindingBrief{Key: "a", Severity: "low"}})
	if d := cmp.Diff([]string{"high", "critical", "strange", "new"}, subjects(r.wait(4))); d != "" {
		t.Error(d)
	}
}

// A gateway whose first report holds findings is told to who wants findings, by its worst one.
func TestFindingsOfNewGateways(t *testing.T) {
	f, r := newFleet(t), newReceiver(t)
	h := r.hook()
	h.Kinds, h.Severity = []store.EventKind{store.FindingOpened}, policy.High
	start(t, settings(f, h))
	marked(t, f, "ops")
	event := func(gateway, severity string) store.Event {
		e := store.Event{Kind: store.GatewayNew, Gateway: gateway, At: time.Now().UTC()}
		if severity != "" {
			e.Finding = &store.FindingBrief{Key: "a", Severity: severity}
		}
		return e
	}
	f.put(event("nothing", ""), event("low", "low"), event("high", "high"), store.Event{Kind: store.GatewayBack, Gateway: "back", At: time.Now().UTC()}, event("critical", "critical"))
	got := r.wait(2)
	if d := cmp.Diff([]string{"high", "critical"}, subjects(got)); d != "" || got[0].kind != "rollcall.gateway-new" {
		t.Error(d, got[0].kind)
	}
}

// What cannot be verified is not talked to.
func TestStrangers(t *testing.T) {
	f, r := newFleet(t), newReceiver(t)
	other := newReceiver(t)
	wrong := r.hook()
	wrong.Roots = x509.NewCertPool()
	local := r.hook()
	local.Name, local.URL = "local", "https://169.254.169.254/latest"
	s := settings(f, wrong, local)
	var log strings.Builder
	var mu sync.Mutex
	s.Log = logTo(&mu, &log)
	stop := start(t, s)
	marked(t, f, "ops")
	marked(t, f, "local")
	f.happen(store.GatewayNew)
	for end := time.Now().Add(natslinktest.Patience); ; time.Sleep(5 * time.Millisecond) {
		mu.Lock()
		text := log.String()
		mu.Unlock()
		if strings.Contains(text, "link-local") && strings.Contains(text, "certificate") {
			break
		}
		if time.Now().After(end) {
			t.Fatalf("log: %s", text)
		}
	}
	stop()
	if strings.Contains(log.String(), "token=secret") || strings.Contains(log.String(), "MDEyMzQ1") {
		t.Errorf("a secret is in the log: %s", log.String())
	}
	if len(r.got) != 0 || len(other.got) != 0 {
		t.Error("sent to a stranger")
	}
}

func TestRefusedConfiguration(t *testing.T) {
	f, r := newFleet(t), newReceiver(t)
	for name, tt := range map[string]struct {
		change func(*webhook.Hook)
		want   string
	}{
		"name":      {func(h *webhook.Hook) { h.Name = "A b" }, "name"},
		"url":       {func(h *webhook.Hook) { h.URL = "ops.example" }, "url"},
		"scheme":    {func(h *webhook.Hook) { h.URL = "http://ops.example/" }, "allow_http"},
		"file":      {func(h *webhook.Hook) { h.URL = "file:///etc/passwd" }, "url"},
		"token":     {func(h *webhook.Hook) { h.URL = "https://u:s3cret@ops example/?t=s3cret" }, "url"},
		"user":      {func(h *webhook.Hook) { h.URL = "https://u:p@ops.example/" }, "user name or password"},
		"no secret": {func(h *webhook.Hook) { h.Secrets = nil }, "secret"},
		"kind":      {func(h *webhook.Hook) { h.Kinds = []store.EventKind{"nosuch"} }, `no event "nosuch"`},
		"timeout":   {func(h *webhook.Hook) { h.Timeout = time.Hour }, "timeout"},
	} {
		t.Run(name, func(t *testing.T) {
			h := r.hook()
			tt.change(&h)
			if _, err := webhook.New(settings(f, h)); err == nil || !strings.Contains(err.Error(), tt.want) || strings.Contains(err.Error(), "s3cret") {
				t.Errorf("got %v, want %q and no secret", err, tt.want)
			}
		})
	}
	if _, err := webhook.New(settings(f, r.hook(), r.hook())); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("got %v", err)
	}
	for _, text := range []string{"", "whsec_", "whsec_AAAA", "secret", "whsec_" + strings.Repeat("A", 200)} {
		if _, err := webhook.ParseSecrets([]byte(text)); err == nil {
			t.Errorf("secret %q is taken", text)
		}
	}
}
