package cli_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"

	"github.com/rollcall-iot/rollcall/collector/api"
	"github.com/rollcall-iot/rollcall/collector/fleet"
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/hbom/hbomtest"
	"github.com/rollcall-iot/rollcall/internal/cli"
	"github.com/rollcall-iot/rollcall/inventory"
)

// collector answers as a collector does, about gateways with one module each. It gives one of
// its modules twice, and counts how often it is asked for modules.
func collector(t *testing.T, gateways, silent int) (url string, asked *atomic.Int64) {
	t.Helper()
	asked = new(atomic.Int64)
	id := func(i int) string { return fmt.Sprintf("gw-%04d", i) }
	module := func(i int) store.Module {
		m := store.Module{ModuleKey: store.ModuleKey{Gateway: id(i), ID: "usb:1-1"}, State: inventory.StateIdentified, Confidence: 0.9}
		m.Identity.Maker, m.Identity.MakerName, m.Identity.Model, m.Origin.Country = "telit", "Telit", "LE910", "GB"
		m.Conflicted = i == 1
		return m
	}
	mux := http.NewServeMux()
	list := func(r *http.Request, n int, item func(int) any) any {
		limit, _ := strconv.Atoi(r.URL.Query().Get("limit"))
		first, _ := strconv.Atoi(r.URL.Query().Get("cursor"))
		l := api.List[any]{Items: []any{}}
		for i := first; i < min(first+limit, n); i++ {
			l.Items = append(l.Items, item(i))
		}
		if first+limit < n {
			l.Next = strconv.Itoa(first + limit)
		}
		return l
	}
	answer := func(pattern string, f func(*http.Request) any) {
		mux.HandleFunc(pattern, func(w http.ResponseWriter, r *http.Request) {
			v := f(r)
			if v == nil {
				w.WriteHeader(http.StatusNotFound)
				v = api.Problem{Status: http.StatusNotFound, Error: "not found"}
			}
			_ = json.NewEncoder(w).Encode(v)
		})
	}
	mux.HandleFunc("/api/v1/export/modules", func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Query().Get("evidence") != "true" || r.URL.Query().Get("sort") != "gateway" {
			w.WriteHeader(http.StatusBadRequest)
			return
		}
		out := json.NewEncoder(w)
		line := func(i int) {
			_ = out.Encode(fleet.Module{Module: module(i), Evidence: []inventory.Evidence{{Claim: "model", Value: "LE910", Source: "at:ATI", Quote: "LE910", Rule: "x"}}})
		}
		if g := r.URL.Query().Get("gateway"); g != "" {
			i, _ := strconv.Atoi(strings.TrimPrefix(g, "gw-"))
			line(i)
			_ = out.Encode(api.ExportEnd{Modules: 1})
			return
		}
		for i := range gateways {
			line(i)
			if i == 7 {
				line(i) // again
			}
		}
		_ = out.Encode(api.ExportEnd{Modules: gateways + 1})
	})
	answer("/api/v1/gateways", func(r *http.Request) any {
		return list(r, gateways+silent, func(i int) any {
			return api.GatewayItem{Gateway: store.Gateway{Gateway: inventory.Gateway{ID: id(i), Labels: map[string]string{"site": "depot"}}}}
		})
	})
	answer("/api/v1/gateways/{id}", func(r *http.Request) any {
		return api.GatewayItem{Gateway: store.Gateway{Gateway: inventory.Gateway{ID: r.PathValue("id"), Labels: map[string]string{"site": "depot"}}}}
	})
	s := httptest.NewServer(mux)
	t.Cleanup(s.Close)
	return s.URL, asked
}

// A fleet that is not held in memory: every module once, in order, with its evidence.
func TestHBOMOfManyModules(t *testing.T) {
	const gateways = 2600
	url, asked := collector(t, gateways, 3)
	doc := run(t, 0, "hbom", "--server", url, "--name", "all of it")
	var bom struct {
		SerialNumber string
		Components   []struct {
			Name       string
			Properties []struct{ Name, Value string }
			Components []struct{ Evidence *struct{ Identity []any } }
		}
	}
	if err := json.Unmarshal([]byte(doc), &bom); err != nil {
		t.Fatal(err)
	}
	if len(bom.Components) != gateways || bom.SerialNumber == "" {
		t.Fatalf("%d gateways and serial number %q", len(bom.Components), bom.SerialNumber)
	}
	for i, c := range bom.Components {
		if want := fmt.Sprintf("gw-%04d", i); c.Name != want || len(c.Components) != 1 || c.Components[0].Evidence == nil || c.Properties[0].Value != "site=depot" {
			t.Fatalf("component %d: %+v", i, c)
		}
	}
	if n := asked.Load(); n != 1 {
		t.Errorf("modules were asked for %d times, want one stream", n)
	}
	rows := run(t, 0, "hbom", "--server", url, "-o", "csv")
	if n := strings.Count(rows, "\r\n"); n != gateways+1 {
		t.Errorf("%d rows", n)
	}
}

