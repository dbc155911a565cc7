// Package packaging_test holds what is shipped beside the programs against the programs: units,
// init scripts and package lists. It tests no Go code.
package packaging_test

import (
	"bytes"
	"errors"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/spf13/cobra"
	"go.yaml.in/yaml/v3"

	"github.com/rollcall-iot/rollcall/configs"
	"github.com/rollcall-iot/rollcall/enroll"
	"github.com/rollcall-iot/rollcall/internal/agentcli"
	"github.com/rollcall-iot/rollcall/internal/cli"
)

func read(t *testing.T, path string) string {
	t.Helper()
	b, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}

// tool runs a program that the tests need, and gives its output and whether it was content.
func tool(t *testing.T, name string, args ...string) (string, bool) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), name, args...).CombinedOutput()
	if errors.Is(err, exec.ErrNotFound) {
		t.Fatalf("the tests need %s: %v; scripts/install-test-tools installs it on Debian", name, err)
	}
	return string(out), err == nil
}

func units(t *testing.T) []string {
	t.Helper()
	all, err := filepath.Glob("systemd/*.service")
	if err != nil || len(all) < 2 {
		t.Fatalf("found units %v: %v", all, err)
	}
	return all
}

// values gives what a unit sets a key to, in order.
func values(unit, key string) (all []string) {
	for line := range strings.SplitSeq(unit, "\n") {
		if v, ok := strings.CutPrefix(line, key+"="); ok {
			all = append(all, v)
		}
	}
	return all
}

