package packaging_test

import (
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v3"
)

// What is read again while the collector runs lies in a directory that is mounted: a file that is
// mounted alone stays what it was when it is replaced (seen with podman 4.3.1).
func TestCertificatesCanBeReplaced(t *testing.T) {
	var c struct {
		Cert string `yaml:"tls_cert"`
		Key  string `yaml:"tls_key"`
	}
	if err := yaml.Unmarshal([]byte(read(t, "compose/collector.yaml")), &c); err != nil {
		t.Fatal(err)
	}
	services := documents(t, read(t, "compose/compose.yaml"))[0]
	for _, name := range []string{"collector-1", "collector-2"} {
		var mounted []string
		for _, v := range items(services, "services", name, "volumes") {
			mounted = append(mounted, strings.Split(fmt.Sprint(v), ":")[1])
		}
		for _, file := range []string{c.Cert, c.Key} {
			if !slices.Contains(mounted, path.Dir(file)) {
				t.Errorf("%s mounts %v: %s is not in a directory of its own", name, mounted, file)
			}
		}
	}
}

// A broker of the cluster hands over before it stops, and is given the time for that: nats-server
// ends at once on TERM unless it is in lame duck mode already.
func TestBrokersHandOver(t *testing.T) {
	var config string
	var broker doc
	for _, d := range manifests(t) {
		switch text(d, "kind") + " " + text(d, "metadata", "name") {
		case "ConfigMap nats":
			config = text(d, "data", "nats.conf")
		case "StatefulSet nats":
			broker, _ = at(d, "spec", "template", "spec").(doc)
		}
	}
	var needs time.Duration
	for _, m := range regexp.MustCompile(`(?m)^lame_duck_\w+: "(\w+)"`).FindAllStringSubmatch(config, -1) {
		d, err := time.ParseDuration(m[1])
		if err != nil {
			t.Error(err)
		}
		needs += d
	}
	given, err := time.ParseDuration(text(broker, "terminationGracePeriodSeconds") + "s")
	if err != nil || needs == 0 || needs >= given {
		t.Errorf("handing over takes %s of %s: %v", needs, given, err)
	}
	if got := fmt.Sprint(items(broker, "containers", 0, "lifecycle", "preStop", "exec", "command")); got != "[nats-server --signal ldm=1]" {
		t.Errorf("before it stops, a broker runs %s", got)
	}
	// A rolling update waits for the copies of the streams.
	if got := fmt.Sprint(items(broker, "containers", 0, "startupProbe", "exec", "command")); !strings.HasSuffix(got, ":8222/healthz]") {
		t.Errorf("a broker has started when %s", got)
	}
}

// What an operator makes beside the tree does not get into the layers of an image.
func TestImageLeavesSecretsOut(t *testing.T) {
	ignored := ignores(t)
	for _, name := range []string{"authority/keys/COLLECTOR.nk", "authority-home/creds/system.creds", "collector.creds", "packaging/compose/web/web.key", "server.key", "postgres.password", "pgpass", "admin.token", "rollcall.db"} {
		if !ignored(name) {
			t.Errorf("%s would be copied into the build of the image", name)
		}
	}
	if ignored("enroll/authority.go") || ignored("cmd/rollcall/main.go") {
		t.Error("the program's own files are left out")
	}
}