func TestFleetOfACollector(t *testing.T) {
	url, asked := collector(t, 30, 3)
	out := run(t, 0, "policy", "check", "--server", url)
	for _, want := range []string{"30 modules in 33 gateways", "evidence disagrees: identity: sources disagree", "gw-0001  telit LE910  usb:1-1"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in\n%s", want, out)
		}
	}
	asked.Store(0)
	out = run(t, 0, "policy", "diff", "--server", url, "--gateway", "gw-0007", "--name", "telit=dod-1260h")
	if !strings.Contains(out, "1 of 1 module would be judged otherwise") || asked.Load() != 1 {
		t.Errorf("modules were asked for %d times:\n%s", asked.Load(), out)
	}
	for schema, format := range map[string]string{hbomtest.CycloneDX16: "cyclonedx-1.6", hbomtest.CycloneDX17: "cyclonedx", hbomtest.SPDX: "spdx"} {
		if err := hbomtest.Validate(schema, []byte(run(t, 0, "hbom", "--server", url, "-o", format))); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	if rows := run(t, 0, "hbom", "--server", url, "--module", "usb:1-1", "--gateway", "gw-0003", "-o", "csv"); strings.Count(rows, "\r\n") != 2 {
		t.Errorf("not the one module that was named:\n%s", rows)
	}
}

// What a collector answers with is told in words, and half a fleet is no fleet.
func TestCollectorFails(t *testing.T) {
	for name, tt := range map[string]struct {
		status     int
		body, want string
	}{
		"an error":       {500, `{"status":500,"error":"the collector could not answer; its log says why"}`, "the collector says: the collector could not answer"},
		"a proxy's page": {502, "<html>", "the collector answers 502"},
		"no collector":   {200, "<html>", "is it a Rollcall collector?"},
		"other version":  {200, `{"items":[{"gateway":1}],"next":""}`, "is it of another version?"},
		"wrong question": {400, `{"status":400,"error":"parameter maker: x"}`, "parameter maker"},
	} {
		t.Run(name, func(t *testing.T) {
			s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
				w.WriteHeader(tt.status)
				_, _ = w.Write([]byte(tt.body))
			}))
			defer s.Close()
			for _, args := range [][]string{{"hbom"}, {"policy", "check"}, {"policy", "diff", "--name", "telit=dod-1260h"}} {
				var stdout, stderr bytes.Buffer
				code := cli.Run(t.Context(), append(args, "--server", s.URL), strings.NewReader(""), &stdout, &stderr)
				if code == 0 || !strings.Contains(stderr.String(), tt.want) || stdout.Len() > 0 {
					t.Errorf("%v: exit status %d, %q, %q", args, code, stdout.String(), stderr.String())
				}
			}
		})
	}
}

// A stream that was cut off, or that says that it was, is no fleet.
func TestHalfAFleet(t *testing.T) {
	module := `{"gateway":"gw-1","id":"usb:1-1","state":"identified"}` + "\n"
	for name, tt := range map[string]struct{ body, want string }{
		"cut off":         {module, "cut off"},
		"cut in a line":   {module + `{"gateway":"gw-2","id`, "is it of another version?"},
		"ended early":     {module + `{"next":"abc","modules":1,"error":"the disk is gone"}`, "the disk is gone"},
		"a line too long": {module + `{"gateway":"` + strings.Repeat("x", 5<<20), "cut off"},
	} {
		mux := http.NewServeMux()
		mux.HandleFunc("/api/v1/gateways", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, `{"items":[],"next":""}`) })
		mux.HandleFunc("/api/v1/export/modules", func(w http.ResponseWriter, _ *http.Request) { _, _ = io.WriteString(w, tt.body) })
		s := httptest.NewServer(mux)
		var stdout, stderr bytes.Buffer
		code := cli.Run(t.Context(), []string{"policy", "check", "--server", s.URL}, strings.NewReader(""), &stdout, &stderr)
		if code != 1 || !strings.Contains(stderr.String(), tt.want) {
			t.Errorf("%s: exit status %d, %q, %q", name, code, stdout.String(), stderr.String())
		}
		s.Close()
	}
}

