package configs

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/spf13/pflag"
	"go.yaml.in/yaml/v3"
)

func write(t *testing.T, text string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "c.yaml")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chmod(path, mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func agentFlags(t *testing.T, args ...string) *pflag.FlagSet {
	t.Helper()
	f := pflag.NewFlagSet("agent", pflag.ContinueOnError)
	f.String("gateway-id", "", "")
	f.StringArray("port", nil, "")
	f.StringSlice("nats-url", nil, "")
	f.String("state-dir", "", "")
	f.String("status-file", "", "")
	f.Duration("interval", 0, "")
	if err := f.Parse(args); err != nil {
		t.Fatal(err)
	}
	return f
}

// The examples document every option with its default: loading them changes nothing.
func TestExamplesAreTheDefaults(t *testing.T) {
	want, err := LoadAgent(Source{File: write(t, "{}", 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	got, err := LoadAgent(Source{File: write(t, string(AgentExample), 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(want, got); d != "" {
		t.Errorf("agent.yaml differs from the defaults (-default +example):\n%s", d)
	}
	wantC, err := LoadCollector(Source{File: write(t, "{}", 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	gotC, err := LoadCollector(Source{File: write(t, string(CollectorExample), 0o600)})
	if err != nil {
		t.Fatal(err)
	}
	if d := cmp.Diff(wantC, gotC); d != "" {
		t.Errorf("collector.yaml differs from the defaults (-default +example):\n%s", d)
	}
}

func TestExamplesNameEveryOptionAndFlag(t *testing.T) {
	for _, c := range []struct {
		name    string
		example []byte
		options []option
	}{{"agent.yaml", AgentExample, agentOptions()}, {"collector.yaml", CollectorExample, collectorOptions()}} {
		var tree map[string]any
		if err := yaml.Unmarshal(c.example, &tree); err != nil {
			t.Fatal(err)
		}
		for _, o := range c.options {
			if !has(tree, strings.Split(o.key, ".")) {
				t.Errorf("%s does not show option %s", c.name, o.key)
			}
			if o.flag != "" && !bytes.Contains(c.example, []byte("--"+o.flag)) {
				t.Errorf("%s does not name flag --%s of %s", c.name, o.flag, o.key)
			}
		}
	}
}

func has(tree map[string]any, path []string) bool {
	v, ok := tree[path[0]]
	if !ok || len(path) == 1 {
		return ok
	}
	sub, ok := v.(map[string]any)
	return ok && has(sub, path[1:])
}

func TestPrecedence(t *testing.T) {
	file := write(t, "gateway: {id: from-file, labels: {site: a}}\nstate_dir: /file\nscan: {interval: 2h}\n", 0o600)
	c, err := LoadAgent(Source{
		File:    file,
		Environ: []string{"ROLLCALL_STATE_DIR=/env", "ROLLCALL_SCAN_INTERVAL=3h", "ROLLCALL_NATS_URLS=nats://a:1, tls://b:2", "ROLLCALL_GATEWAY_LABELS=Site=b,rack=7", "HOME=/x"},
		Flags:   agentFlags(t, "--interval", "4h", "--port", "/dev/a", "--port", "/dev/b,c"),
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.Gateway.ID != "from-file" || c.StateDir != "/env" || c.Scan.Interval != 4*time.Hour {
		t.Errorf("got id %q, state_dir %q, interval %s; want file, environment and flag to win in that order", c.Gateway.ID, c.StateDir, c.Scan.Interval)
	}
	if d := cmp.Diff([]string{"nats://a:1", "tls://b:2"}, c.NATS.URLs); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff(map[string]string{"site": "b", "rack": "7"}, c.Gateway.Labels); d != "" {
		t.Error(d)
	}
	if d := cmp.Diff([]string{"/dev/a", "/dev/b,c"}, c.Scan.Ports); d != "" {
		t.Error(d)
	}
}

func TestRefused(t *testing.T) {
	for _, c := range []struct {
		name, file string
		mode       os.FileMode
		environ    []string
		want       string
	}{
		{name: "unknown key", file: "scan: {intervall: 1h}", want: `unknown key "scan.intervall"`},
		{name: "unknown top key", file: "gatway: {id: x}", want: `unknown key "gatway.id"`},
		{name: "unknown variable", file: "{}", environ: []string{"ROLLCALL_NATS_URL=nats://x:1"}, want: "ROLLCALL_NATS_URL is unknown"},
		{name: "exclusion with a slip", file: "deny: {paths: [dev/ttyUSB3]}", want: `deny.paths: "dev/ttyUSB3" is neither`},
		{name: "exclusion of half an id", file: "deny: {ids: ['2c7c']}", want: `deny.ids: "2c7c" is no id`},
		{name: "exclusion of a path as driver", file: "deny: {drivers: [/dev/ttyUSB3]}", want: "deny.drivers"},
		{name: "permission with a slip", file: "allow: {ids: ['2c7c:125']}", want: `allow.ids: "2c7c:125" is no id`},
		{name: "nothing asked at once", file: "scan: {parallel: 0}", want: "scan.parallel"},
		{name: "no YAML", file: "scan: [", want: "cannot read configuration"},
		{name: "duplicate key", file: "state_dir: /a\nstate_dir: /b", want: "cannot read configuration"},
		{name: "wrong type", file: "scan: {interval: [1]}", want: "interval"},
		{name: "bad duration", file: "scan: {interval: soon}", want: "interval"},
		{name: "short interval", file: "scan: {interval: 1s}", want: "scan.interval: 1s is shorter than 1m"},
		{name: "bad gateway id", file: "gateway: {id: 'a.b'}", want: `gateway id "a.b"`},
		{name: "bad scheme", file: "nats: {urls: ['http://x:1']}", want: "scheme of nats.urls"},
		{name: "secret in URL", file: "nats: {urls: ['nats://u:p@x:1']}", want: "nats.creds"},
		{name: "half a certificate", file: "nats: {cert: /a}", want: "go together"},
		{name: "joining beside credentials", file: "nats: {join: /a, creds: /b}", want: "nats.join stands beside"},
		{name: "metrics for everybody", file: "metrics_listen: '0.0.0.0:9099'", want: "metrics_listen"},
		{name: "metrics by a name", file: "metrics_listen: 'gateway:9099'", want: "metrics_listen"},
		{name: "privacy", file: "privacy: {imei: none}", want: "privacy.imei"},
		{name: "writable by all", file: "{}", mode: 0o666, want: "mode 0666"},
		{name: "bad label", file: "{}", environ: []string{"ROLLCALL_GATEWAY_LABELS=site"}, want: "name=value"},
	} {
		t.Run(c.name, func(t *testing.T) {
			if c.mode == 0 {
				c.mode = 0o600
			}
			_, err := LoadAgent(Source{File: write(t, c.file, c.mode), Environ: c.environ})
			if err == nil || !strings.Contains(err.Error(), c.want) {
				t.Errorf("got error %v, want one with %q", err, c.want)
			}
		})
	}
}

// An error names the place of the mistake and what was meant.
func TestMistakesAreFound(t *testing.T) {
	for _, c := range []struct{ file, environ, flag, want string }{
		{file: "log:\n  level: info\n\nscan: {Intervall: 1h}", want: `configuration FILE:4: unknown key "scan.intervall"; did you mean scan.interval?`},
		{file: "interval: 1h", want: `configuration FILE:1: unknown key "interval"; did you mean scan.interval?`},
		{file: "colour: red", want: `configuration FILE:1: unknown key "colour"; known are allow.drivers, allow.ids`},
		{file: "b: 1\na: 1", want: `configuration FILE:1: unknown key "b"`},
		{file: "scan:\n  timeout: 1ms", want: "configuration FILE:2: scan.timeout: 1ms is shorter than 1s"},
		{file: "heartbeat: banana", want: `configuration FILE:1: heartbeat: "banana" is not a time such as 90s, 5m or 6h`},
		{file: "scan:\n  parallel: many", want: `configuration FILE:2: scan.parallel: "many" is not a whole number`},
		{file: "scan:\n  baud: [9600, fast]", want: "configuration FILE:2: scan.baud[1]"},
		{file: "[a]", want: "cannot unmarshal"},
		{file: "scan: {timeout: 5s}", environ: "ROLLCALL_SCAN_TIMEOUT=1ms", want: "environment variable ROLLCALL_SCAN_TIMEOUT: scan.timeout: 1ms"},
		{file: "{}", environ: "ROLLCALL_INTERVAL=1h", want: "environment variable ROLLCALL_INTERVAL is unknown; did you mean ROLLCALL_SCAN_INTERVAL?"},
		{file: "{}", environ: "ROLLCALL_STATEDIR=/x", want: "did you mean ROLLCALL_STATE_DIR?"},
		{file: "scan: {interval: 1h}", environ: "ROLLCALL_SCAN_INTERVAL=2h", flag: "1s", want: "flag --interval: scan.interval: 1s is shorter"},
	} {
		path := write(t, c.file, 0o600)
		s := Source{File: path, Environ: []string{c.environ}}
		if c.flag != "" {
			s.Flags = agentFlags(t, "--interval", c.flag)
		}
		_, err := LoadAgent(s)
		if want := strings.ReplaceAll(c.want, "FILE", path); err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "\n") {
			t.Errorf("%q, %s: got %v, want %s", c.file, c.environ, err, want)
		}
	}
}

func TestCollectorRefused(t *testing.T) {
	for file, want := range map[string]string{
		"store: mysql:x":         "store:",
		"listen: nowhere":        "listen:",
		"keys: all":              "keys:",
		"gateway: {id: x}":       `unknown key "gateway.id"`,
		"log: {level: loud}":     "log.level",
		"nats: {urls: []}":       "nats.urls is empty",
		"allow_open_listen: may": "allow_open_listen",
	} {
		if _, err := LoadCollector(Source{File: write(t, file, 0o600)}); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%s: got error %v, want one with %q", file, err, want)
		}
	}
}

func TestMissingFile(t *testing.T) {
	if _, err := LoadAgent(Source{File: filepath.Join(t.TempDir(), "none.yaml")}); err == nil {
		t.Error("a file that was named and is not there must be an error")
	}
}

func TestBothProgramsShareAnEnvironment(t *testing.T) {
	environ := []string{"ROLLCALL_STORE=sqlite:/x.db", "ROLLCALL_HEARTBEAT=1m", "ROLLCALL_SERVER=http://127.0.0.1:1"}
	if _, err := LoadAgent(Source{File: write(t, "{}", 0o600), Environ: environ}); err != nil {
		t.Error(err)
	}
	c, err := LoadCollector(Source{File: write(t, "{}", 0o600), Environ: environ})
	if err != nil {
		t.Fatal(err)
	}
	if c.Store != "sqlite:/x.db" {
		t.Errorf("store is %q", c.Store)
	}
}

func TestSilentAfter(t *testing.T) {
	c, err := LoadCollector(Source{File: write(t, "silent_after: 3h", 0o600)})
	if err != nil || c.SilentAfter != 3*time.Hour {
		t.Errorf("got %v, %v", c, err)
	}
	if _, err := LoadCollector(Source{File: write(t, "silent_after: 5s", 0o600)}); err == nil || !strings.Contains(err.Error(), "silent_after: 5s is shorter than 1m") {
		t.Errorf("got %v", err)
	}
}
