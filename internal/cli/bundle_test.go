package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/bundle/bundletest"
	"github.com/rollcall-iot/rollcall/collector/collectortest"
	"github.com/rollcall-iot/rollcall/internal/cli"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// running is `rollcall collector` with a configuration of its own.
type running struct {
	t   *testing.T
	url string
}

func runCollector(t *testing.T, config string) *running {
	t.Helper()
	path := filepath.Join(t.TempDir(), "collector.yaml")
	if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	out, w := io.Pipe()
	var log bytes.Buffer
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"collector", "--config", path}, strings.NewReader(""), w, &log)
		_ = w.Close()
	}()
	t.Cleanup(func() {
		cancel()
		if code := <-ended; code != 0 || t.Failed() {
			t.Errorf("exit status %d: %s", code, log.String())
		}
	})
	line, err := bufio.NewReader(out).ReadString('\n')
	_, url, ok := strings.Cut(strings.TrimSuffix(strings.TrimSpace(line), "/"), "pages at ")
	if err != nil || !ok {
		t.Fatalf("the collector says %q: %v", line, err)
	}
	return &running{t, url}
}

func (r *running) get(path string) string {
	r.t.Helper()
	answer, err := http.Get(r.url + path)
	if err != nil {
		r.t.Fatal(err)
	}
	defer answer.Body.Close()
	b, err := io.ReadAll(answer.Body)
	if err != nil || answer.StatusCode != http.StatusOK {
		r.t.Fatalf("%s: %s, %v: %s", path, answer.Status, err, b)
	}
	return string(b)
}

// await waits until a page holds a text.
func (r *running) await(path, text string) {
	r.t.Helper()
	got := ""
	for end := time.Now().Add(2 * natslinktest.Patience); time.Now().Before(end); time.Sleep(50 * time.Millisecond) {
		if got = r.get(path); strings.Contains(got, text) {
			return
		}
	}
	r.t.Fatalf("%s never holds %q:\n%s", path, text, got)
}

func rollcall(t *testing.T, args ...string) (string, int) {
	t.Helper()
	var out, errs bytes.Buffer
	code := cli.Run(context.Background(), args, strings.NewReader(""), &out, &errs)
	return out.String() + errs.String(), code
}

// pushBundle makes a bundle and runs rollcall bundle push.
func pushBundle(t *testing.T, nats string, version int64, key byte, more ...string) (string, int) {
	t.Helper()
	path := filepath.Join(t.TempDir(), "b.tar")
	if err := os.WriteFile(path, bundletest.Make(t, version, key, bundletest.Good(version)...), 0o600); err != nil {
		t.Fatal(err)
	}
	return rollcall(t, append([]string{"bundle", "push", path, "--nats-url", nats}, more...)...)
}

// listener is a receiver of webhooks, and where its secret is.
func listener(t *testing.T) (url, secret string, told chan string) {
	t.Helper()
	told = make(chan string, 1000)
	receiver := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		var e struct{ Type, Subject string }
		if err := json.NewDecoder(r.Body).Decode(&e); err == nil {
			told <- e.Type + " " + e.Subject
		}
	}))
	t.Cleanup(receiver.Close)
	secret = filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	return receiver.URL, secret, told
}

