package agentcli

import (
	"bytes"
	"context"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/internal/exit"
)

// refusal starts an agent that must not start, and gives what it says.
func refusal(t *testing.T, args ...string) (said string, code int) {
	t.Helper()
	t.Setenv("ROLLCALL_STARTED_AGAIN", strconv.Itoa(os.Getpid()))
	var errs bytes.Buffer
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second) // one that starts would run for ever
	defer cancel()
	code = Run(ctx, args, nil, &errs, &errs)
	if ctx.Err() != nil {
		t.Errorf("%q: the agent started", args)
	}
	return errs.String(), code
}

// TestE10: configuration, rules and keys that others can write are refused, with path and mode.
func TestE10(t *testing.T) {
	for name, mode := range map[string]os.FileMode{"agent.yaml": 0o666, "fingerprints.d/own.yaml": 0o646, "state/report.key": 0o620, "gw.nk": 0o604} {
		t.Run(name, func(t *testing.T) {
			dir := t.TempDir()
			path := filepath.Join(dir, name)
			config := filepath.Join(dir, "agent.yaml")
			write := func(file, text string) {
				t.Helper()
				if err := os.MkdirAll(filepath.Dir(file), 0o700); err != nil {
					t.Fatal(err)
				}
				if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
					t.Fatal(err)
				}
			}
			write(path, "")
			write(config, "gateway: {id: gw1}\nstate_dir: "+dir+"/state\nfingerprints_dir: "+dir+"/fingerprints.d\n"+
				map[bool]string{true: "nats: {nkey: " + path + "}\n"}[name == "gw.nk"])
			if err := os.Chmod(path, mode); err != nil {
				t.Fatal(err)
			}
			said, code := refusal(t, "--config", config)
			if code == exit.OK || !strings.Contains(said, path) || !strings.Contains(said, "0"+strconv.FormatUint(uint64(mode), 8)) {
				t.Errorf("exit status %d, %s; want a refusal with path and mode", code, said)
			}
		})
	}
}

// TestF08: a configuration that is wrong at the start ends it with status 2, the place and a hint. (What comes of one
// that is wrong at a reload, TestF08Reload tells.)
func TestF08(t *testing.T) {
	for text, want := range map[string]string{
		"scan:\n  interval: 1h\n heartbeat: 5m\n": "line 2",
		"scan:\n  intervall: 1h\n":                `:2: unknown key "scan.intervall"; did you mean scan.interval?`,
		"scan: {interval: soon}\n":                "scan.interval",
		"scan: {interval: 1s}\n":                  "scan.interval",
		"gateway: {id: a.b}\n":                    "gateway.id",
		"nats: {urls: ['http://broker:4222']}\n":  "nats.urls",
		"privacy: {imei: some}\n":                 "privacy.imei",
		"log: {level: loud}\n":                    "log.level",
	} {
		path := filepath.Join(t.TempDir(), "agent.yaml")
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		said, code := refusal(t, "--config", path, "--state-dir", t.TempDir())
		if code != exit.Usage || !strings.Contains(said, want) {
			t.Errorf("%q: exit status %d, %s; want %d and %q", text, code, said, exit.Usage, want)
		}
	}
}
