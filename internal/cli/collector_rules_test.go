package cli_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/rollcall-iot/rollcall/bundle/bundletest"
	program "github.com/rollcall-iot/rollcall/collector" // collector is a double here
	"github.com/rollcall-iot/rollcall/collector/store"
	"github.com/rollcall-iot/rollcall/inventory"
	"github.com/rollcall-iot/rollcall/transport/natslink/natslinktest"
)

// Whoever changes the rules that a fleet is judged by stands in the log of who did what: with files
// at a start and while the collector runs, and with a bundle. What changes nothing does not.
func TestChangedRulesAreInTheLog(t *testing.T) {
	hangups := make(chan os.Signal, 8) // the test program does not end by one
	signal.Notify(hangups, syscall.SIGHUP)
	defer signal.Stop(hangups)
	broker := natslinktest.Start(t, natslinktest.Settings{})
	dir := t.TempDir()
	rules := filepath.Join(dir, "policy.d")
	write := func(name, id string) {
		text := "policy: " + id + "\nrules:\n  - {id: " + id + ", when: 'module.state == \"held\"', severity: low, message: held}\n"
		if err := os.WriteFile(filepath.Join(rules, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	if err := os.Mkdir(rules, 0o700); err != nil {
		t.Fatal(err)
	}
	write("a.yaml", "first")
	c := runCollector(t, fmt.Sprintf(`
nats: {urls: [%q]}
store: sqlite:%s/rollcall.db
state_dir: %s
listen: 127.0.0.1:0
fingerprints_dir: %s/none
policy_dir: %s
bundles: {bucket: ROLLCALL_KNOWLEDGE, trust: [%s]}
`, broker.URL(), dir, dir, dir, rules, inventory.EncodeKey(bundletest.Public(1))))
	log := func(most int) []store.Audit {
		t.Helper()
		var l struct{ Items []store.Audit }
		for end := time.Now().Add(2 * natslinktest.Patience); ; time.Sleep(50 * time.Millisecond) {
			if err := json.Unmarshal([]byte(c.get("/api/v1/audit?action=change+rules")), &l); err != nil {
				t.Fatal(err)
			}
			if len(l.Items) >= most || time.Now().After(end) {
				break
			}
		}
		if len(l.Items) != most {
			t.Fatalf("%d entries, want %d: %+v", len(l.Items), most, l.Items)
		}
		return l.Items
	}
	if a := log(1)[0]; a.Who == "" || a.Via != "files" || a.From == "" || !strings.Contains(a.Object, "starter+first") || !strings.Contains(a.Result, "started; last changed: "+rules) {
		t.Errorf("at the start: %+v", a)
	}
	hup := func() {
		t.Helper()
		if err := syscall.Kill(os.Getpid(), syscall.SIGHUP); err != nil {
			t.Fatal(err)
		}
	}
	write("b.yml", "second")
	hup()
	if a := log(2)[0]; a.Via != "files" || !strings.Contains(a.Object, "starter+first+second") || !strings.Contains(a.Result, "read them again; last changed: "+filepath.Join(rules, "b.yml")) {
		t.Errorf("while it runs: %+v", a)
	}
	hup() // the same files
	if out, code := pushBundle(t, broker.URL(), 7, 1); code != 0 {
		t.Fatalf("exit status %d: %s", code, out)
	}
	if a := log(3)[0]; a.Who != "key "+inventory.EncodeKey(bundletest.Public(1)) || a.Via != "bundle" || !strings.Contains(a.Result, "version 7") {
		t.Errorf("with a bundle: %+v", a)
	}
}

// A collector that does not come to judge anything keeps nothing of its rules.
func TestRulesOfACollectorThatDoesNotStart(t *testing.T) {
	broker := natslinktest.Start(t, natslinktest.Settings{})
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	dir := t.TempDir()
	path := filepath.Join(dir, "collector.yaml")
	text := fmt.Sprintf("nats: {urls: [%q]}\nstore: sqlite:%s/rollcall.db\nstate_dir: %s\nlisten: %s\nfingerprints_dir: %s/none\npolicy_dir: %s/none\n",
		broker.URL(), dir, dir, taken.Addr(), dir, dir)
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, code := rollcall(t, "collector", "--config", path); code != 1 || !strings.Contains(out, "choose another address") {
		t.Fatalf("exit status %d: %s", code, out)
	}
	s, err := program.OpenAccess(t.Context(), "sqlite:"+filepath.Join(dir, "rollcall.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	if l, err := s.Audits(t.Context(), store.AuditFilter{}, store.Page{}); err != nil || len(l.Items) != 0 {
		t.Errorf("%+v, %v", l.Items, err)
	}
}