// Over TLS, with a token of a file, and patience where there is too much to do.
func TestClientAndToken(t *testing.T) {
	busy := new(atomic.Int64)
	s := httptest.NewTLSServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.Header.Get("Authorization") != "Bearer rollcall_right" {
			w.WriteHeader(http.StatusUnauthorized)
			_, _ = io.WriteString(w, `{"status":401,"error":"log in"}`)
			return
		}
		if busy.Add(1) == 1 {
			w.Header().Set("Retry-After", "1")
			w.WriteHeader(http.StatusTooManyRequests)
			return
		}
		_, _ = io.WriteString(w, `{"items":[{"gateway":"gw-1","id":"usb:1-1"}],"next":""}`)
	}))
	defer s.Close()
	dir := t.TempDir()
	ca, right, wrong := filepath.Join(dir, "ca.pem"), filepath.Join(dir, "right"), filepath.Join(dir, "wrong")
	for path, b := range map[string][]byte{ca: pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: s.Certificate().Raw}), right: []byte("rollcall_right\n"), wrong: []byte("rollcall_wrong\n")} {
		if err := os.WriteFile(path, b, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	for _, c := range []struct {
		args []string
		code int
		want string
	}{
		{[]string{"--ca", ca, "--token-file", right}, 0, "gw-1"},
		{[]string{"--ca", ca, "--token-file", wrong}, 1, "the collector wants a token"},
		{[]string{"--ca", ca}, 1, "--token-file or ROLLCALL_TOKEN"},
		{[]string{"--token-file", right}, 1, "certificate"},
	} {
		var stdout, stderr bytes.Buffer
		code := cli.Run(t.Context(), append([]string{"fleet", "modules", "--server", s.URL}, c.args...), strings.NewReader(""), &stdout, &stderr)
		if code != c.code || !strings.Contains(stdout.String()+stderr.String(), c.want) || strings.Contains(stderr.String(), "rollcall_") {
			t.Errorf("%v: exit status %d, %q, %q", c.args, code, stdout.String(), stderr.String())
		}
	}
	if busy.Load() != 2 {
		t.Errorf("asked %d times, want again after 429", busy.Load())
	}
}

// The same of a collector that runs, with modules that are simulated.
func TestPolicyAndHBOMOfARunningCollector(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	dir := t.TempDir()
	out, in := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		var stderr bytes.Buffer
		ended <- cli.Run(ctx, []string{"up", "--simulate", "3", "--data-dir", dir, "--listen", "127.0.0.1:0", "--nats-listen", "127.0.0.1:0"},
			strings.NewReader(""), in, &stderr)
		_ = in.CloseWithError(fmt.Errorf("up ended: %s", stderr.String()))
	}()
	defer func() {
		cancel()
		<-ended
	}()
	url := ""
	lines := bufio.NewScanner(out)
	for url == "" && lines.Scan() {
		if f := strings.Fields(lines.Text()); len(f) == 2 && f[0] == "pages" {
			url = f[1]
		}
	}
	if url == "" {
		t.Fatalf("up did not say where it is: %v", lines.Err())
	}
	go func() { _, _ = io.Copy(io.Discard, out) }()
	waitFor(t, func() bool {
		var stdout bytes.Buffer
		return cli.Run(t.Context(), []string{"policy", "check", "--server", url}, strings.NewReader(""), &stdout, io.Discard) == 0 &&
			strings.HasPrefix(stdout.String(), "3 modules in ")
	})
	for schema, format := range map[string]string{hbomtest.CycloneDX16: "cyclonedx-1.6", hbomtest.CycloneDX17: "cyclonedx", hbomtest.SPDX: "spdx"} {
		doc := run(t, 0, "hbom", "--server", url, "-o", format)
		if err := hbomtest.Validate(schema, []byte(doc)); err != nil {
			t.Errorf("%s: %v", format, err)
		}
		if !strings.Contains(doc, "at:ATI") || !strings.Contains(doc, "simulated=true") {
			t.Errorf("%s has neither evidence nor labels", format)
		}
	}
	if out := run(t, 0, "hbom", "--server", url, "--gateway", "sim-0002", "-o", "csv"); strings.Count(out, "\r\n") != 2 {
		t.Errorf("not one module:\n%s", out)
	}
	findingsAndScan(t, url)
	searches(t, url)
}