// Two collectors, each with its own store, watch a bucket. A bundle that is pushed is in use
// in both while they run, judges again what is stored, and is told to a webhook; an older one
// and one by another key change nothing.
func TestBundleReachesCollectors(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	url, secret, told := listener(t)
	dir := t.TempDir()
	push := func(version int64, key byte, more ...string) (string, int) {
		return pushBundle(t, broker.URL(), version, key, more...)
	}
	if out, code := push(1, 1); code != 0 { // the bucket is there
		t.Fatalf("exit status %d: %s", code, out)
	}
	var collectors []*running
	for i := range 2 {
		collectors = append(collectors, runCollector(t, fmt.Sprintf(`
nats: {urls: [%q]}
store: sqlite:%s/%d/rollcall.db
state_dir: %s/%d
listen: 127.0.0.1:0
fingerprints_dir: %s/none
policy_dir: %s/none
bundles: {bucket: ROLLCALL_KNOWLEDGE, trust: [%s]}
webhooks: [{name: ops, url: %q, secret_file: %s, allow_http: true, kinds: [judged-anew]}]
`, broker.URL(), dir, i, dir, i, dir, dir, inventory.EncodeKey(bundletest.Public(1)), url, secret)))
	}
	js := broker.JetStream(natslinktest.User{})
	m := inventory.Module{ID: "usb:1-1", State: inventory.StatePartial, Transcript: []inventory.Exchange{{Cmd: "AT+CGMM", Lines: []string{"AM-7"}, Final: "OK"}}}
	if _, err := js.PublishMsg(t.Context(), natslink.ToMsg(collectortest.NewGateway("gw-1").Report(t, m))); err != nil {
		t.Fatal(err)
	}
	for _, c := range collectors {
		c.await("/api/v1/audit?action=change+rules", `"via":"program"`)
		c.await("/api/v1/modules", `"gw-1"`)
		if strings.Contains(c.get("/api/v1/modules"), `"quectel"`) {
			t.Error("known before the bundle came")
		}
	}
	if out, code := push(7, 1); code != 0 || !strings.Contains(out, "published in bucket ROLLCALL_KNOWLEDGE") {
		t.Fatalf("exit status %d: %s", code, out)
	}
	for _, c := range collectors {
		c.await("/api/v1/modules", `"quectel"`)
		c.await("/metrics", "rollcall_bundle_version 7\n")
		select {
		case got := <-told:
			if got != "rollcall.judged-anew gw-1/usb:1-1" {
				t.Errorf("the webhook heard %q", got)
			}
		case <-time.After(natslinktest.Patience):
			t.Fatal("the webhook heard nothing")
		}
	}
	if out, code := push(6, 1); code != 1 || !strings.Contains(out, "not newer than what is in use there") {
		t.Errorf("exit status %d: %s", code, out)
	}
	if out, code := push(6, 1, "--replace"); code != 0 {
		t.Errorf("exit status %d: %s", code, out)
	}
	for _, c := range collectors {
		c.await("/metrics", "rollcall_bundles_refused_total 1\n")
	}
	if out, code := push(9, 2); code != 0 {
		t.Errorf("exit status %d: %s", code, out)
	}
	for _, c := range collectors {
		c.await("/metrics", "rollcall_bundles_refused_total 2\n")
		if !strings.Contains(c.get("/metrics"), "rollcall_bundle_version 7\n") {
			t.Error("another version is in use")
		}
	}
}

// A bundle that no broker takes is told so, and why.
func TestBundleWithoutBroker(t *testing.T) {
	if out, code := pushBundle(t, "nats://127.0.0.1:1", 1, 1); code != 1 || !strings.Contains(out, "no connection to NATS at nats://127.0.0.1:1") || strings.Contains(out, "buffer") {
		t.Errorf("exit status %d: %s", code, out)
	}
}

// What is wrong in the configuration of bundles and webhooks is wrong usage, said at the start.
func TestCollectorRefusesConfiguration(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	dir := t.TempDir()
	open := filepath.Join(dir, "open")
	if err := os.WriteFile(open, []byte("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(open, 0o644); err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string]string{
		"bundles: {file: /b.tar, trust: [nosuch]}":                                                                 "bundles.trust: cannot use the key",
		"webhooks: [{name: ops, url: 'https://ops.example/'}]":                                                     `webhook "ops": secret_file`,
		"webhooks: [{name: ops, url: 'https://ops.example/', secret_file: /nosuch}]":                               `webhook "ops": secret_file`,
		"webhooks: [{name: ops, url: 'https://ops.example/', secret_file: " + open + "}]":                          "everybody may read",
		"webhooks: [{name: ops, url: 'https://ops.example/', severity: huge}]":                                     `"huge"`,
		"webhooks: [{name: ops, url: 'https://ops.example/', ca: " + open + "}]":                                   "no certificate",
		"webhooks: [{name: ops, url: 'https://ops.example/', kinds: [nosuch], secret_file: " + open + ".strict }]": `there is no event "nosuch"`,
	} {
		if strings.Contains(text, ".strict") {
			if err := os.WriteFile(open+".strict", []byte("whsec_"+base64.StdEncoding.EncodeToString(make([]byte, 32))), 0o600); err != nil {
				t.Fatal(err)
			}
		}
		path := filepath.Join(dir, "collector.yaml")
		config := fmt.Sprintf("nats: {urls: [%q]}\nstore: sqlite:%s/rollcall.db\nstate_dir: %s\nlisten: 127.0.0.1:0\n%s\n", broker.URL(), dir, dir, text)
		if err := os.WriteFile(path, []byte(config), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, code := rollcall(t, "collector", "--config", path); code != 2 || !strings.Contains(out, want) {
			t.Errorf("%s: exit status %d, %q; want %q", text, code, out, want)
		}
	}
}