// TestE13: no unit is more exposed than 2.0, as systemd counts.
func TestE13(t *testing.T) {
	exposed := func(unit string) (string, bool) {
		out, ok := tool(t, "systemd-analyze", "security", "--offline=true", "--threshold=20", "--no-pager", unit)
		return out, !ok
	}
	for _, u := range units(t) {
		if out, bad := exposed(u); bad {
			t.Errorf("%s is loose:\n%s", u, out)
		}
		// The check itself: without some of the defences it must fail.
		loose := filepath.Join(t.TempDir(), filepath.Base(u))
		text := regexp.MustCompile(`(?m)^(CapabilityBoundingSet|SystemCallFilter|ProtectSystem)=.*\n`).ReplaceAllString(read(t, u), "")
		if err := os.WriteFile(loose, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if _, bad := exposed(loose); !bad {
			t.Errorf("%s without its defences passes too", u)
		}
	}
}

// TestUnitsAreUnderstood: systemd knows every key and value, with nothing to complain about.
func TestUnitsAreUnderstood(t *testing.T) {
	root := t.TempDir()
	dir := filepath.Join(root, "usr/lib/systemd/system")
	for _, d := range []string{dir, filepath.Join(root, "usr/bin")} {
		if err := os.MkdirAll(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, program := range []string{"rollcall", "rollcall-agent"} {
		if err := os.WriteFile(filepath.Join(root, "usr/bin", program), []byte("#!/bin/sh\n"), 0o700); err != nil {
			t.Fatal(err)
		}
	}
	for _, u := range units(t) {
		// What it is ordered against is not in this root.
		text := strings.Replace(read(t, u), "[Unit]\n", "[Unit]\nDefaultDependencies=no\n", 1)
		path := filepath.Join(dir, filepath.Base(u))
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, ok := tool(t, "systemd-analyze", "verify", "--root="+root, "--man=no", path); !ok || out != "" {
			t.Errorf("%s: %s", u, out)
		}
		if err := os.WriteFile(path, []byte(text+"\nNoSuchKey=yes\n"), 0o600); err != nil {
			t.Fatal(err)
		}
		if out, _ := tool(t, "systemd-analyze", "verify", "--root="+root, "--man=no", path); out == "" {
			t.Errorf("%s: a key that is none goes unnoticed", u)
		}
	}
}

// TestExamples: each drop-in that is offered is understood, and packaged as documentation.
func TestExamples(t *testing.T) {
	examples, err := filepath.Glob("systemd/*.service.d/*.conf.example")
	if err != nil || len(examples) < 3 {
		t.Fatal(examples, err)
	}
	for _, e := range examples {
		root := t.TempDir()
		unit := filepath.Join(root, "usr/lib/systemd/system", strings.TrimSuffix(filepath.Base(filepath.Dir(e)), ".d"))
		dropIn := filepath.Join(root, "etc/systemd/system", filepath.Base(filepath.Dir(e)), strings.TrimSuffix(filepath.Base(e), ".example"))
		program := filepath.Join(root, "usr/bin/rollcall-agent")
		text := strings.Replace(read(t, filepath.Join("systemd", filepath.Base(unit))), "[Unit]\n", "[Unit]\nDefaultDependencies=no\n", 1)
		for path, text := range map[string]string{unit: text, dropIn: read(t, e), program: "#!/bin/sh\n"} {
			mode := os.FileMode(0o600)
			if path == program {
				mode = 0o700
			}
			// In order: the file has a place when it is written.
			if err := errors.Join(os.MkdirAll(filepath.Dir(path), 0o700), os.WriteFile(path, []byte(text), mode)); err != nil {
				t.Fatal(err)
			}
		}
		if out, ok := tool(t, "systemd-analyze", "verify", "--root="+root, "--man=no", unit); !ok || out != "" {
			t.Errorf("%s: %s", e, out)
		}
		if !strings.Contains(read(t, "nfpm.yaml"), e) {
			t.Errorf("no package has %s", e)
		}
		variables(t, e, read(t, e))
	}
}

// commandOf is the command that a line of a service runs, and what of it are arguments.
func commandOf(t *testing.T, line string) (*cobra.Command, []string) {
	t.Helper()
	f := strings.Fields(line)
	switch f[0] {
	case "/usr/bin/rollcall-agent":
		return agentcli.Command(nil), f[1:]
	case "/usr/bin/rollcall":
		c, rest, err := cli.Root().Find(f[1:])
		if err != nil {
			t.Fatal(err)
		}
		return c, rest
	}
	t.Fatalf("%q runs a program that is not ours", line)
	return nil, nil
}

// TestUnitsNameWhatExists: programs, flags, variables, users and directories of the units are those
// of the programs and packages.
func TestUnitsNameWhatExists(t *testing.T) {
	for _, path := range units(t) {
		u := read(t, path)
		c, args := commandOf(t, values(u, "ExecStart")[0])
		for _, line := range values(u, "ExecReload") {
			root, args := commandOf(t, line)
			if sub, rest, err := root.Find(args); err != nil || sub == root || sub.ValidateArgs(rest) != nil {
				t.Errorf("%s: %q is no command: %v", path, line, err)
			}
		}
		if err := c.ParseFlags(args); err != nil {
			t.Errorf("%s: %v", path, err)
		}
		creds := values(u, "LoadCredential")[0]
		name, source, _ := strings.Cut(creds, ":")
		if values(u, "ConditionPathExists")[0] != source {
			t.Errorf("%s waits for another file than %s", path, source)
		}
		var environ []string
		for _, v := range values(u, "Environment") {
			environ = append(environ, strings.ReplaceAll(v, "%d", "/run/credentials"))
		}
		state, got := "/var/lib/"+values(u, "StateDirectory")[0], ""
		if strings.Contains(path, "agent") {
			a, err := configs.LoadAgent(configs.Source{Environ: environ})
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			got = a.NATS.Creds
			if a.StateDir != state || filepath.Dir(a.StatusFile) != "/run/"+values(u, "RuntimeDirectory")[0] {
				t.Errorf("%s: the agent keeps its state in %s and its status in %s", path, a.StateDir, a.StatusFile)
			}
		} else {
			a, err := configs.LoadCollector(configs.Source{Environ: environ})
			if err != nil {
				t.Fatalf("%s: %v", path, err)
			}
			got = a.NATS.Creds
			if a.StateDir != state {
				t.Errorf("%s: the collector keeps its state in %s", path, a.StateDir)
			}
		}
		if got != "/run/credentials/"+name {
			t.Errorf("%s: the program looks for credentials in %q", path, got)
		}
		users := read(t, strings.TrimSuffix(path, ".service")+".sysusers")
		if user := values(u, "User")[0]; !strings.Contains(users, "u "+user+" ") {
			t.Errorf("%s: nobody makes user %s", path, user)
		}
	}
}

// TestEnrolmentFitsUnits: where "rollcall enroll" tells people to put credentials, the units look.
func TestEnrolmentFitsUnits(t *testing.T) {
	source := read(t, "../internal/cli/enroll.go")
	for unit, path := range map[string]string{"agent": "/etc/rollcall/nats.", "collector": "/etc/rollcall/collector."} {
		if !strings.Contains(source, path+"%s") || !strings.Contains(read(t, "systemd/rollcall-"+unit+".service"), path+"creds") {
			t.Errorf("%s: enrolment and unit do not name %s alike", unit, path)
		}
	}
}

// TestScripts: every script is one for a plain shell, and can be run.
func TestScripts(t *testing.T) {
	var all []string
	for _, pattern := range []string{"scripts/*", "openwrt/*", "openrc/*"} {
		found, err := filepath.Glob(pattern)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, found...)
	}
	if len(all) < 10 {
		t.Fatalf("found only %v", all)
	}
	for _, s := range all {
		if out, ok := tool(t, "sh", "-n", s); !ok {
			t.Errorf("%s: %s", s, out)
		}
		text := read(t, s)
		if !strings.HasPrefix(text, "#!/") || strings.Contains(text, "[[") || strings.Contains(text, "function ") {
			t.Errorf("%s is no script for a plain shell", s)
		}
		info, err := os.Stat(s)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(s, "scripts/") && info.Mode()&0o111 == 0 {
			t.Errorf("%s cannot be run", s)
		}
		variables(t, s, text)
	}
}

// variables checks that the ROLLCALL_ variables which a script sets are options.
func variables(t *testing.T, name, text string) {
	t.Helper()
	var environ []string
	for _, m := range regexp.MustCompile(`(ROLLCALL_[A-Z_]+)=`).FindAllStringSubmatch(text, -1) {
		environ = append(environ, m[1]+"=/some/path")
	}
	err := error(nil)
	if strings.Contains(name, "collector") {
		_, err = configs.LoadCollector(configs.Source{Environ: environ})
	} else {
		_, err = configs.LoadAgent(configs.Source{Environ: environ})
	}
	if err != nil {
		t.Errorf("%s: %v", name, err)
	}
}

// procd stands for the functions of OpenWrt's: it prints what the script asks for.
const procd = `procd_open_instance() { echo open; }
procd_close_instance() { echo close; }
procd_set_param() { echo "$@"; }
logger() { echo "$@"; }
chown() { :; }
chgrp() { :; }
`

// TestProcd: the OpenWrt script starts the program as the right user, and only where the gateway
// is enrolled.
func TestProcd(t *testing.T) {
	etc := t.TempDir()
	script := strings.NewReplacer("/etc/rollcall", etc, "/var/run/rollcall", filepath.Join(etc, "run"), "/dev/tty", etc+"/tty", "/dev/wwan", etc+"/wwan").
		Replace(read(t, "openwrt/rollcall-agent.init"))
	start := func() string {
		out, ok := tool(t, "sh", "-c", procd+script+"\nstart_service")
		if !ok {
			t.Fatalf("the script fails:\n%s", out)
		}
		return out
	}
	if out := start(); !strings.Contains(out, "not enrolled") || strings.Contains(out, "open") {
		t.Errorf("not enrolled, it does: %s", out)
	}
	creds := filepath.Join(etc, "nats.creds")
	if err := os.WriteFile(creds, nil, 0o644); err != nil {
		t.Fatal(err)
	}
	out := start()
	for _, want := range []string{"command /usr/bin/rollcall-agent\n", "user rollcall\n", "group dialout\n", "no_new_privs 1\n", "ROLLCALL_NATS_CREDS=" + creds, "respawn 3600 10 0\n", "close\n"} {
		if !strings.Contains(out, want) {
			t.Errorf("no %q in:\n%s", want, out)
		}
	}
	for path, want := range map[string]os.FileMode{creds: 0o600, filepath.Join(etc, "state"): 0o700 | os.ModeDir} {
		if info, err := os.Stat(path); err != nil || info.Mode() != want {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
}

// list is what nfpm takes, as far as it is used here.
type list struct {
	Name, Arch, Platform, Version, Section, Priority, Maintainer, Description, Vendor, Homepage, License string

	Umask      any
	Recommends []string
	Contents   []struct {
		Src, Dst, Type, Packager string
		FileInfo                 struct{ Mode int } `yaml:"file_info"`
	}
	Scripts map[string]string
}

// TestPackages: the package lists have no key that nfpm does not know, and every file that they name
// is in the tree or made by packaging/build. What is installed is what services and docs speak of.
func TestPackages(t *testing.T) {
	build := read(t, "build") + read(t, "../Makefile")
	installed := map[string]bool{}
	for _, path := range []string{"nfpm.yaml", "nfpm-rollcall.yaml"} {
		var l list
		d := yaml.NewDecoder(bytes.NewReader([]byte(read(t, path))))
		d.KnownFields(true)
		if err := d.Decode(&l); err != nil {
			t.Fatalf("%s: %v", path, err)
		}
		if l.Name == "" || l.Version != "${VERSION}" || l.Arch != "${GOARCH}" || l.License != "Apache-2.0" || len(l.Scripts) != 4 {
			t.Errorf("%s: %+v", path, l)
		}
		for _, s := range l.Scripts {
			exists(t, path, s, build)
		}
		for _, c := range l.Contents {
			exists(t, path, c.Src, build)
			installed[c.Dst] = true
			if want := strings.Contains(c.Dst, "/bin/") || strings.Contains(c.Dst, "init.d") || strings.Contains(c.Dst, "hotplug.d"); (c.FileInfo.Mode&0o111 != 0) != want {
				t.Errorf("%s: %s has mode %o", path, c.Dst, c.FileInfo.Mode)
			}
			if strings.HasSuffix(c.Dst, ".yaml") && c.Type != "config|noreplace" {
				t.Errorf("%s: an upgrade would overwrite %s", path, c.Dst)
			}
		}
	}
	for _, want := range []string{
		"/usr/bin/rollcall", "/usr/bin/rollcall-agent", configs.AgentFile, configs.CollectorFile, "/etc/init.d/rollcall-agent", "/etc/init.d/rollcall-collector",
		"/usr/lib/systemd/system/rollcall-agent.service", "/usr/lib/systemd/system/rollcall-collector.service",
		"/usr/lib/sysusers.d/rollcall-agent.conf", "/usr/lib/sysusers.d/rollcall-collector.conf", "/usr/lib/udev/rules.d/60-rollcall.rules",
	} {
		if !installed[want] {
			t.Errorf("no package installs %s; they install %v", want, slices.Sorted(maps.Keys(installed)))
		}
	}
}

// exists says whether a source of a package is in the tree, or made when it is built.
func exists(t *testing.T, list, src, build string) {
	t.Helper()
	if strings.HasPrefix(src, "bin/") {
		if !strings.Contains(build, strings.TrimSuffix(src, "/*.1")) {
			t.Errorf("%s: nothing makes %s", list, src)
		}
		return
	}
	found, err := filepath.Glob(filepath.Join("..", src))
	if err != nil || len(found) == 0 {
		t.Errorf("%s: there is no %s (%v)", list, src, err)
	}
}

// TestUnderSystemd runs the agent's unit under a real systemd, the first process of namespaces of its
// own: it is ready, works with the credentials that were loaded, and has no right that it does not need.
func TestUnderSystemd(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Log("not tried: it takes root to run a systemd in namespaces of its own")
		return
	}
	dir := t.TempDir()
	a, err := enroll.Init(filepath.Join(dir, "authority"), enroll.Settings{})
	if err != nil {
		t.Fatal(err)
	}
	c, err := a.Enroll("gw1", enroll.Options{})
	if err = errors.Join(err, a.Close()); err != nil {
		t.Fatal(err)
	}
	agent, creds, facts := filepath.Join(dir, "rollcall-agent"), filepath.Join(dir, "creds"), filepath.Join(dir, "facts")
	if err := os.WriteFile(creds, c.File, 0o600); err != nil {
		t.Fatal(err)
	}
	build := exec.CommandContext(t.Context(), "go", "build", "-o", agent, "../cmd/rollcall-agent")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		t.Fatalf("%v\n%s", err, out)
	}
	t.Setenv("TMPDIR", dir)
	run := exec.CommandContext(t.Context(), "unshare", "--mount", "--pid", "--cgroup", "--ipc", "--uts", "--fork", "--kill-child", "testdata/machine", agent, creds, facts)
	run.WaitDelay = time.Second
	out, err := run.CombinedOutput()
	got := ""
	if b, readErr := os.ReadFile(facts); readErr == nil {
		got = string(b)
	}
	for _, want := range []string{
		"started", "ActiveState=active", "SubState=running", "NRestarts=0",
		"CapBnd:\t0000000000000000", "NoNewPrivs:\t1", "Seccomp:\t2", "rollcall dialout",
		"700 rollcall /var/lib/rollcall", "600 rollcall /var/lib/rollcall/report.key", "644 rollcall /run/rollcall/status.json",
		"Result=success", "ActiveState=inactive",
		"reads the clock: yes", "sets the clock: no", "sees consoles: yes", "writes to /etc: no",
		"reads root's credentials: no", "reads its own: yes", "keeps core dumps: no",
	} {
		if !strings.Contains(got, want+"\n") {
			t.Errorf("not %q", want)
		}
	}
	if t.Failed() {
		t.Logf("the machine says (%v):\n%s\n%s", err, out, got)
	}
}