// searches asks for words of gateways and modules, and for what was not believed.
func searches(t *testing.T, url string) {
	t.Helper()
	ask := func(args ...string) string {
		return run(t, 0, append([]string{"fleet", args[0], "--server", url, "-o", "csv"}, args[1:]...)...)
	}
	waitFor(t, func() bool { return strings.Count(ask("gateways", "-q", "simulated=true"), "sim-000") == 3 })
	for _, c := range []struct {
		want int
		args []string
	}{
		{1, []string{"gateways", "--search", "SIM 0002"}}, {1, []string{"gateways", "--q", "0002"}}, {0, []string{"gateways", "-q", "im-0002"}},
		{1, []string{"gateways", "-q", "sim", "-q", "0002"}}, {3, []string{"modules", "-q", "sim"}}, {1, []string{"modules", "--search", "simulated=true 0003"}},
		{0, []string{"modules", "-q", "\" OR sim*)"}}, {0, []string{"findings", "-q", "nothing of that kind"}},
	} {
		if out := ask(c.args...); strings.Count(out, "\nsim-000") != c.want {
			t.Errorf("%q: want %d lines:\n%s", c.args, c.want, out)
		}
	}
	if out := run(t, 0, "fleet", "rejected", "--server", url, "-o", "json"); strings.TrimSpace(out) != "[]" {
		t.Errorf("rejected: %s", out)
	}
	if out := ask("rejected"); out != "time,reason,gateway,what,bytes,subject\n" {
		t.Errorf("rejected: %q", out)
	}
}

// findingsAndScan asks the running collector what it found, and gateways to look again.
func findingsAndScan(t *testing.T, url string) {
	t.Helper()
	waitFor(t, func() bool { return strings.Contains(run(t, 0, "fleet", "findings", "--server", url), "sim-000") })
	all := run(t, 0, "fleet", "findings", "--server", url, "-o", "csv")
	if !strings.HasPrefix(all, "severity,gateway,what,since,rule,module\n") {
		t.Errorf("findings:\n%s", all)
	}
	severity, _, _ := strings.Cut(strings.SplitN(all, "\n", 3)[1], ",")
	run(t, 3, "fleet", "findings", "--server", url, "--fail-on", severity)
	run(t, 0, "fleet", "findings", "--server", url, "--fail-on", severity, "--gateway", "nobody")
	run(t, 0, "fleet", "findings", "--server", url, "--fail-on", "info", "--covered", "yes")
	run(t, 2, "fleet", "findings", "--server", url, "--fail-on", "huge")
	run(t, 2, "fleet", "findings", "--server", url, "--severity", "huge")

	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	ended := make(chan int, 1)
	go func() {
		ended <- cli.Run(ctx, []string{"fleet", "events", "--server", url, "--watch", "--every", "1s", "-o", "json"}, strings.NewReader(""), w, io.Discard)
		_ = w.Close()
	}()
	go func() { _, _ = io.Copy(io.Discard, r) }()
	if out := run(t, 0, "fleet", "scan", "sim-0001", "--server", url); out != "sim-0001 was asked\n" {
		t.Errorf("scan: %q", out)
	}
	run(t, 1, "fleet", "scan", "nobody", "--server", url)
	cancel()
	if code := <-ended; code != 0 {
		t.Errorf("a watch that was ended ends with %d", code)
	}
}

// Bills of materials of everything that was ever captured are valid.
func TestHBOMOfTheCorpus(t *testing.T) {
	files, err := filepath.Glob("../../fingerprint/testdata/corpus/*.jsonl")
	if err != nil || len(files) == 0 {
		t.Fatalf("no corpus: %v", err)
	}
	path := filepath.Join(t.TempDir(), "modules.jsonl")
	var modules strings.Builder
	for _, f := range files {
		modules.WriteString(run(t, 0, "identify", "--from", f, "-o", "json"))
	}
	if err := os.WriteFile(path, []byte(modules.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	for schema, format := range map[string]string{hbomtest.CycloneDX16: "cyclonedx-1.6", hbomtest.CycloneDX17: "cyclonedx", hbomtest.SPDX: "spdx"} {
		doc := run(t, 0, "hbom", path, "-o", format)
		if err := hbomtest.Validate(schema, []byte(doc)); err != nil {
			t.Errorf("%s: %v", format, err)
		}
	}
	out := run(t, 0, "policy", "check", path, "-o", "csv")
	if strings.Contains(out, "could not be judged") {
		t.Error("a rule could not be judged on a real capture")
	}
}
