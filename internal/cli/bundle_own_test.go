package cli_test

import (
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/rollcall-iot/rollcall/bundle"
	"github.com/rollcall-iot/rollcall/bundle/bundletest"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// ownSite is a collector with a bundle and files of the operator's own above it.
type ownSite struct {
	t                      *testing.T
	dir, rules, file, text string
}

func newOwnSite(t *testing.T, nats string) *ownSite {
	t.Helper()
	dir := t.TempDir()
	s := &ownSite{t: t, dir: dir, rules: filepath.Join(dir, "policy.d"), file: filepath.Join(dir, "b.tar")}
	if err := os.Mkdir(s.rules, 0o700); err != nil {
		t.Fatal(err)
	}
	s.text = fmt.Sprintf(`
nats: {urls: [%q]}
store: sqlite:%s/rollcall.db
state_dir: %s/state
listen: 127.0.0.1:0
fingerprints_dir: %s/none
policy_dir: %s
bundles: {bucket: ROLLCALL_KNOWLEDGE, file: %s, trust: [%s]}
`, nats, dir, dir, dir, s.rules, s.file, inventory.EncodeKey(bundletest.Public(1)))
	return s
}

// own writes the operator's files: an exception of a rule.
func (s *ownSite) own(rule string) {
	s.t.Helper()
	text := "policy: site\nexceptions:\n  - {id: e1, rule: " + rule + ", owner: Jane, reason: known, until: 2030-01-01}\n"
	if err := os.WriteFile(filepath.Join(s.rules, "site.yaml"), []byte(text), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

func (s *ownSite) bundle(version int64) {
	s.t.Helper()
	if err := os.WriteFile(s.file, bundletest.Make(s.t, version, 1, bundletest.Good(version)...), 0o600); err != nil {
		s.t.Fatal(err)
	}
}

// Files of one's own may speak of what only a bundle has: a collector that starts loads them over
// the bundle, from its file and from what was kept. Without any bundle they are refused.
func TestOwnFilesOverABundleAtTheStart(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	s := newOwnSite(t, broker.URL())
	s.own("a1") // a rule of the bundle
	path := filepath.Join(s.dir, "collector.yaml")
	if err := os.WriteFile(path, []byte(s.text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := rollcall(t, "collector", "--config", path); code != 2 || !strings.Contains(out, `there is no rule "a1"`) {
		t.Fatalf("without a bundle: exit status %d: %s", code, out)
	}
	s.bundle(7)
	for range 2 {
		t.Run("start", func(t *testing.T) {
			c := runCollector(t, s.text)
			if log := c.get("/api/v1/audit?action=change+rules"); !strings.Contains(log, "own+site") || strings.Count(log, `"no":`) != 1 {
				t.Errorf("the log says %s", log)
			}
			c.await("/metrics", "rollcall_bundle_version 7\n")
		})
		if err := os.Remove(s.file); err != nil && !os.IsNotExist(err) { // the next start has what was kept
			t.Fatal(err)
		}
	}
}

// A bundle that did not go with the operator's own files is tried again when these are read again.
func TestOwnFilesAreMended(t *testing.T) {
	hangups := make(chan os.Signal, 8) // the test program does not end by one
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	broker := natslinktest.Start(t, natslinktest.Settings{})
	if out, code := pushBundle(t, broker.URL(), 1, 2); code != 0 { // the bucket is there; nobody believes what is in it
		t.Fatalf("exit status %d: %s", code, out)
	}
	s := newOwnSite(t, broker.URL())
	s.bundle(3)
	s.own("a1")
	c := runCollector(t, s.text)
	c.await("/metrics", "rollcall_bundle_version 3\n")
	// The next bundle calls the rule otherwise, so that neither goes with the other's exception.
	path := filepath.Join(s.dir, "next.tar")
	rules := bundle.Content{Path: "rules/own.yaml", Data: []byte("policy: own\nrules:\n  - {id: a2, when: 'module.identity.model == \"A1\"', severity: medium, message: an A1}\n")}
	if err := os.WriteFile(path, bundletest.Make(t, 9, 1, rules), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := rollcall(t, "bundle", "push", path, "--nats-url", broker.URL(), "--replace"); code != 0 {
		t.Fatalf("exit status %d: %s", code, out)
	}
	c.await("/metrics", "rollcall_bundles_refused_total 2\n")
	s.own("a2")
	if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
	c.await("/metrics", "rollcall_bundle_version 9\n")
}
